/** What a commit did to manifests and tags. */
import type { TagWrite } from "../../layout/Command.ts"
import { tagged, withDigest } from "../../layout/query.ts"
import type { State } from "../../layout/State.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { Digest } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { ChangeDone, ManifestPushed, TagMoved } from "../api/Done.ts"
import type { Committed } from "../ports/LayoutStore.ts"

export const pushed = (
  { after, before, revision }: Committed,
  repository: Repository,
  descriptor: Descriptor,
  tags: ReadonlyArray<TagWrite>,
  subject: Digest | undefined
): ManifestPushed => ({
  descriptor: plain(descriptor),
  ...field("subject", subject),
  existed: withDigest(before, repository, descriptor.digest).length > 0,
  moved: tags.flatMap(({ tag }) => movedTag(before, after, repository, tag)),
  revision
})

export const changeDone = (
  { after, before }: Committed,
  repository: Repository,
  descriptor: Descriptor | undefined,
  tags: ReadonlyArray<TagWrite>
): ChangeDone => ({
  ...(descriptor === undefined ? {} : { descriptor: plain(descriptor) }),
  existed: descriptor !== undefined && withDigest(before, repository, descriptor.digest).length > 0,
  moved: tags.flatMap(({ tag }) => movedTag(before, after, repository, tag))
})

const plain = ({ artifactType, digest, mediaType, size }: Descriptor): Descriptor => ({
  mediaType,
  digest,
  size,
  ...field("artifactType", artifactType)
})

const movedTag = (
  before: State,
  after: State,
  repository: Repository,
  tag: TagWrite["tag"]
): ReadonlyArray<TagMoved> => {
  const from = tagged(before, repository, tag)[0]?.descriptor?.digest
  const to = tagged(after, repository, tag)[0]?.descriptor?.digest
  if (from === to || to === undefined) return []
  return [from === undefined ? { tag } : { tag, from }]
}
