/** The commands, their arguments, and their help. */
import { Effect, Option } from "effect"
import { Argument, CliError, Command, Completions, Flag } from "effect/cli"
import { Repository } from "../oci/Reference.ts"
import { blob } from "./commands/blob.ts"
import { completing, completions } from "./commands/completions.ts"
import { copy } from "./commands/copy.ts"
import { gc, pin, pins, unpin } from "./commands/garbage.ts"
import { history, restore, revert, watch } from "./commands/history.ts"
import { init } from "./commands/init.ts"
import { inspect } from "./commands/inspect.ts"
import { repositories, tags } from "./commands/list.ts"
import { manifest } from "./commands/manifest.ts"
import { referrers, resolve } from "./commands/resolve.ts"
import { tag } from "./commands/tag.ts"
import { repair, verify } from "./commands/upkeep.ts"
import { upload } from "./commands/upload.ts"

const directories = Argument.String("[ID=]DIR").pipe(
  Argument.withMetavar("directory"),
  Argument.withDescription("A layout directory; it need not exist. ID is what tools call it when there are several"),
  Argument.variadic({ min: 1 })
)

const off = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withoutNegation, Flag.withDefault(false))

/** Names with commas between them, in one flag or in several. */
const list = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("LIST"),
    Flag.withDescription(`${description}; names with commas between`),
    Flag.atLeast(0),
    Flag.map((lists) =>
      lists.flatMap((names) => names.split(",")).map((name) => name.trim()).filter((name) => name !== "")
    )
  )

const mcp = Command.make("mcp", {
  directories,
  perRepository: off("per-repository", "Every DIR is a tree of layouts, one per repository, not one shared layout"),
  defaultRepository: Flag.String("default-repository").pipe(
    Flag.withMetavar("NAME"),
    Flag.withSchema(Repository),
    Flag.withDescription(
      "The repository of entries that are only a tag; otherwise it is named after DIR, if that is a valid name"
    ),
    Flag.optional
  ),
  readOnly: off("read-only", "Change nothing; wins over --allow-delete"),
  allowDelete: off("allow-delete", "Also allow what cannot be undone: deleting blobs, collecting garbage"),
  confirm: off("confirm", "Ask a person before what cannot be undone, where the client can ask"),
  allowedDirectories: Flag.String("allowed-dir").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription("Where files may be pushed from and exported to; repeat for several. None by default"),
    Flag.atLeast(0)
  ),
  toolsets: list("toolsets", "Offer only tools of these sets: read, inspect, write, uploads, delete, maintain"),
  tools: list("tools", "Offer only these tools, beside those of --toolsets"),
  excludedTools: list("exclude-tools", "Do not offer these tools"),
  durability: Flag.Literals("durability", ["power", "process", "none"]).pipe(
    Flag.withMetavar("LEVEL"),
    Flag.withDescription(
      "What an acknowledged change survives: a power cut (default), the end of the process, or nothing"
    ),
    Flag.withDefault("power" as const)
  ),
  symlinks: Flag.Literals("symlinks", ["refuse", "inside", "follow"]).pipe(
    Flag.withMetavar("POLICY"),
    Flag.withDescription(
      "What becomes of symbolic links in a layout: refuse (default), follow inside it, or follow anywhere"
    ),
    Flag.withDefault("refuse" as const)
  ),
  http: Flag.String("http").pipe(
    Flag.withMetavar("[HOST:]PORT"),
    Flag.withDescription(
      "Serve over HTTP at /mcp instead, on 127.0.0.1 unless HOST is given; requests have at most 4 MiB, there are at most " +
        "64 sessions, and one that nobody uses for 30 minutes ends"
    ),
    Flag.optional
  ),
  tokenEnv: Flag.String("token-env").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription(
      "The environment variable with the bearer token of --http; without it one is made and shown, on loopback only"
    ),
    Flag.optional
  ),
  allowedHosts: Flag.String("allowed-host").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("A name that clients of --http may call this server by, besides HOST and localhost"),
    Flag.atLeast(0)
  ),
  allowedOrigins: Flag.String("allowed-origin").pipe(
    Flag.withMetavar("ORIGIN"),
    Flag.withDescription("A web origin that may use --http, like https://app.example; none by default"),
    Flag.atLeast(0)
  )
}, ({ defaultRepository, http, tokenEnv, ...options }) =>
  // Loaded when it is needed: help and mistakes answer without the server's code.
  Effect.promise(() => import("./mcp.ts")).pipe(
    Effect.flatMap(({ serveMcp }) =>
      serveMcp({
        ...options,
        defaultRepository: Option.getOrUndefined(defaultRepository),
        http: Option.getOrUndefined(http),
        tokenEnv: Option.getOrUndefined(tokenEnv)
      })
    ),
    Effect.mapError((problem) => new CliError.UserError({ cause: problem, userMessage: problem }))
  )).pipe(
    Command.withShortDescription("Serve layouts to AI agents over MCP"),
    Command.withDescription(
      "Serve OCI image layouts as MCP tools over standard input and output, or HTTP. Adding content, and moving and removing tags, " +
        "is allowed unless --read-only; deleting blobs and collecting garbage need --allow-delete. " +
        "Meant to be started by an MCP client: started at a terminal, it shows the configuration to paste."
    ),
    Command.withExamples([
      { command: "ocilayout mcp ./layout", description: "Serve one layout" },
      { command: "ocilayout mcp ./layout --read-only", description: "Look, but do not touch" },
      {
        command: "ocilayout mcp ./layout --allowed-dir ./work",
        description: "Push files from and export files to ./work"
      },
      {
        command: "ocilayout mcp base=/srv/base build=./out",
        description: "Serve two layouts under names of their own"
      },
      { command: "ocilayout mcp ./registry --per-repository --allow-delete", description: "Serve a tree of layouts" },
      {
        command: "ocilayout mcp ./layout --http 8080 --token-env TOKEN",
        description: "Serve over HTTP on this machine"
      }
    ])
  )

const commands = [
  init,
  repositories,
  tags,
  resolve,
  manifest,
  blob,
  upload,
  tag,
  referrers,
  inspect,
  copy,
  pin,
  unpin,
  pins,
  history,
  watch,
  revert,
  restore,
  verify,
  repair,
  gc,
  mcp,
  completions
] as const

const root = Command.make("ocilayout").pipe(
  Command.withDescription("A registry in a directory: OCI image layouts for people, programs and agents")
)

/** What there is to be completed. */
const described = (): Completions.CommandDescriptor => Completions.fromCommand(Command.withSubcommands(root, commands))

export const ocilayout = Command.withSubcommands(root, [...commands, completing(described)])
