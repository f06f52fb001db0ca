import { assert, describe, it } from "@effect/vitest"
import { hashSync } from "bcryptjs"
import { Effect } from "effect"
import { image, pushImage } from "../support/images.ts"
import { raw } from "./support/raw.ts"
import { inMemory, send } from "./support/serving.ts"

const one = image("one")

/** Series without their values, and the value of one. */
const valueOf = (text: string, series: string): number | undefined => {
  const line = text.split("\n").find((line) => line.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

describe("metrics", () => {
  it.live("count requests by what was asked for, and what it was answered", () =>
    Effect.gen(function*() {
      const served = yield* inMemory({ metrics: true })
      yield* pushImage(served.registry, "app", one, ["v1"])
      for (const tag of ["v1", "v1", "v2"]) yield* send(served, `/v2/app/manifests/${tag}`)
      yield* send(served, "/nothing")
      const strange = yield* raw(served.port)
      strange.write("PROPFIND /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      yield* strange.closed
      const { headers, text } = yield* send(served, "/metrics")
      assert.include(headers.get("content-type"), "text/plain; version=0.0.4")
      const requests = (labels: string) => valueOf(text, `ocilayout_http_requests_total{${labels}}`)
      assert.strictEqual(requests("method=\"GET\",route=\"manifest\",status=\"200\""), 2)
      assert.strictEqual(requests("method=\"GET\",route=\"manifest\",status=\"404\""), 1)
      assert.strictEqual(requests("method=\"GET\",route=\"none\",status=\"404\""), 1)
      assert.strictEqual(requests("method=\"other\",route=\"base\",status=\"405\""), 1)
      const timed = "ocilayout_http_request_duration_seconds_count{method=\"GET\",route=\"manifest\"}"
      assert.strictEqual(valueOf(text, timed), 3)
      assert.strictEqual(valueOf(text, "ocilayout_http_requests_in_flight"), 1)
    }))

  it.live("count clients that have gone", () =>
    Effect.gen(function*() {
      const served = yield* inMemory({ metrics: true })
      const leaving = yield* raw(served.port)
      leaving.write("PUT /v2/app/manifests/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
      yield* Effect.repeat(send(served, "/metrics"), { until: ({ text }) => / 2$/mu.test(text) })
      leaving.socket.destroy()
      const gone = "ocilayout_http_requests_total{method=\"PUT\",route=\"manifest\",status=\"gone\"}"
      yield* Effect.repeat(send(served, "/metrics"), { until: ({ text }) => valueOf(text, gone) === 1 })
    }))

  it.live("are told only where they are wanted, and to those who may read", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* send(yield* inMemory(), "/metrics")).status, 404)
      const credentials = { users: new Map([["alice", hashSync("wonderland", 4)]]), tokens: [] }
      const guarded = yield* inMemory({ metrics: true, credentials })
      assert.strictEqual((yield* send(guarded, "/metrics")).status, 401)
    }))
})
