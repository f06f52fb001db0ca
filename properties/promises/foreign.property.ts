/**
 * Whatever other tools do at any moment, what we have acknowledged is in effect or was legitimately replaced, is whole for
 * those tools too, and is in the history.
 */
import { afterAll, assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { figures } from "../support/figures.ts"
import { runs } from "../support/share.ts"
import { play, program } from "../support/tools/program.ts"

const counts = { interleavings: 0, "tools done": 0, "tools that gave up": 0, acknowledged: 0, refused: 0, torn: 0 }

describe("other tools on the same layout", () => {
  it("take nothing away that we have acknowledged, and we nothing of theirs", () =>
    fc.assert(
      fc.asyncProperty(program, async (program) => {
        const { cast, found } = await play(program)
        counts.interleavings++
        counts["tools done"] += cast.tools.done
        counts["tools that gave up"] += cast.tools["gave up"]
        counts.acknowledged += cast.told.filter(({ answer }) => typeof answer === "object").length
        counts.refused += cast.told.filter(({ answer }) => answer === "refused").length
        if (found === undefined) counts.torn++
        else assert.deepStrictEqual(found, [], cast.ghost.story.join("\n"))
      }),
      { numRuns: runs }
    ))
})

afterAll(() => figures("other tools", counts))
