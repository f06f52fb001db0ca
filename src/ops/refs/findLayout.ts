/** Splits a path into the layout it leads to and the reference inside it, as Go's FindLayout does. */
import { Effect, Result } from "effect"
import type { ContentDigest } from "../../oci/Digest.ts"
import { ReferenceInvalid } from "../../oci/OciError.ts"
import { parseLayoutReference, type Repository, type Tag } from "../../oci/Reference.ts"

/** Where a path reference leads. */
export interface FoundLayout {
  readonly directory: string
  /** Absent for a path that is itself a layout. */
  readonly reference?: { readonly repository: Repository; readonly tag?: Tag; readonly digest?: ContentDigest }
}

/**
 * The deepest folder on the path that holds an `oci-layout`, when the rest of the path is a reference
 * (`repository[:tag][@digest]`); the path itself when it is a layout; where there is no layout, the folder of its last
 * component, so that one can be made there. There is no default tag.
 */
export const findLayout = Effect.fnUntraced(
  function*<E>(
    path: string,
    hasLayout: (directory: string) => Effect.Effect<boolean, E>
  ): Effect.fn.Return<FoundLayout, E | ReferenceInvalid> {
    if (path.length === 0 || path.includes("\0")) {
      return yield* new ReferenceInvalid({ input: path, reason: "is no path" })
    }
    if (yield* hasLayout(path)) {
      return { directory: path }
    }
    const candidates = splits(path)
    for (const { directory, rest } of candidates) {
      const reference = parseLayoutReference(rest)
      if (Result.isSuccess(reference) && (yield* hasLayout(directory))) {
        return {
          directory,
          reference: reference.success
        }
      }
    }
    const last = candidates[0]
    if (last === undefined) return yield* new ReferenceInvalid({ input: path, reason: "names no layout" })
    return { directory: last.directory, reference: yield* Effect.fromResult(parseLayoutReference(last.rest)) }
  }
)

/** Every way to cut the path in two, the deepest folder first; the folder of a plain name is the current one. */
const splits = (path: string): ReadonlyArray<{ readonly directory: string; readonly rest: string }> => {
  const cuts: Array<{ readonly directory: string; readonly rest: string }> = []
  for (let at = path.length - 1; at >= 0; at--) {
    if (path[at] === "/" && at < path.length - 1) {
      cuts.push({ directory: at === 0 ? "/" : path.slice(0, at), rest: path.slice(at + 1) })
    }
  }
  return path.startsWith("/") ? cuts : [...cuts, { directory: ".", rest: path }]
}
