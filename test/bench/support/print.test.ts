import { assert, it } from "@effect/vitest"
import { asMuch, judge } from "./Case.ts"
import { table } from "./print.ts"

it("a table has three digits of what is known, and nothing of what is not", () => {
  const cases = [
    judge({ name: "short", unit: "ms", ours: 1.23456, limit: 1, target: asMuch(2, "limit") }),
    judge({ name: "unknown", unit: "MiB/s", ours: 1234.5 })
  ]
  assert.deepStrictEqual(table(cases).split("\n"), [
    "| case    | unit  | ours | peer | limit | ratio | target     | met |",
    "| ------- | ----- | ---: | ---: | ----: | ----: | ---------- | --- |",
    "| short   | ms    | 1.23 |      |  1.00 | 1.23× | ≤ 2× limit | yes |",
    "| unknown | MiB/s | 1235 |      |       |       |            |     |"
  ])
})
