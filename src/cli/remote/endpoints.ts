/** What a copy goes from and to: a layout, or a registry on the network. */
import { Effect, Option, type Scope, Stream } from "effect"
import { field } from "../../oci/field.ts"
import { several } from "../../oci/quoted.ts"
import { formatReference, parseLayoutReference, Tag } from "../../oci/Reference.ts"
import type { CopyReads, CopySource, CopyWrites } from "../../ops/api/Copy.ts"
import type { RegistryReads, RegistryWrites } from "../../ops/api/Registry.ts"
import { sourceFor } from "../../ops/refs/copySource.ts"
import { findManifest, meantBy } from "../../ops/refs/find.ts"
import type { RemotePlace } from "../../places/Place.ts"
import { type Failure, Mistake } from "../Failure.ts"
import { type Others, othersOf } from "../others.ts"
import { atPoint, locateDestination, locateNew, locateRef, type Named, type Where } from "../target.ts"
import { referenceOf, remoteNamed, type Remotes } from "./remotes.ts"

/** A repository that images are taken from. */
export interface From {
  readonly registry: CopyReads & Pick<RegistryReads, "tags" | "resolveTag">
  readonly repository: string
  /** The layout it is in, where it is in one. */
  readonly layout?: Named
}

/** A repository that images are brought to. */
export interface To {
  readonly registry: CopyWrites & Pick<RegistryReads, "tags"> & Pick<RegistryWrites, "deleteTag">
  readonly repository: string
}

const repositoryOf = (place: RemotePlace, text: string): Effect.Effect<string, Mistake> =>
  place.repository === undefined
    ? Effect.fail(new Mistake(`${text} names a whole registry; name a repository of it`))
    : Effect.succeed(place.repository)

const noHistory = (at: Option.Option<string>): Effect.Effect<void, Mistake> =>
  Option.isNone(at)
    ? Effect.void
    : Effect.fail(new Mistake("--at is for layouts: no registry on the network tells what was"))

/** The image that an argument names, and the layout it is in. */
export const imageFrom = Effect.fnUntraced(function*(
  where: Where,
  remotes: Remotes,
  text: string,
  { at, platform }: { readonly at: Option.Option<string>; readonly platform: string | undefined }
): Effect.fn.Return<
  { readonly source: CopySource; readonly layout?: Named; readonly others?: Others },
  Failure,
  Scope.Scope
> {
  const place = yield* remoteNamed(text)
  if (place !== undefined) {
    yield* noHistory(at)
    const repository = yield* repositoryOf(place, text)
    return {
      source: { registry: yield* remotes.source(place.host, repository), repository, reference: referenceOf(place) }
    }
  }
  const layout = yield* locateRef(where, text)
  const target = yield* atPoint(layout, at)
  const found = yield* findManifest(target, target.name)
  if (found.readAs !== undefined && found.readAs.includes(":") && !found.readAs.includes("@")) {
    const names = (yield* meantBy(target, target.name)).map(({ name }) => name)
    return yield* Effect.fail(
      new Mistake(`${text} says no tag; it could mean ${several(names)}; name one of them`)
    )
  }
  return { source: yield* sourceFor(found, platform), layout, ...field("others", othersOf(found, platform)) }
})

/** The repository that an argument names, to take images from. */
export const repositoryFrom = Effect.fnUntraced(function*(
  where: Where,
  remotes: Remotes,
  text: string,
  at: Option.Option<string>
): Effect.fn.Return<From, Failure, Scope.Scope> {
  const place = yield* remoteNamed(text)
  if (place !== undefined) {
    yield* noHistory(at)
    if (place.tag !== undefined || place.digest !== undefined) {
      return yield* Effect.fail(new Mistake(`${text} names an image; name its repository alone`))
    }
    const repository = yield* repositoryOf(place, text)
    return { registry: yield* remotes.source(place.host, repository), repository }
  }
  const layout = yield* locateNew(where, text)
  const { name, registry } = yield* atPoint(layout, at)
  return { registry, repository: name, layout }
})

/** Where an image is brought to, and the tag that is named; on a registry on the network that is `latest` by default. */
export const imageTo = Effect.fnUntraced(function*(
  where: Where,
  remotes: Remotes,
  text: string,
  from: Named | undefined
): Effect.fn.Return<To & { readonly tag?: string }, Failure, Scope.Scope> {
  const place = yield* remoteNamed(text)
  if (place !== undefined) {
    const { digest, host, tag = "latest" } = place
    if (digest !== undefined) return yield* saysDigest(text)
    const repository = yield* repositoryOf(place, text)
    return { registry: yield* remotes.open(host, repository), repository, tag }
  }
  const other = yield* locateDestination(where, text)
  const { digest, repository, tag } = yield* Effect.fromResult(parseLayoutReference(other.name))
  if (digest !== undefined) return yield* saysDigest(text)
  return { registry: sameOr(from, other).registry, repository, ...field("tag", tag) }
})

const saysDigest = (text: string): Effect.Effect<never, Mistake> =>
  Effect.fail(new Mistake(`${text} says a digest; a copy keeps the one it has, so name a tag or none`))

/** The repository that an argument names, to bring images to. */
export const repositoryTo = Effect.fnUntraced(function*(
  where: Where,
  remotes: Remotes,
  text: string,
  from: Named | undefined
): Effect.fn.Return<To, Failure, Scope.Scope> {
  const place = yield* remoteNamed(text)
  if (place !== undefined) {
    const repository = yield* repositoryOf(place, text)
    return { registry: yield* remotes.open(place.host, repository), repository }
  }
  const other = yield* locateDestination(where, text)
  return { registry: sameOr(from, other).registry, repository: other.name }
})

/** One registry mounts what two would send. */
const sameOr = (from: Named | undefined, other: Named): Named => from?.directory === other.directory ? from : other

/** All tags of a repository, in lexical order; none where it is not there yet. */
export const tagsOf = (
  { registry, repository }: Pick<From, "repository"> & { readonly registry: Pick<RegistryReads, "tags"> }
) => Effect.map(Stream.runCollect(registry.tags(repository)), (tags) => tags.toSorted())

/** What an image is called in an archive: by its repository and tag; by the host as well where it is on the network. */
export const namesOf = Effect.fnUntraced(function*(
  text: string,
  source: CopySource,
  written: string | undefined
): Effect.fn.Return<ReadonlyArray<string>, Failure> {
  const place = yield* remoteNamed(text)
  if (place?.repository !== undefined) {
    const { digest, host, repository, tag } = place
    if (tag === undefined && digest !== undefined) return []
    return [formatReference({ host, repository, tag: tag ?? Tag.make("latest") })]
  }
  if (!("repository" in source)) return written === undefined ? [] : [written]
  if (written?.includes("@") === true) return []
  const [, tag = "latest"] = /:([^:/@]+)$/u.exec(written ?? "") ?? []
  return [`${source.repository}:${tag}`]
})
