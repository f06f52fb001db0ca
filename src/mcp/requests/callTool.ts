/** What `tools/list` and `tools/call` mean, with no MCP SDK in it: adapters only translate. */
import { Cause, Clock, Effect, Logger } from "effect"
import type { JsonObject } from "../../oci/Descriptor.ts"
import { Denied } from "../../oci/OciError.ts"
import { Actor } from "../../ops/api/Actor.ts"
import { besideDockerSave } from "../../ops/api/dockerSave.ts"
import type { LocalFiles } from "../../ops/ports/LocalFiles.ts"
import { explain, unexpected } from "../catalog/explain.ts"
import type { ToolCatalog } from "../catalog/toolCatalog.ts"
import { clean } from "../tool/display.ts"
import * as limits from "../tool/limits.ts"
import type { ServedLayout, ServerConfig } from "../tool/ServerConfig.ts"
import { ContentTooLarge, Declined, type ToolError } from "../tool/SurfaceError.ts"
import type { Exchange, JsonArguments, Progress, Tool, ToolDefinition } from "../tool/Tool.ts"

/** Where the code of an error stands for programs; models read it at the beginning of the text. */
const errorKey = "dev.ocilayout/error"

/** The result of a call, as MCP has it. */
export interface CallResult {
  readonly content: ReadonlyArray<{ readonly type: "text"; readonly text: string }>
  /** Never beside `isError`: clients check it against the output schema even then. */
  readonly structuredContent?: JsonObject
  readonly isError?: true
  readonly _meta?: { readonly [errorKey]: { readonly code: string } }
}

/** A call of a tool: its name, and the arguments as they came. */
export interface Request {
  readonly name: string
  /** Who calls, as the client calls itself; it goes on record with every change. */
  readonly client?: string | undefined
  readonly args: JsonArguments
  /** Not awaited: a slow reader must not hold up the work. */
  readonly sendProgress?: ((step: Progress) => void) | undefined
  /** Asks the person at the client; absent where the client cannot. */
  readonly ask?: ((question: string) => Effect.Effect<Answer>) | undefined
  /** The directories that the client keeps to, as URIs; absent or none where it has no such limit. */
  readonly roots?: Effect.Effect<ReadonlyArray<string> | undefined> | undefined
}

/** How a question to a person ended. */
export type Answer = "agreed" | "declined" | "none"

/** The tools of a catalogue as clients list them. */
export const listTools = ({ tools }: ToolCatalog): ReadonlyArray<ToolDefinition> =>
  Array.from(tools.values(), ({ definition }) => definition)

/** Whether there is such a tool at all; asking for any other is an error of the protocol. */
export const isKnownTool = ({ tools, withheld }: ToolCatalog, name: string): boolean =>
  tools.has(name) || withheld.has(name)

/**
 * Carries out a call. Every failure is a result that the model can act on; a defect is logged and answered without
 * details. Interruption is the client's cancellation, or the server's end, and gives no result.
 */
export const callTool = (catalogue: ToolCatalog, request: Request): Effect.Effect<CallResult> => {
  const { served } = catalogue
  const tool = catalogue.tools.get(request.name)
  if (tool === undefined) return refusal(catalogue, denied(request.name, catalogue), served.layouts[0])
  return throttled(request.sendProgress).pipe(
    Effect.flatMap((progress) =>
      answerOf(catalogue, tool, request.args, {
        progress,
        confirm: confirming(served, request.ask),
        files: within(served.files, request.roots)
      })
    ),
    Effect.provideService(Actor, actorOf(request.client)),
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.interrupt
        : Effect.as(
          Effect.logError(`${request.name} failed unexpectedly`, cause),
          errorResult("INTERNAL", unexpected(request.name))
        )
    )
  )
}

const actorOf = (client: string | undefined): string => {
  const name = clean(client ?? "", limits.clientCharacters)
  return name === "" ? "mcp" : `mcp:${name}`
}

/** The answer to a call that the end of the server cut short. */
export const stoppedResult = (name: string): CallResult =>
  errorResult(
    "CANCELLED",
    `CANCELLED: the server stopped before ${name} finished\nHint: Look whether the change is there before repeating it.`
  )

const answerOf = Effect.fnUntraced(function*(
  catalogue: ToolCatalog,
  tool: Tool,
  args: JsonArguments,
  exchange: Exchange
) {
  const notes: Array<string> = []
  // What is logged while it changes a layout is for the operator, but for what the caller has brought about.
  const noting = Logger.make(({ message }) => {
    if (String(message).includes(besideDockerSave)) notes.push(`Note: ${besideDockerSave}; oci_verify compares them.`)
  })
  const answer = yield* Effect.provide(
    tool.call(args, exchange),
    Logger.layer([noting], { mergeWithExisting: true })
  )
  if (answer._tag === "Refused") return yield* refusal(catalogue, answer.error, answer.layout)
  const text = JSON.stringify(answer.output)
  if (text.length > limits.resultCharacters) {
    const size = { size: text.length, limit: limits.resultCharacters, unit: "characters" } as const
    return yield* refusal(catalogue, new ContentTooLarge({ what: "the answer", ...size }), catalogue.served.layouts[0])
  }
  // The same JSON twice: clients forward one or the other, never reliably both.
  return {
    structuredContent: answer.output,
    content: [text, ...notes].map((text) => ({ type: "text" as const, text }))
  } satisfies CallResult
})

const refusal = (catalogue: ToolCatalog, error: ToolError, layout: ServedLayout): Effect.Effect<CallResult> =>
  Effect.map(explain(catalogue, error, layout), ({ code, text }) => errorResult(code, text))

const errorResult = (code: string, text: string): CallResult => ({
  isError: true,
  content: [{ type: "text", text }],
  _meta: { [errorKey]: { code } }
})

/** A client may know the tool from a server that offers more. */
const denied = (name: string, { served, withheld }: ToolCatalog): Denied => {
  const lacks = withheld.get(name)
  return new Denied({
    operation: name,
    reason: lacks === "selection"
      ? "this server was started without this tool (--toolsets, --tools, --exclude-tools); nothing was changed"
      : lacks === "layers"
      ? "this server cannot decompress layers, and so cannot look inside images"
      : served.mode === "read"
      ? "this server was started with --read-only; nothing was changed"
      : "this server was started without --allowed-dir, so there is no directory to write to"
  })
}

/** A client that cannot ask a person goes on without the question: previews and undo protect it as well. */
const confirming = ({ confirm = false }: ServerConfig, ask: Request["ask"]): Exchange["confirm"] =>
  !confirm || ask === undefined ?
    () => Effect.void :
    (question) =>
      Effect.flatMap(
        ask(question),
        (answer) => answer === "agreed" ? Effect.void : Effect.fail(new Declined({ answered: answer === "declined" }))
      )

/** Roots only remove directories; where none is allowed, the client is not asked for them. */
const within = (files: LocalFiles, roots: Request["roots"]): Exchange["files"] =>
  roots === undefined || files.allowed.length === 0
    ? Effect.succeed(files)
    : Effect.flatMap(roots, (uris) => uris === undefined ? Effect.succeed(files) : files.within(uris))

/** At most one notification per interval, strictly increasing, none when the client asked for none. */
const throttled = (send: Request["sendProgress"]): Effect.Effect<(step: Progress) => Effect.Effect<void>> =>
  Effect.sync(() => {
    if (send === undefined) return () => Effect.void
    let last = Number.NEGATIVE_INFINITY
    let sentAt = Number.NEGATIVE_INFINITY
    return (step: Progress) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        if (step.progress <= last || now - sentAt < limits.progressMillis) return
        last = step.progress
        sentAt = now
        send(step)
      })
  })
