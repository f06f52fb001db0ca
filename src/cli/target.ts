/** Opens the layout that a command line means, and tells which name inside it. */
import { Effect, Option, Result, type Scope, Stream } from "effect"
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import {
  type Durability,
  findLayout,
  type HoldPolicy,
  isLayout,
  makeDisk,
  makeDiskTree,
  type SymlinkPolicy
} from "../node/index.ts"
import { LayoutNotFound, ReferenceInvalid } from "../oci/OciError.ts"
import { several } from "../oci/quoted.ts"
import { formatReference, isTag } from "../oci/Reference.ts"
import { meantByAll, parseRef, type Place, type Ref } from "../ops/refs/find.ts"
import { placeAt } from "../ops/refs/placeAt.ts"
import { isBucket, parsePlace } from "../places/Place.ts"
import { archiveNamed, openArchive } from "./archives.ts"
import { type BucketFlags, openBucket, splitBucket } from "./buckets.ts"
import { canBeMade, cuts, destinationIn, type Split } from "./cuts.ts"
import { type Failure, Mistake } from "./Failure.ts"
import { noLayout } from "./noLayout.ts"
import { tellOpened } from "./opened.ts"
import { transportOf } from "./transports.ts"

export interface Where {
  readonly layout: Option.Option<string>
  readonly perRepository: boolean
  readonly symlinks: SymlinkPolicy
  readonly defaultRepository: Option.Option<string>
  /** The store of buckets, where it is not that of the environment. */
  readonly endpoint?: Option.Option<string>
  /** How that store encrypts what is written. */
  readonly sse?: Option.Option<string>
  /** Absent for commands that only read. */
  readonly durability?: Durability
  readonly hold?: HoldPolicy
}

/** A layout, and what of it is meant. */
export interface Target extends Place {
  /** Absolute, or `s3://BUCKET/PREFIX`. */
  readonly directory: string
  /** The reference inside the layout, as it is written; absent where the layout itself is meant. */
  readonly name?: string
  /** Whether it is a file or folder of another tool, which is commonly one image. */
  readonly archive?: true
}

const bucketFlags = ({ defaultRepository, endpoint, sse }: Where): BucketFlags => ({
  defaultRepository: Option.getOrUndefined(defaultRepository),
  endpoint: endpoint === undefined ? undefined : Option.getOrUndefined(endpoint),
  sse: sse === undefined ? undefined : Option.getOrUndefined(sse)
})

/** Splits a path at the layout that has to be there. */
const split = Effect.fnUntraced(function*(path: string): Effect.fn.Return<Split, Failure> {
  if (path === "" || path.includes("\0")) return yield* new ReferenceInvalid({ input: path, reason: "is no path" })
  if (yield* isLayout(path)) return { directory: path }
  // A shortened digest is part of no reference by the book, so digests are looked at only once the layout is known.
  const [, whole = path, digest = ""] = /^(.*?)(@[^/@]*)?$/su.exec(path) ?? []
  const found = yield* Effect.result(findLayout(whole))
  if (Result.isSuccess(found) && (yield* isLayout(found.success.directory))) {
    const { directory, reference } = found.success
    return reference === undefined
      ? { directory, suffix: digest }
      : { directory, name: formatReference(reference) + digest }
  }
  for (const { before, rest } of cuts(path, ":")) {
    if (yield* isLayout(before)) return { directory: before, suffix: `:${rest}` }
  }
  // What fits no grammar may be how an entry is written.
  for (const { before, rest } of [...cuts(path, "/"), ...(path.startsWith("/") ? [] : [{ before: ".", rest: path }])]) {
    if (yield* isLayout(before)) return { directory: before, name: rest }
  }
  return yield* noLayout(path)
})

/**
 * As skopeo names the image of a layout, `DIR:tag`: of the default repository, whatever others there are. A digest means
 * the same in all of them, so it may be that of the only one.
 */
const nameIn = Effect.fnUntraced(function*(
  { registry }: Target,
  suffix: string
): Effect.fn.Return<Pick<Target, "name" | "written">, Failure> {
  const [only, other] = suffix.startsWith("@") ? yield* Stream.runCollect(registry.repositories({ limit: 2 })) : []
  const repository = only !== undefined && other === undefined
    ? only
    : Option.getOrElse(yield* registry.defaultRepository, () => "")
  return { name: repository + suffix, ...(suffix.startsWith(":") ? { written: suffix.slice(1) } : {}) }
})

const open = Effect.fnUntraced(function*(
  where: Where,
  directory: string,
  state: "there" | "damaged" | "made" = "there"
): Effect.fn.Return<Target, Failure, Scope.Scope> {
  if (isBucket(directory)) return yield* openIn(where, directory, state === "there")
  const { defaultRepository, durability, hold, perRepository, symlinks } = where
  const path = resolve(directory)
  const known = transportOf(directory)
  if (known !== undefined && !existsSync(path)) return yield* new LayoutNotFound({ path: directory, ...known })
  yield* tellOpened(path)
  const options = { directory: path, symlinks, durability, hold }
  if (perRepository) {
    // What is written makes what is missing of a tree, but no layout is a tree.
    const mustExist = durability === undefined || (existsSync(path) && (yield* isLayout(path)))
    return { directory: path, perRepository, registry: yield* makeDiskTree({ ...options, mustExist }) }
  }
  const registry = yield* makeDisk({
    ...options,
    defaultRepository: Option.getOrUndefined(defaultRepository),
    mustExist: state === "there"
  })
  return { directory: path, perRepository, registry }
})

const openIn = Effect.fnUntraced(function*(
  where: Where,
  text: string,
  mustExist: boolean
): Effect.fn.Return<Target, Failure, Scope.Scope> {
  const { durability, perRepository } = where
  // What is written makes what is missing of a tree.
  const isExpected = perRepository ? durability === undefined : mustExist
  return { ...(yield* openBucket(text, { ...bucketFlags(where), perRepository }, isExpected)), perRepository }
})

/** What other tools call a layout or an archive; the name behind it is a tag of the default repository, or how an entry is written. */
const openPlace = Effect.fnUntraced(function*(
  where: Where,
  text: string,
  state?: "made"
): Effect.fn.Return<Target | undefined, Failure, Scope.Scope> {
  const layout = text.startsWith("oci:") ? yield* Effect.fromResult(parsePlace(text)) : undefined
  if (layout?._tag === "Layout") return yield* named(yield* open(where, layout.directory, state), layout.name)
  const archive = yield* archiveNamed(text)
  if (archive === undefined) return undefined
  const read = yield* openArchive(archive, where.defaultRepository)
  const opened = { ...read, perRepository: false, archive: true as const }
  if (archive._tag === "Directory" || archive.name === undefined) return opened
  // Behind a slash is a name inside of it, as in a layout.
  return text.startsWith(`${archive.file}/`)
    ? { ...opened, name: archive.name }
    : yield* named(opened, archive.name)
})

const named = (target: Target, name: string | undefined): Effect.Effect<Target, Failure> =>
  name === undefined
    ? Effect.succeed(target)
    : isTag(name)
    ? Effect.map(nameIn(target, `:${name}`), (found) => ({ ...target, ...found }))
    : Effect.succeed({ ...target, name })

/** The layout and the name that an argument means; without one, the layout of `--layout`, or that of the directory. */
export const locate = Effect.fnUntraced(function*(
  where: Where,
  argument: Option.Option<string>
): Effect.fn.Return<Target, Failure, Scope.Scope> {
  const given = Option.getOrUndefined(where.layout)
  const text = Option.getOrUndefined(argument)
  if (given !== undefined) {
    const target = yield* open(where, given)
    return text === undefined ? target : { ...target, name: text }
  }
  if (text === undefined) return yield* open(where, ".")
  if (where.perRepository) return yield* open(where, text)
  const elsewhere = yield* openPlace(where, text)
  if (elsewhere !== undefined) return elsewhere
  const { directory, name, suffix } = isBucket(text) ? yield* splitBucket(text, bucketFlags(where)) : yield* split(text)
  const target = isBucket(text) ? yield* openIn(where, directory, false) : yield* open(where, directory)
  if (suffix !== undefined) return { ...target, ...(yield* nameIn(target, suffix)) }
  return name === undefined ? target : { ...target, name }
})

/** As `locate`, where a folder will do that was a layout before it lost its `oci-layout`. */
export const locateDamaged = (
  where: Where,
  argument: Option.Option<string>
): Effect.Effect<Target, Failure, Scope.Scope> => {
  const directory = Option.getOrElse(Option.orElse(argument, () => where.layout), () => ".")
  const wasLayout = ["index.json", "blobs"].some((name) => existsSync(join(directory, name)))
  const located = locate(where, argument)
  return wasLayout
    ? Effect.catchTags(located, {
      LayoutNotFound: () => open(where, directory, "damaged"),
      ReferenceInvalid: () => open(where, directory, "damaged")
    })
    : located
}

/** As `locate`, for what is about a layout as a whole. */
export const locateWhole = Effect.fnUntraced(function*(
  where: Where,
  argument: Option.Option<string>
): Effect.fn.Return<Target, Failure, Scope.Scope> {
  return yield* withoutName(yield* locate(where, argument))
})

export const withoutName = (target: Target): Effect.Effect<Target, Mistake> =>
  target.name === undefined
    ? Effect.succeed(target)
    : Effect.fail(new Mistake(`this is about a whole layout; name ${target.directory}, and not ${target.name} in it`))

/** A layout and what is named in it, which need not be a reference by the book. */
export type Named = Target & { readonly name: string; readonly ref: Result.Result<Ref, Failure> }

/** As `locate`, and the name is there and is read: of a layout with a single manifest, which has no tag, it is that. */
export const locateRef = Effect.fnUntraced(function*(
  where: Where,
  argument: string
): Effect.fn.Return<Named, Failure, Scope.Scope> {
  if (where.perRepository && Option.isNone(where.layout)) {
    return yield* Effect.fail(new Mistake("with --per-repository, say where the tree is: --layout DIR"))
  }
  const target = yield* locate(where, Option.some(argument))
  const name = target.name ?? (yield* onlyName(target, argument))
  return { ...target, name, ref: parseRef(name) }
})

/** What a layout alone means, where there is no choice. Of a layout, one that has a tag is named by it. */
const onlyName = Effect.fnUntraced(function*(target: Target, argument: string): Effect.fn.Return<string, Failure> {
  const meant = yield* meantByAll(target)
  const [only, other] = meant
  if (only !== undefined && other === undefined && (only.digest !== undefined || target.archive)) return only.name
  const layout = argument.replace(/\/*$/u, "")
  const names = meant.map(({ name }) => `${layout}/${name}`)
  const such = names.length === 0 ? "there is nothing in it yet" : `there is: ${several(names)}`
  return yield* Effect.fail(
    new Mistake(
      `${argument} is ${
        target.archive ? "an archive" : "a layout"
      }; write ${layout}/REPOSITORY:TAG for what is in it; ${such}`
    )
  )
})

/** As `locateRef`, for what is put into a layout: of a layout alone, the default repository. */
export const locateNew = Effect.fnUntraced(function*(
  where: Where,
  argument: string
): Effect.fn.Return<Named, Failure, Scope.Scope> {
  if (where.perRepository && Option.isNone(where.layout)) return yield* locateRef(where, argument)
  const target = yield* locate(where, Option.some(argument))
  const name = target.name ?? (yield* nameIn(target, "")).name ?? ""
  return { ...target, name, ref: parseRef(name) }
})

/** As `locateNew`, for what must be a repository alone. */
export const locateRepository = Effect.fnUntraced(function*(
  where: Where,
  argument: string
): Effect.fn.Return<Target & { readonly repository: string }, Failure, Scope.Scope> {
  const target = yield* locateNew(where, argument)
  const { name, ref } = target
  const repository = Result.isSuccess(ref) ? ref.success.repository : name
  if (repository === name) return { ...target, repository }
  return yield* Effect.fail(
    new Mistake(
      `${argument} names a tag or a digest, and blobs are in repositories: leave out ${name.slice(repository.length)}`
    )
  )
})

/** As `locateNew`, and a layout `DIR` of `DIR:TAG` or `DIR/REPOSITORY:TAG` that is not there is to be made. */
export const locateDestination = Effect.fnUntraced(function*(
  where: Where,
  argument: string
): Effect.fn.Return<Named, Failure, Scope.Scope> {
  const located = yield* Effect.result(locateNew(where, argument))
  if (Result.isSuccess(located)) return located.success
  const other = yield* Effect.fromResult(parsePlace(argument)).pipe(Effect.orElseSucceed(() => undefined))
  if (located.failure._tag === "LayoutNotFound" && other?._tag === "Layout" && canBeMade(other.directory)) {
    const target = yield* openPlace(where, argument, "made")
    const name = target?.name ?? ""
    if (target !== undefined) return { ...target, name, ref: parseRef(name) }
  }
  const made = located.failure._tag === "LayoutNotFound" ? destinationIn(argument, where) : undefined
  if (made === undefined) return yield* Effect.fail(located.failure)
  const target = yield* open(where, made.directory, "made")
  const name = made.name ?? (yield* nameIn(target, made.suffix ?? "")).name ?? ""
  return { ...target, name, ref: parseRef(name) }
})

/** The layout as it was at a point of its history; `-N` goes back from the tag that is named. */
export const atPoint = <A extends Target>(target: A, at: Option.Option<string>): Effect.Effect<A, Failure> =>
  placeAt(target, Option.getOrUndefined(at), target.name)
