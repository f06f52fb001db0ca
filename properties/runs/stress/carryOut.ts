/** Carries out what a process asks. */
import { Effect, Option, Stream } from "effect"
import type { RegistryError } from "../../../src/oci/OciError.ts"
import type { ManifestPushed } from "../../../src/ops/api/Done.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import type { TagRequest } from "../../../src/ops/api/Registry.ts"
import type { Answer, Call, Condition } from "./Call.ts"
import { blobOf, bytesFrom, manifestOf, mediaType, uploadDigest } from "./contents.ts"

/** Any refusal is an answer; whether it was a right one is for others to say. */
export const carryOut = (registry: LayoutRegistry, call: Call): Effect.Effect<Answer> =>
  Effect.match(answerTo(registry, call), {
    onSuccess: (answer) => answer,
    onFailure: (error): Answer => ({
      refused: error._tag,
      message: error.message,
      size: error._tag === "RangeInvalid" ? error.size : undefined
    })
  })

const answerTo = (registry: LayoutRegistry, call: Call): Effect.Effect<Answer, RegistryError> => {
  const { repository } = call
  switch (call.op) {
    case "pushManifest": {
      const tags = call.tagged ? [tagRequest(call.tag, call.condition)] : []
      return Effect.map(registry.pushManifest(repository, manifestOf(call.note), mediaType, { tags }), pushed)
    }
    case "tagManifest":
      return Effect.map(
        registry.tagManifest(repository, call.digest, [tagRequest(call.tag, call.condition)]),
        pushed
      )
    case "deleteManifest":
      return Effect.map(registry.deleteManifest(repository, call.digest), ({ revision }) => ({
        digest: call.digest,
        revision: Option.getOrUndefined(revision)
      }))
    case "revert":
      return Effect.map(registry.revert(call.revision), ({ revision }) => ({
        digest: call.digest,
        revision: Option.getOrUndefined(revision)
      }))
    case "deleteTag": {
      const options = call.condition.kind === "digest" ? { ifDigest: call.condition.digest } : {}
      return Effect.map(
        registry.deleteTag(repository, call.tag, options),
        ({ digest, revision }) => ({ digest, revision: Option.getOrUndefined(revision) })
      )
    }
    case "getTag":
      return Effect.map(registry.getTag(repository, call.tag), described)
    case "getManifest":
      return Effect.map(registry.getManifest(repository, call.digest), described)
    case "tags":
      return Effect.map(Stream.runCollect(registry.tags(repository)), (names) => ({ names }))
    case "isListed":
      return Effect.map(Stream.runCollect(registry.tags(repository)), (names) => ({
        names: names.filter((name) => name === call.tag)
      }))

    case "pushBlob":
      return Effect.map(
        registry.pushBlob(repository, inPieces(blobOf(call.blob)), { digest: call.digest }),
        described
      )
    case "mountBlob":
      return Effect.map(registry.mountBlob(repository, call.to, call.digest), ({ digest }) => ({ digest }))
    case "getBlob":
      return Effect.scoped(Effect.gen(function*() {
        const content = yield* registry.getBlob(repository, call.digest)
        yield* Stream.runDrain(content.stream)
        return described(content)
      }))

    case "resume":
      return Effect.map(registry.pushBlobChunkedResume(repository, call.id), ({ size }) => ({ size }))
    case "append":
      return Effect.gen(function*() {
        const writer = yield* registry.pushBlobChunkedResume(repository, call.id)
        const pieces = inPieces(bytesFrom(call.id, call.offset, call.length))
        return { size: yield* writer.append(call.offset, pieces) }
      })
    case "commit":
      return Effect.gen(function*() {
        const writer = yield* registry.findUpload(call.id)
        const { digest } = yield* writer.commit(uploadDigest(call.id, call.size), call.size)
        return { digest }
      })
  }
}

const described = ({ descriptor }: { readonly descriptor: { readonly digest: string } }): Answer => ({
  digest: descriptor.digest
})

const pushed = ({ descriptor, revision }: ManifestPushed): Answer => ({
  digest: descriptor.digest,
  revision: Option.getOrUndefined(revision)
})

const tagRequest = (tag: string, condition: Condition): TagRequest => {
  switch (condition.kind) {
    case "none":
      return tag
    case "absent":
      return { tag, ifAbsent: true }
    case "digest":
      return { tag, ifDigest: condition.digest }
  }
}

/** In more than one piece, so that a death can come between them. */
const inPieces = (bytes: Uint8Array): Stream.Stream<Uint8Array> => {
  const size = 16 * 1024
  const pieces = Array.from(
    { length: Math.ceil(bytes.length / size) },
    (_, at) => bytes.subarray(at * size, (at + 1) * size)
  )
  return Stream.fromIterable(pieces)
}
