import { assert, it } from "@effect/vitest"
import { parsePeer } from "./peer.ts"

it("the peer's lines are read by the name of what was measured", () => {
  const printed = `{"count":20,"meanUs":1500.5,"op":"open","totalMs":30.01}
{"count":1,"meanUs":2000000,"op":"pushBlob","totalMs":2000}
`
  assert.deepStrictEqual(
    parsePeer(printed),
    new Map([
      ["open", { count: 20, meanUs: 1500.5, totalMs: 30.01 }],
      ["pushBlob", { count: 1, meanUs: 2_000_000, totalMs: 2000 }]
    ])
  )
})
