/** Deletes manifests, tags and blobs; of a registry that does not do it, nothing else is deleted in their place. */
import { Effect, Option } from "effect"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import { refuseTag } from "../../layout/decide.ts"
import { parseDigest } from "../../oci/Digest.ts"
import { BlobUnknown, ManifestUnknown, Unsupported } from "../../oci/OciError.ts"
import { parseTag, type Repository } from "../../oci/Reference.ts"
import type { RegistryWrites } from "../../ops/api/Registry.ts"
import type { Session } from "../auth/makeSession.ts"
import type { Manifests } from "./manifests.ts"
import { blobPath, digested, erase, manifestPath, named } from "./requests.ts"

export type Deletes = Pick<RegistryWrites, "deleteBlob" | "deleteManifest" | "deleteTag">

export const makeDeletes = (session: Session, { current }: Pick<Manifests, "current">): Deletes => {
  const { host } = session

  /** Deletes what a path names; `gone` is what it fails with where there is nothing. */
  const remove = Effect.fnUntraced(
    function*<E>(
      repository: Repository,
      path: string,
      operation: string,
      gone: (response: HttpClientResponse) => Effect.Effect<never, E>,
      condition: Readonly<Record<string, string>> = {}
    ) {
      const response = yield* session.call({
        method: "DELETE",
        path,
        headers: condition,
        scopes: [erase(repository)],
        operation
      })
      if (response.status === 404) return yield* gone(response)
      if (response.status === 405 || response.status === 400) {
        return yield* new Unsupported({ operation, reason: `${host} does not do this (HTTP ${response.status})` })
      }
      if (response.status !== 202 && response.status !== 200 && response.status !== 204) {
        return yield* session.failed(operation, response)
      }
    },
    Effect.scoped
  )

  return {
    deleteManifest: Effect.fn("Registry.deleteManifest")(function*(input, reference) {
      const repository = yield* named(input)
      const digest = yield* Effect.fromResult(parseDigest(reference))
      yield* remove(
        repository,
        manifestPath(repository, digest),
        `deleting ${repository}@${digest}`,
        () => Effect.fail(new ManifestUnknown({ repository, reference: digest }))
      )
      // Which tags went with it only a list of all of them before would say.
      return { tags: [], revision: Option.none() }
    }),
    deleteTag: Effect.fn("Registry.deleteTag")(function*(input, reference, { ifDigest } = {}) {
      const repository = yield* named(input)
      const tag = yield* Effect.fromResult(parseTag(reference))
      const unknown = new ManifestUnknown({ repository, reference: tag })
      const digest = yield* current(repository, tag)
      if (digest === undefined) return yield* unknown
      const refusal = ifDigest === undefined ? undefined : refuseTag(digest, repository, { tag, ifDigest }, digest)
      if (refusal !== undefined) return yield* refusal
      yield* remove(
        repository,
        manifestPath(repository, tag),
        `deleting ${repository}:${tag}`,
        () => Effect.fail(unknown),
        ifDigest === undefined ? {} : { "if-match": `"${ifDigest}"` }
      )
      return { digest, revision: Option.none() }
    }),
    deleteBlob: Effect.fn("Registry.deleteBlob")(function*(input, reference) {
      const repository = yield* named(input)
      const digest = yield* digested(reference)
      yield* remove(
        repository,
        blobPath(repository, digest),
        `deleting blob ${digest}`,
        () => Effect.fail(new BlobUnknown({ digest }))
      )
    })
  }
}
