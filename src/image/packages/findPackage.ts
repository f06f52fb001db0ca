/** Which images of a layout have a package. */
import { Effect, Stream } from "effect"
import { field } from "../../oci/field.ts"
import { images, platformOf } from "../../oci/Platform.ts"
import type { ListTagsError, LookError } from "../../ops/api/errors.ts"
import type { RegistryReads } from "../../ops/api/Registry.ts"
import { readSource } from "../../ops/refs/copySource.ts"
import { fitsGlob } from "../inside/glob.ts"
import type { Inside } from "../inside/openImage.ts"
import type { Package } from "./Package.ts"
import { packagesOf, type PackagesOptions } from "./packagesOf.ts"

/** One image that was looked at. */
export interface FoundPackage {
  readonly repository: string
  readonly tag: string
  /** Of the image; of an index there is one for each of its images. */
  readonly digest: string
  readonly platform?: string
  /** Those that fit, empty where it has none. */
  readonly packages: ReadonlyArray<Package>
  /** Why the image could not be looked into; the others are. */
  readonly failure?: LookError
}

interface Kept {
  readonly packages: ReadonlyArray<Package>
  readonly failure?: LookError
}

/**
 * Looks into all tagged images of a registry, or of one repository, one after another. An image that several tags have is
 * looked into once.
 *
 * @param name fits the whole name: `*` and `?` as in file names; capitals do not matter
 */
export const findPackage = (
  registry: RegistryReads,
  inside: Inside,
  name: string,
  { repository, ...options }: PackagesOptions & { readonly repository?: string | undefined } = {}
): Stream.Stream<FoundPackage, ListTagsError | LookError> => {
  const wanted = name.toLowerCase()
  const known = new Map<string, Kept>()
  const lookInto = (repository: string, digest: string): Effect.Effect<Kept> =>
    Effect.gen(function*() {
      const before = known.get(digest)
      if (before !== undefined) return before
      const image = yield* inside.open({ registry, repository, reference: digest })
      const { packages } = yield* packagesOf(image, options)
      return { packages: packages.filter((one) => fitsGlob(wanted, one.name.toLowerCase())) }
    }).pipe(
      Effect.catch((failure) => Effect.succeed<Kept>({ packages: [], failure })),
      Effect.tap((kept) => Effect.sync(() => known.set(digest, kept)))
    )
  const repositories: Stream.Stream<string, ListTagsError> = repository === undefined
    ? registry.repositories()
    : Stream.succeed(repository)
  return repositories.pipe(
    Stream.flatMap((repository) => Stream.map(registry.tags(repository), (tag) => ({ repository, tag }))),
    Stream.mapEffect(({ repository, tag }) =>
      Effect.map(imagesOf(registry, repository, tag), (all) => all.map((one) => ({ repository, tag, ...one })))
    ),
    Stream.flatMap((all) => Stream.fromIterable(all)),
    Stream.mapEffect((one) =>
      Effect.map(lookInto(one.repository, one.digest), (kept): FoundPackage => ({ ...one, ...kept }))
    )
  )
}

const imagesOf = Effect.fnUntraced(function*(
  registry: RegistryReads,
  repository: string,
  tag: string
): Effect.fn.Return<ReadonlyArray<{ readonly digest: string; readonly platform?: string }>, LookError> {
  const { descriptor, manifest } = yield* readSource({ registry, repository, reference: tag }).root
  if (manifest.kind === "image") return [{ digest: descriptor.digest }]
  return images(manifest).map((image) => {
    const platform = platformOf(image)
    return { digest: image.digest, ...field("platform", platform) }
  })
})
