/** How long the built program takes to start, against a Node that has nothing to do. */
import { Effect } from "effect"
import { existsSync } from "node:fs"
import process from "node:process"
import { fileURLToPath } from "node:url"
import type { Group } from "../support/Bench.ts"
import { asMuch, type Case } from "../support/Case.ts"
import { run } from "../support/command.ts"
import { repository } from "../support/load.ts"
import { connect } from "../support/mcp.ts"
import { type Contestant, inTurns, millis } from "../support/rounds.ts"

const program = fileURLToPath(new URL("../../../dist/bin/ocilayout.js", import.meta.url))

const timed = (name: string, started: Effect.Effect<unknown, unknown>): Contestant => () =>
  Effect.map(millis(started), (time) => ({ [name]: time }))

const node = (...args: ReadonlyArray<string>) => run(process.execPath, args)

export const starts: Group = {
  name: "starts",
  about: "the start of the command line and of the MCP server",
  run: Effect.fnUntraced(function*({ layout, say, scale }) {
    if (!existsSync(program)) {
      say("  starts: skipped, `npm run build` comes first")
      return []
    }
    const directory = yield* layout(scale.tags.few)
    const figures = yield* inTurns(scale.starts, [
      timed("bare", node("-e", "0")),
      timed("version", node(program, "--version")),
      timed("tags", node(program, "tags", `${directory}/${repository}`)),
      // Until it is answered, not until the server has ended.
      () =>
        Effect.scoped(
          Effect.map(connect(program, ["mcp", directory]), ({ initializedMillis }) => ({ mcp: initializedMillis }))
        )
    ])
    const caseOf = (name: string, figure: string, times: number): Case => ({
      name: `${name}; of node -e 0`,
      unit: "ms",
      ours: figures[figure],
      limit: figures["bare"],
      target: asMuch(times, "limit")
    })
    return [
      caseOf("ocilayout --version", "version", 1.5),
      caseOf("ocilayout tags", "tags", 4),
      caseOf("MCP initialize answered", "mcp", 6)
    ]
  })
}
