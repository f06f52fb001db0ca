/** The other side of the model: asks carried out by a registry, and its answers in the same plain data. */
import { Effect, Option, type Scope, Stream } from "effect"
import type { NameChange } from "../../src/layout/changes.ts"
import type { Descriptor } from "../../src/oci/Descriptor.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { BlobWriter } from "../../src/ops/api/BlobWriter.ts"
import type { Content } from "../../src/ops/api/Content.ts"
import type { ManifestPushed } from "../../src/ops/api/Done.ts"
import type { Point, Restored } from "../../src/ops/api/History.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import type { Change, TagRequest } from "../../src/ops/api/Registry.ts"
import {
  type Ask,
  type ChangeAsk,
  noId,
  type OfWriter,
  type PointAsk,
  type PushAsk,
  type Sent,
  type TagAsk
} from "./Ask.ts"
import { bytesOf, digestOf, documentOf } from "./contents.ts"

/** A sender that gave up. */
export class Broken {
  readonly _tag = "Broken"
}

/** A session as its client knows it: the writer it was started with, and the one it was last resumed with. */
interface Session {
  readonly first: BlobWriter
  last: BlobWriter
}

export interface Real {
  readonly registry: LayoutRegistry
  readonly sessions: Array<Session>
}

type Carried = Effect.Effect<unknown, RegistryError | Broken, Scope.Scope>

export const perform = (real: Real, ask: Ask): Effect.Effect<unknown, RegistryError | Broken> =>
  Effect.scoped(Effect.suspend(() => carryOut(real, ask)))

const carryOut = ({ registry, sessions }: Real, ask: Ask): Carried => {
  switch (ask.op) {
    case "getBlob":
      return Effect.flatMap(registry.getBlob(ask.repository, ask.digest, { verify: ask.verify }), whole(ask.verify))
    case "getBlobRange":
      return Effect.flatMap(
        registry.getBlobRange(ask.repository, ask.digest, { offset: ask.offset, end: ask.end }, { verify: ask.verify }),
        whole(ask.verify)
      )
    case "getManifest":
      return Effect.flatMap(registry.getManifest(ask.repository, ask.digest), whole())
    case "getTag":
      return Effect.flatMap(registry.getTag(ask.repository, ask.tag), whole())
    case "getNamed":
      return Effect.flatMap(registry.getNamed(ask.name), whole())
    case "resolveBlob":
      return Effect.map(registry.resolveBlob(ask.repository, ask.digest), described)
    case "resolveManifest":
      return Effect.map(registry.resolveManifest(ask.repository, ask.digest), described)
    case "resolveTag":
      return Effect.map(registry.resolveTag(ask.repository, ask.tag), described)
    case "resolveName":
      return Effect.map(registry.resolveName(ask.name), described)

    case "pushBlob": {
      const { digest, mediaType, size } = ask
      const expected = {
        ...(digest === undefined ? {} : { digest }),
        ...(mediaType === undefined ? {} : { mediaType }),
        ...(size === undefined ? {} : { size })
      }
      return Effect.map(
        registry.pushBlob(ask.repository, sent(ask), expected),
        ({ descriptor, existed }) => ({ ...described(descriptor), existed })
      )
    }
    case "mountBlob":
      return Effect.map(registry.mountBlob(ask.from, ask.to, ask.digest), described)
    case "pushBlobChunked":
      return Effect.map(registry.pushBlobChunked(ask.repository, ask.chunkSize), (writer) => {
        sessions.push({ first: writer, last: writer })
        return started(writer)
      })
    case "pushBlobChunkedResume": {
      const options = ask.offset === undefined ? {} : { offset: ask.offset }
      return Effect.map(
        registry.pushBlobChunkedResume(ask.repository, idOf(sessions, ask.session), options),
        (writer) => {
          const session = sessions[ask.session]
          if (session !== undefined) session.last = writer
          return started(writer)
        }
      )
    }
    case "append":
      return Effect.flatMap(writerOf(sessions, ask), (writer) => writer.append(ask.offset, sent(ask)))
    case "commit":
      return Effect.map(
        Effect.flatMap(writerOf(sessions, ask), (writer) => writer.commit(ask.digest, ask.size)),
        described
      )
    case "cancel":
      return Effect.flatMap(writerOf(sessions, ask), (writer) => writer.cancel)
    case "findUpload":
      return Effect.map(registry.findUpload(idOf(sessions, ask.session)), started)
    case "uploads":
      return Effect.map(
        registry.uploads(ask.repository),
        (writers) =>
          writers.map(({ id }) => sessions.findIndex(({ first }) => first.id === id)).toSorted((a, b) => a - b)
      )

    case "pushManifest":
      return Effect.map(
        registry.pushManifest(ask.repository, documentOf(ask.document).bytes, ask.mediaType, pushOptions(ask)),
        pushed
      )
    case "tagManifest":
      return Effect.map(registry.tagManifest(ask.repository, ask.digest, tagRequests(ask.tags)), pushed)
    case "batch":
      return Effect.map(registry.batch(ask.changes.map(changeOf)), ({ revision }) => Option.getOrUndefined(revision))
    case "deleteBlob":
      return registry.deleteBlob(ask.repository, ask.digest)
    case "deleteManifest":
      return Effect.map(
        registry.deleteManifest(ask.repository, ask.digest, { force: ask.force }),
        ({ revision, tags }) => ({ tags, revision: Option.getOrUndefined(revision) })
      )
    case "deleteTag":
      return Effect.map(
        registry.deleteTag(ask.repository, ask.tag, ask.ifDigest === undefined ? {} : { ifDigest: ask.ifDigest }),
        ({ digest, revision }) => ({ digest, revision: Option.getOrUndefined(revision) })
      )
    case "forecast":
      return Effect.map(
        registry.forecast(ask.repository, ask.kind, ask.digest),
        ({ neededBy, referrers, ...rest }) => ({ ...rest, neededBy: sorted(neededBy), referrers: sorted(referrers) })
      )

    case "repositories":
      return Stream.runCollect(registry.repositories(ask.page))
    case "tags":
      return Stream.runCollect(registry.tags(ask.repository, ask.page))
    case "tagsOf":
      return registry.tagsOf(ask.repository, ask.digest)
    case "referrers": {
      const found = registry.referrers(ask.repository, ask.digest, { ...ask.page, artifactType: ask.artifactType })
      return Stream.runCollect(Stream.map(found, (descriptor) => ({
        ...described(descriptor),
        artifactType: descriptor.artifactType,
        annotations: descriptor.annotations
      })))
    }
    case "describe": {
      const { bytes, mediaType } = documentOf(ask.document)
      const digest = digestOf(bytes) as Descriptor["digest"]
      return Effect.map(
        registry.describe(ask.repository, { mediaType, digest, size: bytes.length }),
        ({ annotations, artifactType, config, kind, layers, manifests, mediaType, subject }) => ({
          kind,
          mediaType,
          artifactType,
          annotations: annotations.size === 0 ? undefined : Object.fromEntries(annotations),
          subject: subject?.digest,
          names: [...(config === undefined ? [] : [config]), ...layers, ...manifests].map(({ digest }) => digest),
          manifests: manifests.map(({ digest }) => digest)
        })
      )
    }
    case "expandDigest":
      return registry.expandDigest(ask.repository, ask.digest.slice(0, "sha256:".length + ask.digits))
    case "unnamed":
      return Stream.runCollect(registry.unnamed(ask.repository))
    case "history":
      return Stream.runCollect(Stream.map(registry.history(ask), ({ actor, changes, revision }) => ({
        actor,
        revision,
        changes: netOf(changes)
      }))).pipe(
        // Whether a commit in which a name went and came back was about it is not promised.
        Effect.map((commits) => commits.filter(({ changes }) => ask.repository === undefined || changes.length > 0))
      )
    case "tagThen":
      return Effect.map(registry.at(pointOf(ask.point, ask)).resolveTag(ask.repository, ask.tag), described)
    case "revert":
      return Effect.map(registry.revert(ask.revision, ask), restored)
    case "restore":
      return Effect.map(registry.restore({ ...ask, to: pointOf(ask.point, ask) }), restored)
    case "collect":
      return Effect.gen(function*() {
        const plan = yield* registry.planGarbage({
          grace: 0,
          untagged: ask.untagged,
          ...(ask.undoable ? {} : { undoWindow: 0 })
        })
        // Where no plan could be kept there is none to be carried out.
        if (Option.isNone(plan.id)) return yield* Effect.fail(new Broken())
        const { removed, spared } = yield* registry.collectGarbage(plan.id.value)
        return [removed, spared].map((items) =>
          items.flatMap(({ kind, name }) => kind === "blob" || kind === "manifest" ? [name] : []).toSorted()
        )
      })
    case "blobPath":
      return Effect.map(registry.blobPath(ask.repository, ask.digest), () => undefined)
    case "check":
      return registry.check
    case "usage":
      return registry.usage
  }
}

const idOf = (sessions: Real["sessions"], session: number): string =>
  session === noId ? "../../index.json" : sessions[session]?.first.id ?? "0123456789abcdef".repeat(2)

const writerOf = (sessions: Real["sessions"], { session, writer }: OfWriter): Effect.Effect<BlobWriter> =>
  Effect.fromNullishOr(sessions[session]?.[writer]).pipe(Effect.orDie)

const started = ({ repository, size }: BlobWriter) => ({ repository, size })

const described = ({ digest, mediaType, size }: Descriptor) => ({ mediaType, digest, size })

/** What was read, and that it is known to be right unless that was not asked for. */
const whole = (verify = true) => ({ descriptor, stream, verified }: Content) =>
  Effect.map(Stream.runCollect(stream), (chunks) => {
    if (verify && !verified) throw new Error("answered without having verified")
    return { ...described(descriptor), bytes: Buffer.concat(chunks) }
  })

const sent = ({ breaks, content, cuts }: Sent): Stream.Stream<Uint8Array, Broken> => {
  const bytes = bytesOf(content)
  const bounds = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length]
  const chunks = Stream.fromIterable(bounds.slice(1).map((end, at) => bytes.slice(bounds[at], end)))
  return breaks ? Stream.concat(chunks, Stream.fail(new Broken())) : chunks
}

const restored = ({ changes, revision }: Restored) => ({
  changes: netOf(changes),
  revision: Option.getOrUndefined(revision)
})

const pointOf = (
  point: PointAsk,
  { repository = "", tag = "" }: { readonly repository?: string; readonly tag?: string }
): Point => "previous" in point ? { ...point, repository, tag } : point

/** Where each name, or blob, went in all: `app:v1 sha256:aa to sha256:bb`. */
const netOf = (changes: ReadonlyArray<NameChange>): Array<string> => {
  const byName = Map.groupBy(
    changes,
    ({ from, repository = "", tag, to }) => tag === undefined ? `${repository}@${from ?? to}` : `${repository}:${tag}`
  )
  return Array.from(byName, ([name, own]) => ({ name, from: own[0]?.from, to: own.at(-1)?.to }))
    .filter(({ from, to }) => from !== to)
    .map(({ from, name, to }) => `${name} ${from} to ${to}`)
    .toSorted()
}

const pushed = ({ descriptor, existed, moved, revision, subject }: ManifestPushed) => ({
  ...described(descriptor),
  subject,
  existed,
  moved: moved.map(({ from, tag }) => ({ tag, from })),
  revision: Option.getOrUndefined(revision)
})

/** A tag without conditions is asked for in both of the ways there are. */
const tagRequests = (tags: ReadonlyArray<TagAsk>): ReadonlyArray<TagRequest> =>
  tags.map((ask) => Object.keys(ask).length === 1 && ask.tag.length % 2 === 0 ? ask.tag : ask)

const pushOptions = ({ digest, tags }: PushAsk) => ({
  ...(digest === undefined ? {} : { digest }),
  tags: tagRequests(tags)
})

const changeOf = (ask: ChangeAsk): Change => {
  const { repository } = ask
  switch (ask.change) {
    case "push": {
      const { bytes } = documentOf(ask.document)
      return { _tag: "PushManifest", repository, bytes, mediaType: ask.mediaType, options: pushOptions(ask) }
    }
    case "tag":
      return { _tag: "Tag", repository, digest: ask.digest, tags: tagRequests(ask.tags) }
    case "untag":
      return {
        _tag: "DeleteTag",
        repository,
        tag: ask.tag,
        ...(ask.ifDigest === undefined ? {} : { ifDigest: ask.ifDigest })
      }
  }
}

const sorted = (digests: ReadonlyArray<string>): Array<string> => digests.toSorted((a, b) => (a < b ? -1 : 1))
