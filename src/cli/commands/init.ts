/** init. */
import { Effect, Schema } from "effect"
import { Command } from "effect/cli"
import { resolve } from "node:path"
import { createLayout } from "../../node/index.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { type Answer, report } from "../output.ts"

export const Made = Schema.Struct({
  path: Schema.String,
  /** False where there was a layout already. */
  created: Schema.Boolean
})

const made: Answer<typeof Made.Type> = {
  schema: Made,
  show: ({ created, path }) => created ? `made a layout in ${path}` : `there is a layout in ${path} already`
}

export const init = Command.make("init", {
  directory: f.argument("directory", "Where; it need not exist"),
  durability: f.durability,
  wanted: f.wanted
}, ({ directory, durability, wanted }) =>
  report(
    made,
    wanted,
    Effect.gen(function*() {
      const path = resolve(directory)
      return { path, created: yield* createLayout({ directory: path, durability }) }
    })
  )).pipe(
    described("Make a layout", "An empty one, that every tool can read; nothing happens where there is one.", [
      ["init ./images", "For as many repositories as you like"]
    ])
  )
