/** mcp: the server for agents. */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Repository } from "../../oci/Reference.ts"
import { described } from "../described.ts"
import { fail } from "../Failure.ts"
import * as f from "../flags.ts"

const directories = Argument.String("[ID=]DIR").pipe(
  Argument.withMetavar("directory"),
  Argument.withDescription(
    "A layout directory, or s3://BUCKET/PREFIX. ID is what tools call it when there are several"
  ),
  Argument.variadic({ min: 1 })
)

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

export const mcp = Command.make("mcp", {
  directories,
  create: f.off(
    "create",
    "A DIR that does not exist, or is empty, becomes a layout when something is first put into it"
  ),
  perRepository: f.off("per-repository", "Every DIR is a tree of layouts, one per repository, not one shared layout"),
  defaultRepository: Flag.String("default-repository").pipe(
    Flag.withMetavar("NAME"),
    Flag.withSchema(Repository),
    Flag.withDescription(
      "The repository of entries that are only a tag; by default what the layout has kept, or else its directory's name"
    ),
    Flag.optional
  ),
  endpoint: f.endpoint,
  sse: f.sse,
  readOnly: f.off("read-only", "Change nothing; wins over --allow-delete"),
  allowDelete: f.off("allow-delete", "Also allow what cannot be undone: deleting blobs, collecting garbage"),
  confirm: f.off("confirm", "Ask a person before what cannot be undone, where the client can ask"),
  allowedDirectories: f.several(
    "allowed-dir",
    "DIR",
    "Where files may be pushed from and exported to; repeat for several. None by default"
  ),
  allowedRegistries: f.several(
    "allow-registry",
    "HOST[:PORT]",
    "A registry that images may be taken from and sent to; repeat for several. None by default"
  ),
  toolsets: list("toolsets", "Offer only tools of these sets: read, inspect, write, make, uploads, delete, maintain"),
  tools: list("tools", "Offer only these tools, beside those of --toolsets"),
  excludedTools: list("exclude-tools", "Do not offer these tools"),
  durability: f.durability,
  hold: f.hold,
  symlinks: f.symlinks,
  http: Flag.String("http").pipe(
    Flag.withMetavar("[HOST:]PORT"),
    Flag.withDescription(
      "Serve over HTTP at /mcp instead, on 127.0.0.1 unless HOST is given; requests have at most 4 MiB, there are at most " +
        "64 sessions, and one that is not used for 30 minutes ends"
    ),
    Flag.optional
  ),
  tokenEnv: f.text(
    "token-env",
    "NAME",
    "The environment variable with the bearer token of --http; without it one is made and shown, on loopback only"
  ),
  allowedHosts: f.several(
    "allowed-host",
    "NAME",
    "A name that clients of --http may call this server by, besides HOST and localhost"
  ),
  allowedOrigins: f.several(
    "allowed-origin",
    "ORIGIN",
    "A web origin that may use --http, like https://app.example; none by default"
  )
}, ({ defaultRepository, endpoint, http, sse, tokenEnv, ...options }) =>
  // Loaded when it is needed: help and mistakes answer without the server's code.
  Effect.promise(() => import("../mcp/serveMcp.ts")).pipe(
    Effect.flatMap(({ serveMcp }) =>
      serveMcp({
        ...options,
        defaultRepository: Option.getOrUndefined(defaultRepository),
        endpoint: Option.getOrUndefined(endpoint),
        sse: Option.getOrUndefined(sse),
        http: Option.getOrUndefined(http),
        tokenEnv: Option.getOrUndefined(tokenEnv)
      })
    ),
    Effect.catch((failure) => fail(failure, false))
  )).pipe(
    described(
      "Serve layouts to AI agents over MCP",
      "As tools over standard input and output, or HTTP. Adding content, and moving and removing tags, is allowed unless " +
        "--read-only; deleting blobs and collecting garbage need --allow-delete. Meant to be started by an MCP client: " +
        "started at a terminal, it shows the configuration to paste.",
      [
        ["mcp ./layout", "Serve one layout"],
        ["mcp ./layout --create", "The same, and make it with the first write"],
        ["mcp ./layout --read-only", "Look, but do not touch"],
        ["mcp ./layout --allowed-dir ./work", "Push files from and export files to ./work"],
        ["mcp ./layout --allow-registry registry.example.com", "Take images from a registry, and send them there"],
        ["mcp base=/srv/base build=./out", "Serve two layouts under names of their own"],
        ["mcp ./registry --per-repository --allow-delete", "Serve a tree of layouts"],
        ["mcp ./layout --http 8080 --token-env TOKEN", "Serve over HTTP on this machine"]
      ]
    )
  )
