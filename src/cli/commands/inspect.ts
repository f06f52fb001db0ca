/** inspect: what an image, an index or an artifact is made of. */
import { Effect, Option, type Scope } from "effect"
import { Command } from "effect/cli"
import * as annotation from "../../oci/Annotations.ts"
import { fieldOf } from "../../oci/Descriptor.ts"
import { field } from "../../oci/field.ts"
import type { ContainerSettings } from "../../oci/ImageConfig.ts"
import { isAttestation } from "../../oci/Platform.ts"
import type { CopySource } from "../../ops/api/Copy.ts"
import { sourceFor } from "../../ops/refs/copySource.ts"
import { findManifest, type Found as Place } from "../../ops/refs/find.ts"
import {
  contentSize,
  inspect as look,
  type Inspected as Found,
  type Weighed,
  weighImages
} from "../../ops/refs/inspect.ts"
import { described } from "../described.ts"
import type { Failure } from "../Failure.ts"
import * as f from "../flags.ts"
import { type Others, othersOf } from "../others.ts"
import { answer } from "../output.ts"
import { imageFrom } from "../remote/endpoints.ts"
import { makeRemotes, type RemoteFlags, remoteFlags, remoteNamed } from "../remote/remotes.ts"
import { atPoint, locateRef, type Where } from "../target.ts"
import { drawn, Inspected, type Settings } from "./inspection.ts"

export const inspect = Command.make("inspect", {
  reference: f.reference,
  platform: f.text("platform", "OS/ARCH[/VARIANT]", "Of an index, the image for this platform"),
  at: f.at,
  where: f.where,
  remote: remoteFlags,
  wanted: f.wanted
}, ({ at, platform, reference, remote, wanted, where }) =>
  answer(
    { schema: Inspected, show: drawn },
    wanted,
    Effect.gen(function*() {
      const asked = { at, platform: Option.getOrUndefined(platform) }
      const { others, readAs, repository, source } = yield* sourceNamed(where, remote, reference, asked)
      const inspected = yield* look(source, { platform: asked.platform })
      const images = inspected.manifest.kind === "index" ? yield* weighImages(source, inspected) : undefined
      return {
        ...field("repository", repository),
        ...field("read_as", readAs),
        ...field("others", others),
        ...answerOf(inspected, images)
      }
    })
  )).pipe(
    described(
      "Explain an image",
      "Its platform, config, layers and sizes, and what refers to it; of a multi-platform index, its images; of an " +
        "artifact, its files.",
      [
        ["inspect ./images/example/app:latest", "An image, or all platforms of an index"],
        ["inspect ./images/example/app:latest --platform linux/arm64", "One of the platforms"],
        ["inspect docker://registry.example.com/app:1.0", "What a registry on the network has"],
        ["inspect ./images/example/app:latest --json | jq -r '.layers[].digest'", "For scripts"]
      ]
    )
  )

/** What a reference names, in a layout or on the network. */
const sourceNamed = Effect.fnUntraced(function*(
  where: Where,
  flags: RemoteFlags,
  reference: string,
  { at, platform }: { readonly at: Option.Option<string>; readonly platform: string | undefined }
): Effect.fn.Return<
  Pick<Place, "repository" | "readAs"> & { readonly source: CopySource; readonly others?: Others },
  Failure,
  Scope.Scope
> {
  if ((yield* remoteNamed(reference)) !== undefined) {
    const { source } = yield* imageFrom(where, yield* makeRemotes(flags), reference, { at, platform })
    return { source, ..."repository" in source ? { repository: source.repository } : {} }
  }
  const target = yield* atPoint(yield* locateRef(where, reference), at)
  const found = yield* findManifest(target, target.name)
  const { others: _, ...named } = found
  return { ...named, source: yield* sourceFor(found, platform), ...field("others", othersOf(found, platform)) }
})

const osVersionOf = ({ platform }: Weighed["descriptor"]): string | undefined => {
  const version = platform === undefined ? undefined : fieldOf(platform, "os.version")
  return typeof version === "string" ? version : undefined
}

const answerOf = (
  { descriptor: { digest, mediaType }, image, manifest, missing, platform, predicates, referrers }: Found,
  images: ReadonlyArray<Weighed> | undefined
): Inspected => ({
  kind: predicates === undefined ? manifest.kind : "attestation",
  digest,
  media_type: mediaType,
  ...(manifest.kind === "image" ? {} : field("artifact_type", manifest.artifactType)),
  ...field("predicate_types", predicates),
  ...field("platform", platform),
  ...field("created", image?.created),
  ...field("author", image?.author),
  total_size: images === undefined
    ? contentSize(manifest)
    : images.reduce((sum, { size = 0 }) => sum + size, 0),
  ...field("config_digest", manifest.config?.digest),
  ...field("config", image === undefined ? undefined : settingsOf(image.settings)),
  ...field(
    "layers",
    images !== undefined ? undefined : manifest.layers.map(({ annotations, digest, mediaType, size }, at) => ({
      digest,
      media_type: mediaType,
      size,
      state: missing.has(digest) ? "missing" as const : "present" as const,
      ...field("title", annotations?.[annotation.title]),
      ...field("created_by", image?.instructions[at])
    }))
  ),
  ...field(
    "attestations",
    manifest.manifests.some(isAttestation)
      ? manifest.manifests.filter(isAttestation).map(({ annotations, digest }) => ({
        digest,
        ...field("annotations", annotations)
      }))
      : undefined
  ),
  ...field(
    "images",
    images?.map(({ artifactType, descriptor, platform, size, state }) => ({
      ...field("platform", platform),
      media_type: descriptor.mediaType,
      ...field("artifact_type", artifactType),
      ...field("os_version", osVersionOf(descriptor)),
      ...field("annotations", descriptor.annotations),
      digest: descriptor.digest,
      state,
      ...field("total_size", size)
    }))
  ),
  ...field("subject", manifest.subject?.digest),
  ...field("annotations", manifest.annotations.size === 0 ? undefined : Object.fromEntries(manifest.annotations)),
  ...field(
    "referrers",
    referrers.size === 0
      ? undefined
      : Object.fromEntries(Array.from(referrers, ([type, count]) => [type === "" ? "unknown" : type, count]))
  )
})

const settingsOf = ({ labels, stopSignal, ...settings }: ContainerSettings): Settings => ({
  ...settings,
  ...field("labels", labels === undefined ? undefined : Object.fromEntries(labels)),
  ...field("stop_signal", stopSignal)
})
