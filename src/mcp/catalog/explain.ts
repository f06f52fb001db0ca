/** Puts a failure into words: its code, what is wrong, and what to do next. */
import { Effect } from "effect"
import type { ServedLayout } from "../tool/ServerConfig.ts"
import { speakingOf } from "../tool/speakingOf.ts"
import type { ToolError } from "../tool/SurfaceError.ts"
import { hintFor } from "./hints.ts"
import type { ToolCatalog } from "./toolCatalog.ts"

export interface Explained {
  readonly code: string
  /** `CODE: message`, and a hint in a second line where there is one. */
  readonly text: string
}

/**
 * Names that are near are looked for in the layout that the request was about; hints name only tools that are offered.
 */
export const explain = (
  { served, tools }: ToolCatalog,
  error: ToolError,
  layout: ServedLayout
): Effect.Effect<Explained> =>
  Effect.map(hintFor(error, layout, served), (hint = "") => {
    const code = codeOf(error)
    const offered = speakingOf(hint, new Set(tools.keys()))
    return { code, text: `${code}: ${error.message}${offered === "" ? "" : `\nHint: ${offered}`}` }
  })

const codeOf = (error: ToolError): string =>
  error._tag === "StorageError" && error.kind === "full" ? "NO_SPACE" : error.code

/** The answer to a defect of ours: details are written to the server's log only. */
export const unexpected = (what: string): string =>
  `INTERNAL: ${what} failed unexpectedly; details are in the server's log`
