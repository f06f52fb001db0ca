/** init. */
import { Effect, Option, Schema } from "effect"
import { Command } from "effect/cli"
import { existsSync, statSync } from "node:fs"
import { resolve } from "node:path"
import { besideLayout, createLayout, whyNoLayout } from "../../node/index.ts"
import { several } from "../../oci/quoted.ts"
import { isBucket } from "../../places/Place.ts"
import { createInBucket } from "../buckets.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { type Answer, report } from "../output.ts"

export const Made = Schema.Struct({
  path: Schema.String,
  /** False where there was a layout already. */
  created: Schema.Boolean,
  /** What else is in the directory, where a layout was made beside it. */
  beside: Schema.optionalKey(Schema.Array(Schema.String))
})

const made: Answer<typeof Made.Type> = {
  schema: Made,
  show: ({ beside = [], created, path }) =>
    [
      created ? `made a layout in ${path}` : `there is a layout in ${path} already`,
      ...(beside.length === 0 ? [] : [`  beside what was there: ${several(beside)}`])
    ].join("\n")
}

export const init = Command.make("init", {
  directory: f.argument("directory", "Where; it need not exist. Also s3://BUCKET/PREFIX"),
  defaultRepository: f.where.defaultRepository,
  endpoint: f.endpoint,
  sse: f.sse,
  durability: f.durability,
  wanted: f.wanted
}, ({ defaultRepository, directory, durability, endpoint, sse, wanted }) =>
  report(
    made,
    wanted,
    Effect.gen(function*() {
      if (isBucket(directory)) {
        const flags = {
          defaultRepository: Option.getOrUndefined(defaultRepository),
          endpoint: Option.getOrUndefined(endpoint),
          sse: Option.getOrUndefined(sse)
        }
        const { created, directory: path } = yield* createInBucket(directory, flags)
        return { path, created }
      }
      const path = resolve(directory)
      if (existsSync(path) && !statSync(path).isDirectory()) {
        return yield* Effect.flatMap(whyNoLayout(path), Effect.fail)
      }
      const beside = yield* besideLayout(path)
      const options = { directory: path, durability, defaultRepository: Option.getOrUndefined(defaultRepository) }
      const created = yield* createLayout(options)
      return { path, created, ...(beside.length === 0 ? {} : { beside }) }
    })
  )).pipe(
    described("Make a layout", "An empty one, that every tool can read; nothing happens where there is one.", [
      ["init ./images", "For as many repositories as you like"]
    ])
  )
