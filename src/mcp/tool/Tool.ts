/** A tool is declared once: names, schemas, hints, and an Effect. Nothing here knows MCP's wire format. */
import { Effect, Result, Schema, SchemaIssue } from "effect"
import { isJsonObject, type JsonObject } from "../../oci/Descriptor.ts"
import { named } from "../../oci/quoted.ts"
import type { LocalFiles } from "../../ops/ports/LocalFiles.ts"
import { jsonSchemaOf, type ObjectSchema } from "./jsonSchemaOf.ts"
import { isWritable, movesFiles, type ServedLayout, type ServerConfig } from "./ServerConfig.ts"
import { type Declined, InvalidArgument, type ToolError } from "./SurfaceError.ts"

/** What a person can select tools by. */
export const toolsets = ["read", "inspect", "write", "make", "uploads", "delete", "maintain"] as const
/** The name of a set of tools that can be offered alone. */
export type Toolset = typeof toolsets[number]

/** What a client is told about a tool's effects; a hint, never what enforces it. */
interface Hints {
  /** Changes no layout, no upload and no file. */
  readonly readOnly: boolean
  /** Removes or overwrites something that another reader could see. */
  readonly destructive: boolean
  /** The same call again changes nothing further. */
  readonly idempotent: boolean
  /** Reaches a network; false by default. */
  readonly openWorld?: boolean
}

/** How far long work has got, in bytes. */
export interface Progress {
  readonly progress: number
  readonly total?: number
  readonly message?: string
}

/** What passes between a call and its client before it is answered. */
export interface Exchange {
  readonly progress: (step: Progress) => Effect.Effect<void>
  /** Asks a person before what cannot be undone, where that was asked for and can be done. */
  readonly confirm: (question: string) => Effect.Effect<void, Declined>
  /** The files that both the server and the client's roots allow. */
  readonly files: Effect.Effect<LocalFiles, ToolError>
}

/** What a call knows besides its arguments. */
export interface Call extends Exchange {
  /** Files are had from the exchange, which knows what the client allows of them. */
  readonly served: Omit<ServerConfig, "files">
  readonly layout: ServedLayout
  /** The layout, when the arguments named one. */
  readonly chosen: ServedLayout | undefined
}

/** What a tool needs of the server. */
export type Needs = "nothing" | "writing" | "files" | "layers" | "making" | "registries" | "archives"

export interface ToolSpec<I, O> {
  readonly name: string
  readonly toolset: Toolset
  readonly title: string
  /** What a model is told; where that depends on what the server offers, said for that server. */
  readonly description: string | ((served: ServerConfig) => string)
  readonly hints: Hints
  /**
   * When the tool is offered; `files` needs a directory that files may be written to, and that they may be written;
   * `layers` that the server can look inside images; `registries` that it may reach some, and write;
   * `making` that it can make layers, and write; `archives` what `files` needs, and that it can read and write them.
   */
  readonly needs: Needs
  readonly input: Schema.ConstraintCodec<I, unknown>
  /** Arguments about files: they are offered only by a server that moves files. */
  readonly fileArguments?: ReadonlyArray<string>
  readonly output: Schema.ConstraintCodec<O, unknown>
  readonly run: (input: I, call: Call) => Effect.Effect<NoInfer<O>, ToolError>
}

/** A tool as clients list it. */
export interface ToolDefinition {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly inputSchema: ObjectSchema
  readonly outputSchema: ObjectSchema
  readonly annotations: {
    readonly title: string
    readonly readOnlyHint: boolean
    readonly destructiveHint: boolean
    readonly idempotentHint: boolean
    readonly openWorldHint: boolean
  }
}

/** A tool as one server offers it. */
export interface Tool {
  readonly definition: ToolDefinition
  readonly toolset: Toolset
  readonly needs: Needs
  readonly offered: boolean
  readonly call: (args: JsonArguments, exchange: Exchange) => Effect.Effect<ToolAnswer>
}

/** The arguments of a call, as they come in. */
export type JsonArguments = Readonly<Record<string, unknown>>

/** How a call ended; a failure keeps the layout it was about, so that a hint can look there. */
export type ToolAnswer =
  | { readonly _tag: "Answered"; readonly output: JsonObject }
  | { readonly _tag: "Refused"; readonly error: ToolError; readonly layout: ServedLayout }

export type MakeTool = (served: ServerConfig) => Tool

/** Its schemas are compiled once per server; every connection and call shares them. */
export const defineTool = <I, O>(spec: ToolSpec<I, O>): MakeTool => (served) => {
  const layout = layoutParameter(served)
  const hidden = movesFiles(served) ? [] : spec.fileArguments ?? []
  const inputSchema = withLayout(without(jsonSchemaOf(spec.input, "input"), hidden), layout?.schema)
  const decode = Schema.decodeUnknownResult(Schema.toCodecJson(spec.input), {
    errors: "all",
    onExcessProperty: "error"
  })
  const encode = Schema.encodeSync(Schema.toCodecJson(spec.output))
  const optional = new Set([...optionalNames(inputSchema), ...hidden])

  const decoded = (args: JsonArguments): Result.Result<{ input: I; chosen: ServedLayout | undefined }, ToolError> => {
    const { layout: asked, ...rest } = withoutNulls(args, optional)
    const choice = layout === undefined ? undefined : layout.choose(asked)
    const own = layout === undefined && asked !== undefined ? { ...rest, layout: asked } : rest
    const input = decode(own)
    const problems = [
      // A struct without fields takes anything, so what it does not have is told here.
      ...(inputSchema.properties === undefined ? Object.keys(own).map(noSuchArgument) : []),
      ...(Result.isFailure(input) ? problemsOf(input.failure.issue) : []),
      ...(choice?.problem === undefined ? [] : [choice.problem])
    ]
    return Result.isFailure(input) || problems.length > 0
      ? Result.fail(new InvalidArgument({ problems: [...problems, known(inputSchema)] }))
      : Result.succeed({ input: input.success, chosen: choice?.layout })
  }

  return {
    definition: definitionOf(spec, inputSchema, served),
    toolset: spec.toolset,
    needs: spec.needs,
    offered: isOffered(spec.needs, served),
    call: (args, exchange) =>
      Result.match(decoded(args), {
        onFailure: (error) => Effect.succeed({ _tag: "Refused", error, layout: served.layouts[0] }),
        onSuccess: ({ chosen, input }) => {
          const at = chosen ?? served.layouts[0]
          return Effect.match(spec.run(input, { ...exchange, served, layout: at, chosen }), {
            onFailure: (error): ToolAnswer => ({ _tag: "Refused", error, layout: at }),
            onSuccess: (output): ToolAnswer => ({ _tag: "Answered", output: asObject(encode(output)) })
          })
        }
      })
  }
}

const isOffered = (needs: Needs, served: ServerConfig): boolean => {
  switch (needs) {
    case "nothing":
      return true
    case "writing":
      return isWritable(served)
    case "files":
      return movesFiles(served)
    case "layers":
      return served.inside !== undefined
    case "making":
      return isWritable(served) && served.making !== undefined
    case "archives":
      return movesFiles(served) && served.archives !== undefined
    case "registries":
      return isWritable(served) && served.registries !== undefined
  }
}

const definitionOf = <I, O>(
  { description, hints, name, output, title }: ToolSpec<I, O>,
  inputSchema: ObjectSchema,
  served: ServerConfig
): ToolDefinition => ({
  name,
  title,
  description: typeof description === "string" ? description : description(served),
  inputSchema,
  outputSchema: jsonSchemaOf(output, "output"),
  annotations: {
    title,
    readOnlyHint: hints.readOnly,
    destructiveHint: hints.destructive,
    idempotentHint: hints.idempotent,
    // A layout is a closed world.
    openWorldHint: hints.openWorld ?? false
  }
})

const asObject = (value: Schema.Json): JsonObject => {
  if (isJsonObject(value)) return value
  throw new TypeError("the output of a tool is an object")
}

/** With several layouts every tool can say which one it means; the ids never change while the server runs. */
const layoutParameter = ({ layouts }: ServerConfig) => {
  if (layouts.length === 1) return undefined
  const byId = new Map(layouts.map((layout) => [layout.id, layout]))
  const ids = Array.from(byId.keys())
  const description = `Layout to use, see oci_list_layouts; default ${ids[0]}`
  return {
    schema: { type: "string", enum: ids, description },
    choose: (asked: unknown): { readonly layout?: ServedLayout; readonly problem?: string } => {
      if (asked === undefined) return {}
      const layout = typeof asked === "string" ? byId.get(asked) : undefined
      return layout === undefined
        ? { problem: `layout: expected ${ids.map((id) => `"${id}"`).join(" | ")}` }
        : { layout }
    }
  }
}

const withLayout = (schema: ObjectSchema, layout: object | undefined): ObjectSchema =>
  layout === undefined ? schema : { ...schema, properties: { ...schema.properties, layout } }

/** What is hidden is refused by what would carry it out, which says why. */
const without = (schema: ObjectSchema, hidden: ReadonlyArray<string>): ObjectSchema => {
  if (hidden.length === 0) return schema
  const properties = Object.entries(schema.properties ?? {}).filter(([name]) => !hidden.includes(name))
  return { ...schema, properties: Object.fromEntries(properties) }
}

const optionalNames = ({ properties = {}, required = [] }: ObjectSchema): ReadonlySet<string> =>
  new Set(Object.keys(properties).filter((name) => !required.includes(name)))

/** Models under strict schemas send `null` for an argument they do not give. */
const withoutNulls = (args: JsonArguments, optional: ReadonlySet<string>): JsonArguments =>
  Object.fromEntries(Object.entries(args).filter(([name, value]) => value !== null || !optional.has(name)))

const known = ({ properties = {} }: ObjectSchema): string => {
  const names = Object.keys(properties)
  return names.length === 0 ? "this tool takes no arguments" : `its arguments are ${names.join(", ")}`
}

const noSuchArgument = (name: string): string => `${named(name)}: no such argument`

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    switch (issue._tag) {
      case "MissingKey":
        return "required"
      case "UnexpectedKey":
        return "no such argument"
      default:
        return SchemaIssue.defaultLeafHook(issue)
    }
  }
})

/** Every problem at once, each with the argument it is about: `limit: expected a value between 1 and 1000`. */
const problemsOf = (issue: SchemaIssue.Issue): ReadonlyArray<string> =>
  formatIssue(issue).issues.map(({ message, path = [] }) => {
    const at = path.map((step) => typeof step === "object" ? step.key : step)
      .map((key, index) => typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${named(String(key))}`)
      .join("")
    return `${at === "" ? "arguments" : at}: ${message.replace(/^Expected/u, "expected")}`
  })
