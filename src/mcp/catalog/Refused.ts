/** Requests that are no calls have no result that tells of a failure: they are refused with an error of the protocol. */
import { Cause, Effect, Schema } from "effect"
import type { ServedLayout } from "../tool/ServerConfig.ts"
import type { ToolError } from "../tool/SurfaceError.ts"
import { explain, unexpected } from "./explain.ts"
import type { ToolCatalog } from "./toolCatalog.ts"

/** `unknown`: there is no such thing; `invalid`: the request itself is wrong; `failed`: it is not the client's fault. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  why: Schema.Literals(["unknown", "invalid", "failed"]),
  code: Schema.String,
  /** As a call would tell it: code, message and hint. */
  message: Schema.String
}) {}

const unknown: ReadonlySet<ToolError["_tag"]> = new Set([
  "BlobUnknown",
  "ManifestUnknown",
  "NameUnknown",
  "ResourceUnknown"
])

const invalid: ReadonlySet<ToolError["_tag"]> = new Set([
  "AlgorithmUnsupported",
  "DigestInvalid",
  "InvalidArgument",
  "NameInvalid",
  "ReferenceInvalid",
  "TagInvalid",
  "Unsupported"
])

/** A failure as a refusal, and a defect as one without details; `layout` is the one that the request is about. */
export const refusing = <A>(
  catalogue: ToolCatalog,
  layout: ServedLayout,
  what: string,
  effect: Effect.Effect<A, ToolError>
): Effect.Effect<A, Refused> =>
  effect.pipe(
    Effect.catch((error) =>
      Effect.flatMap(explain(catalogue, error, layout), ({ code, text }) => {
        const why = unknown.has(error._tag) ? "unknown" : invalid.has(error._tag) ? "invalid" : "failed"
        return Effect.fail(new Refused({ why, code, message: text }))
      })
    ),
    Effect.catchDefect((defect) =>
      Effect.andThen(
        Effect.logError(`${what} failed unexpectedly`, Cause.die(defect)),
        Effect.fail(new Refused({ why: "failed", code: "INTERNAL", message: unexpected(what) }))
      )
    )
  )
