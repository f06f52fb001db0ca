import { assert, describe, it } from "@effect/vitest"
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js"
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/sdk/types.js"
import { PassThrough } from "node:stream"
import { Intake, intakeLimits } from "../../../src/mcp/sdk/Intake.ts"

const request = (id: RequestId, method = "tools/call", params = {}): JSONRPCMessage => ({
  jsonrpc: "2.0",
  id,
  method,
  params
})

const result = (id: RequestId): JSONRPCMessage => ({ jsonrpc: "2.0", id, result: {} })

/** An intake whose requests are begun and answered by a test. */
const make = async (limits = {}) => {
  const streams = { input: new PassThrough(), output: new PassThrough({ highWaterMark: 1 }) }
  const sent: Array<JSONRPCMessage> = []
  const whole: Transport = {
    start: () => Promise.resolve(),
    close: () => Promise.resolve(),
    send: (message) => {
      sent.push(message)
      return Promise.resolve()
    }
  }
  const intake = new Intake(whole, streams, { ...intakeLimits, requests: 2, waiting: 3, listens: 1, ...limits })
  const begun: Array<RequestId> = []
  const others: Array<JSONRPCMessage> = []
  Object.assign(intake, {
    onmessage: (message: JSONRPCMessage) => {
      if ("method" in message && "id" in message) begun.push(message.id)
      else others.push(message)
    }
  })
  await intake.start()
  streams.input.on("data", () => undefined)
  const take = (message: JSONRPCMessage): void => whole.onmessage?.(message)
  const answer = async (id: RequestId): Promise<void> => {
    await intake.send(result(id))
    await Promise.resolve()
  }
  return { ...streams, intake, sent, begun, others, take, answer, isRead: () => !streams.input.isPaused() }
}

const range = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at)

describe("requests of one client", () => {
  it("are begun in order, a few at a time, and no more are read than may wait", async () => {
    const { answer, begun, intake, isRead, take } = await make()
    for (const id of range(1, 5)) {
      assert.isTrue(isRead(), `before ${id}`)
      take(request(id))
    }
    assert.deepStrictEqual([begun, intake.load], [[1, 2], { working: 2, waiting: 3 }])
    assert.isFalse(isRead())
    // What had been read already.
    take(request(6))
    await answer(2)
    assert.deepStrictEqual([begun, isRead()], [[1, 2, 3], false])
    await answer(1)
    assert.deepStrictEqual([begun, isRead()], [[1, 2, 3, 4], true])
    for (const id of [3, 4, 5, 6]) await answer(id)
    assert.deepStrictEqual([begun, intake.load], [range(1, 6), { working: 0, waiting: 0 }])
  })

  it("are as many at once, however many there are", async () => {
    const { answer, begun, intake, isRead, take } = await make({ requests: 8, waiting: 32 })
    let [asked, most] = [0, 0]
    for (let answered = 0; answered < 5000; answered++) {
      while (isRead() && asked < 5000) take(request(++asked))
      most = Math.max(most, intake.load.waiting + intake.load.working)
      await answer(begun[answered] ?? -1)
    }
    assert.deepStrictEqual([most, begun.length, intake.load], [40, 5000, { working: 0, waiting: 0 }])
  })

  it("may use one id twice", async () => {
    const { answer, begun, intake, take } = await make()
    for (const id of [7, 7, 8]) take(request(id))
    await answer(7)
    assert.deepStrictEqual([begun, intake.load], [[7, 7, 8], { working: 2, waiting: 0 }])
    await answer(7)
    await answer(7)
    assert.deepStrictEqual(intake.load, { working: 1, waiting: 0 })
  })

  it("that are large fill what may wait", async () => {
    const { isRead, take } = await make({ waitingCharacters: 1000 })
    take(request(1))
    take(request(2))
    take(request(3, "tools/call", { content: "x".repeat(900) }))
    assert.isTrue(isRead())
    take(request(4, "tools/call", { content: "x".repeat(900) }))
    assert.isFalse(isRead())
  })

  it("make room when they are cancelled, whether they were begun or not", async () => {
    const { begun, intake, others, take } = await make()
    const cancel = (requestId: RequestId): void =>
      take({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId } })
    for (const id of range(1, 4)) take(request(id))
    cancel(3)
    assert.deepStrictEqual([intake.load, others.length], [{ working: 2, waiting: 1 }, 0])
    cancel(1)
    await Promise.resolve()
    assert.deepStrictEqual([begun, others.length], [[1, 2, 4], 1])
    cancel(99)
    assert.deepStrictEqual(intake.load, { working: 2, waiting: 0 })
  })

  it("are refused rather than left unread while one of them waits for what the client has to say", async () => {
    const { begun, intake, isRead, others, sent, take } = await make()
    for (const id of range(1, 4)) take(request(id))
    await intake.send(request("question", "elicitation/create"))
    for (const id of range(5, 7)) take(request(id))
    assert.isTrue(isRead())
    assert.deepStrictEqual(sent.flatMap((message) => "error" in message ? [message.id] : []), [6, 7])
    take(result("question"))
    assert.deepStrictEqual([others, isRead()], [[result("question")], false])
    assert.deepStrictEqual(begun, [1, 2])
  })

  it("are not begun while what was answered is not read, nor is progress sent", async () => {
    const { answer, begun, intake, output, sent, take } = await make({ unreadBytes: 10 })
    output.write("x".repeat(100))
    take(request(1))
    assert.deepStrictEqual(begun, [])
    await intake.send({ jsonrpc: "2.0", method: "notifications/progress", params: {} })
    assert.deepStrictEqual(sent, [])
    const drained = new Promise((resolve) => output.once("drain", resolve))
    output.resume()
    await drained
    assert.deepStrictEqual(begun, [1])
    await answer(1)
    assert.deepStrictEqual(intake.load, { working: 0, waiting: 0 })
  })

  it("that subscribe take no room of others, and are few", async () => {
    const { answer, begun, intake, sent, take } = await make()
    take(request(1, "subscriptions/listen"))
    take(request(2, "subscriptions/listen"))
    assert.deepStrictEqual([begun, sent.length, intake.load.working], [[1], 1, 0])
    await answer(1)
    take(request(3, "subscriptions/listen"))
    assert.deepStrictEqual(begun, [1, 3])
  })

  it("that still wait when the connection is closed are told so", async () => {
    const { intake, sent, take } = await make()
    for (const id of range(1, 4)) take(request(id))
    await intake.close()
    assert.deepStrictEqual(sent.flatMap((message) => "error" in message ? [message.id] : []), [3, 4])
  })
})
