/** Opens the layout that a command line means, and tells which name inside it. */
import { Effect, Option, Result, type Scope, Stream } from "effect"
import { existsSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import {
  type Durability,
  findLayout,
  type HoldPolicy,
  isLayout,
  openPerRepository,
  openShared,
  type SymlinkPolicy
} from "../node/index.ts"
import { LayoutNotFound, NameUnknown } from "../oci/OciError.ts"
import { formatReference, parseLayoutReference } from "../oci/Reference.ts"
import { parseRef, type Place, type Ref } from "../ops/find.ts"
import type { FoundLayout } from "../ops/findLayout.ts"
import { placeAt } from "../ops/placeAt.ts"
import { parseDirectory } from "./directories.ts"
import { type Failure, Mistake } from "./Failure.ts"

export interface Where {
  readonly layout: Option.Option<string>
  readonly perRepository: boolean
  readonly symlinks: SymlinkPolicy
  /** Absent for commands that only read. */
  readonly durability?: Durability
  readonly hold?: HoldPolicy
}

/** A layout, and what of it is meant. */
export interface Target extends Place {
  /** Absolute. */
  readonly directory: string
  /** The reference inside the layout, as it is written; absent where the layout itself is meant. */
  readonly name?: string
}

interface Split {
  readonly directory: string
  readonly name?: string
  /** `:tag` or `@digest` of a layout that is named as if it were a repository. */
  readonly suffix?: string
}

/** Splits a path reference at the layout that has to be there. */
const split = Effect.fnUntraced(function*(path: string): Effect.fn.Return<Split, Failure> {
  if (yield* isLayout(path)) return { directory: path }
  // A shortened digest is part of no reference by the book, so digests are looked at only once the layout is known.
  const [, whole = path, digest = ""] = /^(.*?)(@[^/@]*)?$/su.exec(path) ?? []
  const found = yield* Effect.result(findLayout(whole))
  if (Result.isSuccess(found)) {
    const { directory, reference } = found.success
    if (reference === undefined) return { directory, suffix: digest }
    if (yield* isLayout(directory)) return { directory, name: formatReference(reference) + digest }
  } else if (found.failure._tag !== "ReferenceInvalid") return yield* found.failure
  const colon = whole.lastIndexOf(":")
  const directory = whole.slice(0, Math.max(colon, 0))
  if (directory !== "" && (yield* isLayout(directory))) return { directory, suffix: whole.slice(colon) + digest }
  return yield* noLayout(path, whole, found)
})

/** Why a path leads to no layout: there is none, or there is one and what follows is no reference. */
const noLayout = Effect.fnUntraced(function*(
  path: string,
  whole: string,
  found: Result.Result<FoundLayout, Failure>
): Effect.fn.Return<never, Failure> {
  const components = whole.split("/")
  for (let depth = components.length - 1; depth > 0; depth--) {
    const directory = components.slice(0, depth).join("/")
    if (directory !== "" && (yield* isLayout(directory))) {
      const name = components.slice(depth).join("/")
      return yield* Result.match(parseLayoutReference(name), {
        onFailure: Effect.fail,
        onSuccess: () => new LayoutNotFound({ path: directory })
      })
    }
  }
  // What is there, or has no folder to be in, is what was meant to be the layout.
  const meant = existsSync(path) || !whole.includes("/") || Result.isFailure(found)
  if (meant && path !== "" && !path.includes("\0")) return yield* new LayoutNotFound({ path })
  return yield* Result.match(found, {
    onFailure: Effect.fail,
    onSuccess: ({ directory }) => new LayoutNotFound({ path: directory })
  })
})

/** As skopeo names the image of a layout, `DIR:tag`: of its only repository, or of the one that is called like it. */
const nameIn = Effect.fnUntraced(function*(
  { directory, registry }: Target,
  suffix: string
): Effect.fn.Return<string, Failure> {
  const [only, other] = yield* Stream.runCollect(registry.repositories({ limit: 2 }))
  const repository = other === undefined ? only : parseDirectory(directory).repository
  if (repository !== undefined) return repository + suffix
  if (other !== undefined) return yield* severalRepositories(directory, only ?? other)
  // The folder's name is that of no repository, so that a tag alone belongs to none: it is reached as it is written.
  return suffix.startsWith(":") ? suffix.slice(1) : yield* new NameUnknown({ repository: basename(directory) })
})

export const severalRepositories = (directory: string, one: string): Effect.Effect<never, Mistake> =>
  Effect.fail(new Mistake(`${directory} has several repositories; name one of them, such as ${directory}/${one}`))

const open = Effect.fnUntraced(function*(
  { durability, hold, perRepository, symlinks }: Where,
  directory: string,
  isDamaged = false
): Effect.fn.Return<Target, Failure, Scope.Scope> {
  const path = resolve(directory)
  const options = { directory: path, symlinks, durability, hold }
  if (perRepository) return { directory: path, perRepository, registry: yield* openPerRepository(options) }
  if (!isDamaged && !(yield* isLayout(path))) return yield* new LayoutNotFound({ path: directory })
  const { repository } = parseDirectory(path)
  return { directory: path, perRepository, registry: yield* openShared({ ...options, defaultRepository: repository }) }
})

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
  const { directory, name, suffix } = yield* split(text)
  const target = yield* open(where, directory)
  if (suffix !== undefined) return { ...target, name: yield* nameIn(target, suffix) }
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
      LayoutNotFound: () => open(where, directory, true),
      ReferenceInvalid: () => open(where, directory, true)
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

/** As `locate`, and the name is there and is read. */
export const locateRef = Effect.fnUntraced(function*(
  where: Where,
  argument: string
): Effect.fn.Return<
  Target & { readonly name: string; readonly ref: Result.Result<Ref, Failure> },
  Failure,
  Scope.Scope
> {
  if (where.perRepository && Option.isNone(where.layout)) {
    return yield* Effect.fail(new Mistake("with --per-repository, say where the tree is: --layout DIR"))
  }
  const target = yield* locate(where, Option.some(argument))
  const name = target.name
  if (name === undefined) {
    return yield* Effect.fail(
      new Mistake(`${argument} is a layout; write ${argument.replace(/\/*$/u, "")}/REPOSITORY:TAG for what is in it`)
    )
  }
  return { ...target, name, ref: parseRef(name) }
})

/** As `locateRef`, for what must be a repository alone. */
export const locateRepository = Effect.fnUntraced(function*(
  where: Where,
  argument: string
): Effect.fn.Return<Target & { readonly repository: string }, Failure, Scope.Scope> {
  const target = yield* locateRef(where, argument)
  return { ...target, repository: target.name }
})

/** The layout as it was at a point of its history; `-N` goes back from the tag that is named. */
export const atPoint = <A extends Target>(target: A, at: Option.Option<string>): Effect.Effect<A, Failure> =>
  placeAt(target, Option.getOrUndefined(at), target.name)
