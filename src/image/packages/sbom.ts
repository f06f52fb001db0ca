/** SBOMs that are attached to an image: SPDX and CycloneDX in JSON, as they are or in an in-toto statement. */
import { Effect, Result, Stream } from "effect"
import { Base64 } from "effect/encoding"
import { fieldOf, isJsonObject, isList, type Json, type JsonObject } from "../../oci/Descriptor.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { parseJson } from "../../oci/Json.ts"
import type { Manifest } from "../../oci/Manifest.ts"
import type { LookError } from "../../ops/api/errors.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import { readSource } from "../../ops/refs/copySource.ts"
import type { OpenImage } from "../inside/openImage.ts"
import type { LayerSource } from "../layers/LayerSource.ts"
import { mostPackages, type Package } from "./Package.ts"

/** An SBOM, and what it lists. */
export interface Sbom {
  /** Of the manifest that has it. */
  readonly digest: string
  /** The index that it is attached to, where it is not the image's own. */
  readonly index?: string
  readonly format: "SPDX" | "CycloneDX"
  readonly packages: ReadonlyArray<Package>
}

/** Manifests that belong to the image and are looked at. */
const mostAttached = 1000
const mostBytes = 128 * 1024 * 1024
const jsonDepth = 64

/** The first of them, in the order of their digests, that can be read: the image's own, or else of the index it is in. */
export const sbomOf = Effect.fnUntraced(function*(
  { digest, index, source }: OpenImage
): Effect.fn.Return<Sbom | undefined, LookError> {
  const own = yield* attachedTo(source, digest)
  if (own !== undefined || index === undefined) return own
  const shared = yield* attachedTo(source, index)
  return shared === undefined ? undefined : { ...shared, index }
})

const attachedTo = Effect.fnUntraced(function*(
  { registry, repository }: LayerSource,
  digest: string
): Effect.fn.Return<Sbom | undefined, LookError> {
  const reader = readSource({ registry, repository, reference: digest })
  const attached = yield* Stream.runCollect(Stream.take(registry.attached(repository, digest), mostAttached))
  for (const { descriptor, isList } of attached) {
    if (isList === true) continue
    // What belongs to an image may be missing, or be no manifest at all.
    const read = yield* Effect.option(reader.manifest(descriptor))
    if (read._tag === "None") continue
    for (const blob of documentsOf(read.value.manifest)) {
      if (blob.size > mostBytes) continue
      const bytes = yield* Effect.option(Effect.scoped(Effect.gen(function*() {
        const { stream } = yield* registry.getBlob(repository, blob.digest)
        return yield* collectBytes(stream, () => Effect.void)
      })))
      if (bytes._tag === "None") continue
      const found = sbomIn(bytes.value, descriptor.digest)
      if (found !== undefined) return found
    }
  }
  return undefined
})

const sbomTypes = /^(?:application|text)\/(?:spdx|vnd\.cyclonedx)\+json/u
const statementTypes = /^application\/vnd\.(?:in-toto|dsse\.envelope\.v1)\+json/u
const predicates = /^https?:\/\/(?:spdx\.dev\/Document|cyclonedx\.org\/bom)/u
const predicateKeys = ["in-toto.io/predicate-type", "predicateType"]

const documentsOf = ({ artifactType, layers }: Manifest): ReadonlyArray<Descriptor> =>
  layers.filter(({ annotations, mediaType }) =>
    sbomTypes.test(mediaType) || sbomTypes.test(artifactType ?? "") ||
    (statementTypes.test(mediaType) && predicateKeys.some((key) => predicates.test(annotations?.[key] ?? "")))
  )

const jsonIn = (bytes: Uint8Array): Json | undefined =>
  Result.getOrElse(parseJson(bytes, { maxDepth: jsonDepth, duplicateKeys: "lastWins" }), () => undefined)

const objectAt = (value: Json | undefined, key: string): Json | undefined =>
  isJsonObject(value) ? fieldOf(value, key) : undefined

const textAt = (value: JsonObject, key: string): string => {
  const text = fieldOf(value, key)
  return typeof text === "string" ? text : ""
}

/** What a document lists, whatever it is wrapped in. */
const sbomIn = (bytes: Uint8Array, digest: string): Sbom | undefined => {
  const whole = jsonIn(bytes)
  const payload = objectAt(whole, "payload")
  const statement = typeof payload === "string"
    ? jsonIn(Result.getOrElse(Base64.decode(payload), () => new Uint8Array()))
    : whole
  const predicate = objectAt(statement, "predicate")
  // Cosign has written SPDX into a field of its own.
  const document = objectAt(predicate, "Data") ?? predicate ?? statement
  if (!isJsonObject(document)) return undefined
  const spdx = fieldOf(document, "packages")
  if (typeof fieldOf(document, "spdxVersion") === "string" && isList(spdx)) {
    return { digest, format: "SPDX", packages: listed(spdx, digest, "versionInfo") }
  }
  const components = fieldOf(document, "components")
  if (fieldOf(document, "bomFormat") === "CycloneDX" && isList(components)) {
    const kinds = new Set(["library", "application", "framework", "operating-system"])
    const packages = components.filter((one) => isJsonObject(one) && kinds.has(textAt(one, "type")))
    return { digest, format: "CycloneDX", packages: listed(packages, digest, "version") }
  }
  return undefined
}

const listed = (all: ReadonlyArray<Json>, path: string, versionKey: string): ReadonlyArray<Package> =>
  all.slice(0, mostPackages).flatMap((one) => {
    const name = isJsonObject(one) ? textAt(one, "name") : ""
    return !isJsonObject(one) || name === "" ? [] : [{ type: "sbom", name, version: textAt(one, versionKey), path }]
  })
