/** What can be asked of a layout through the library, the command line and the MCP server alike, and what they answer. */
import { Effect, type Scope } from "effect"

/** A reference is as it stands inside the layout. */
export type Question =
  /** Whether there is a layout, in the folder or at a path below it. */
  | { readonly asks: "open"; readonly path?: string }
  /** Every tag as `repository:tag`, entries that fit no repository by their names, the untagged by `repository@digest`. */
  | { readonly asks: "names" }
  /** The digest. */
  | { readonly asks: "resolve"; readonly ref: string; readonly platform?: string }
  /** The answer is a text. */
  | { readonly asks: "inspect"; readonly ref: string; readonly platform?: string }
  /** Their digests. */
  | { readonly asks: "referrers"; readonly ref: string }
  /** The digest of `a:copied` in a new layout and what blobs there are: `all` of the source's, or each. */
  | {
    readonly asks: "copy"
    readonly ref: string
    readonly platform?: string
    readonly referrers?: boolean
    readonly sparse?: boolean
  }
  /** Severities and codes. */
  | { readonly asks: "verify"; readonly sparse?: boolean }
  /** What is found, as a text. */
  | { readonly asks: "findings" }
  /** What verification finds once all has been repaired, and the names that there are then. */
  | { readonly asks: "repair"; readonly source?: string }
  /** How many tags, manifests, blobs and bytes a collection would take away a month later. */
  | { readonly asks: "collect"; readonly untagged?: boolean }
  /** The names that there are afterwards. */
  | { readonly asks: "tag"; readonly ref: string; readonly tag: string }
  | { readonly asks: "delete"; readonly ref: string }

export interface Refusal {
  readonly code: string
  readonly message: string
}

/** A surface has said that it does not do what it was asked. */
export class Refused extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

/** That something was refused is an answer as well. */
export const answering = <E, R>(asked: Effect.Effect<Answer, E, R>): Effect.Effect<Answer, E, R> =>
  Effect.matchEffect(asked, {
    onSuccess: (answer) => Effect.succeed<Answer>(answer),
    onFailure: (error) => error instanceof Refused ? Effect.succeed<Answer>(error.refusal) : Effect.fail(error)
  })

/** Lines, or a text. */
export type Answer = ReadonlyArray<string> | string | Refusal

/** A copy of a case to work on. */
export interface Layout {
  readonly directory: string
  readonly perRepository: boolean
  readonly symlinks: "refuse" | "inside"
}

export interface Surface {
  readonly name: string
  readonly ask: (question: Question, layout: Layout) => Effect.Effect<Answer, unknown, Scope.Scope>
}

export const isRefusal = (answer: Answer): answer is Refusal => typeof answer === "object" && "code" in answer

/** When content is too old for anybody to be about to name it. */
export const monthMillis = 30 * 24 * 60 * 60 * 1000
