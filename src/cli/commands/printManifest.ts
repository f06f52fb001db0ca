/** Printing a manifest: manifest get, and cat. */
import { Effect, Option, Result, Schema, Stream } from "effect"
import { field } from "../../oci/field.ts"
import { readJson } from "../../oci/Json.ts"
import { ManifestInvalid } from "../../oci/OciError.ts"
import { chooseImage } from "../../ops/refs/chooseImage.ts"
import { readSource, sourceOf } from "../../ops/refs/copySource.ts"
import { candidatesOf, findManifest } from "../../ops/refs/find.ts"
import { answer, bytes, type Wanted } from "../output.ts"
import { atPoint, locateRef, type Named } from "../target.ts"

export const Manifest = Schema.Struct({
  repository: Schema.optionalKey(Schema.String),
  digest: Schema.String,
  media_type: Schema.String,
  size: Schema.Natural,
  /** As it reads; for its exact bytes leave --json out. */
  manifest: Schema.Json
})

const read = Effect.fnUntraced(function*(target: Named, platform: string | undefined) {
  const found = yield* findManifest(target, target.name)
  if (platform !== undefined) {
    const reader = readSource(sourceOf(found))
    const { manifest: { bytes, descriptor } } = yield* chooseImage(reader, candidatesOf(found), platform)
    return { descriptor, repository: found.repository, bytes }
  }
  const { descriptor, name = target.name, repository } = found
  const { bytes } = repository === undefined
    ? yield* target.registry.getNamed(name)
    : yield* target.registry.getManifest(repository, descriptor.digest)
  return { descriptor, repository, bytes }
})

interface Printing {
  readonly reference: string
  readonly platform: Option.Option<string>
  readonly at: Option.Option<string>
  readonly where: Parameters<typeof locateRef>[0]
  readonly wanted: Wanted
}

export const printManifest = ({ at, platform, reference, wanted, where }: Printing) => {
  const found = Effect.gen(function*() {
    const target = yield* atPoint(yield* locateRef(where, reference), at)
    return yield* read(target, Option.getOrUndefined(platform))
  })
  if (!wanted.json) return bytes(Stream.unwrap(Effect.map(found, ({ bytes }) => Stream.succeed(bytes))))
  return answer(
    { schema: Manifest, show: () => "" },
    wanted,
    Effect.gen(function*() {
      const { bytes, descriptor: { digest, mediaType, size }, repository } = yield* found
      const manifest = yield* Effect.fromResult(
        Result.mapError(readJson(bytes), (reason) => new ManifestInvalid({ reason, digest }))
      )
      return { ...field("repository", repository), digest, media_type: mediaType, size, manifest }
    })
  )
}
