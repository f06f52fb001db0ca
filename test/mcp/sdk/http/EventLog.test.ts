import { assert, describe, it } from "@effect/vitest"
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js"
import { EventLog } from "../../../../src/mcp/sdk/http/EventLog.ts"

const message = (number: number): JSONRPCMessage => ({
  jsonrpc: "2.0",
  id: number,
  result: { text: "x".repeat(1000) }
})

const replayed = async (log: EventLog, after: string): Promise<ReadonlyArray<JSONRPCMessage>> => {
  const sent: Array<JSONRPCMessage> = []
  await log.replayEventsAfter(after, {
    send: (_id, message) => {
      sent.push(message)
      return Promise.resolve()
    }
  })
  return sent
}

describe("what a session keeps for a client that comes back", () => {
  it("is as much after many calls as after a few", async () => {
    const limit = 100_000
    const log = new EventLog(limit)
    const ids: Array<string> = []
    let most = 0
    for (let number = 0; number < 16_000; number++) {
      ids.push(await log.storeEvent("stream", message(number)))
      assert.isAtMost(log.kept.bytes, limit)
      most = Math.max(most, log.kept.events)
    }
    assert.isBelow(most, 100)
    assert.deepStrictEqual([log.has(ids.at(-most - 5) ?? ""), log.has(ids.at(-5) ?? "")], [false, true])
    assert.deepStrictEqual(await replayed(log, ids.at(-3) ?? ""), [message(15_998), message(15_999)])
  })

  it("is told to whom it was meant for, without the marks of where a stream began", async () => {
    const log = new EventLog(100_000)
    const first = await log.storeEvent("one", message(1))
    await log.storeEvent("two", message(2))
    await log.storeEvent("one", {} as JSONRPCMessage)
    await log.storeEvent("one", message(3))
    assert.deepStrictEqual(await replayed(log, first), [message(3)])
  })
})
