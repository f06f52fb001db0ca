/** ui: a layout in the browser. */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { described } from "../described.ts"
import { fail } from "../Failure.ts"
import * as f from "../flags.ts"
import { noUpstream } from "../serve/upstreamFlags.ts"

const notGiven = undefined

export const ui = Command.make(
  "ui",
  {
    directory: f.argument("directory", "A layout, or with --per-repository a tree of them"),
    write: f.off("write", "Also offer to move, delete and bring back tags; otherwise nothing can be changed"),
    allowDelete: f.off("allow-delete", "With --write, also offer what cannot be undone: freeing space"),
    noOpen: f.off("no-open", "Only print the address"),
    listen: Flag.String("listen").pipe(
      Flag.withMetavar("[HOST:]PORT"),
      Flag.withDescription("Where to listen; by default on this machine alone, at any free port"),
      Flag.withDefault("127.0.0.1:0")
    ),
    perRepository: f.where.perRepository,
    defaultRepository: f.where.defaultRepository,
    symlinks: f.where.symlinks,
    durability: f.writing.durability,
    hold: f.writing.hold,
    endpoint: f.endpoint,
    sse: f.sse
  },
  ({ allowDelete, defaultRepository, endpoint, noOpen, sse, write, ...options }) =>
    Effect.promise(() => import("../serve/serve.ts")).pipe(
      Effect.flatMap(({ serve }) =>
        serve({
          ...options,
          defaultRepository: Option.getOrUndefined(defaultRepository),
          endpoint: Option.getOrUndefined(endpoint),
          sse: Option.getOrUndefined(sse),
          ui: true,
          open: !noOpen,
          readOnly: !write,
          allowDelete,
          // One reader is served well by one process.
          workers: 1,
          config: notGiven,
          tlsCert: notGiven,
          tlsKey: notGiven,
          htpasswd: notGiven,
          tokenFile: notGiven,
          rules: notGiven,
          allowedHosts: [],
          anonymousPull: false,
          noDelete: false,
          sparse: false,
          metrics: false,
          at: notGiven,
          log: "none",
          notify: notGiven,
          notifySource: notGiven,
          gc: notGiven,
          publishEvery: notGiven,
          keep: [],
          untagged: false,
          graceMinutes: notGiven,
          undoDays: notGiven,
          upstream: noUpstream,
          limits: {}
        })
      ),
      Effect.catch((failure) => failure._tag === "Ended" ? Effect.fail(failure) : fail(failure, false))
    )
).pipe(
  described(
    "Show a layout in the browser",
    "Repositories, tags with their history, images with their layers and files, what belongs to them, where the space " +
      "is, and what is wrong, while changes appear as they happen. Nothing is changed without --write. The same page is " +
      "part of a registry with serve --ui.",
    [
      ["ui ./images", "Opens the browser, or prints the address where there is none"],
      ["ui ./images --write", "Tags can be moved, deleted and brought back"]
    ]
  )
)
