import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { digestOf, image, pushImage, utf8 } from "../support/images.ts"
import { raw, statusesOf } from "./support/raw.ts"
import { inMemory, locationOf, send, type Served } from "./support/serving.ts"

const one = image("one")
const manifest = `/v2/app/manifests/v1`

const request = (method: string, path: string, ...headers: ReadonlyArray<string>) =>
  [`${method} ${path} HTTP/1.1`, "Host: registry", ...headers, "", ""].join("\r\n")

const start = (served: Served) => Effect.map(send(served, "/v2/app/blobs/uploads/", { method: "POST" }), locationOf)

/** How many bytes a session has, once it has some. */
const arrived = (served: Served, location: string) =>
  Effect.map(send(served, location), ({ headers }) => headers.get("range")).pipe(
    Effect.tap(() => Effect.sleep("5 millis")),
    Effect.repeat({ until: (range) => range !== "0-0" })
  )

const withImage = Effect.tap(inMemory(), ({ registry }) => pushImage(registry, "app", one, ["v1"]))

describe("clients that take their time", () => {
  it.live("with the headers are closed", () =>
    Effect.gen(function*() {
      const { port } = yield* inMemory({ limits: { headersMillis: 50 } })
      const silent = yield* raw(port)
      const slow = yield* raw(port)
      slow.write("GET /v2/ HTTP/1.1\r\nHost: regi")
      assert.deepStrictEqual(statusesOf(yield* slow.closed), [408])
      yield* silent.closed
    }))

  it.live("with a body are closed, and what came is kept", () =>
    Effect.gen(function*() {
      const served = yield* inMemory({ limits: { stalledMillis: 50 } })
      const location = yield* start(served)
      const slow = yield* raw(served.port)
      slow.write(request("PATCH", location, "Content-Length: 100") + "0123456789")
      assert.deepStrictEqual(statusesOf(yield* slow.closed), [])
      assert.strictEqual(yield* arrived(served, location), "0-9")
    }))

  it.live("with a body that they waited to be asked for are closed", () =>
    Effect.gen(function*() {
      const served = yield* inMemory({ limits: { stalledMillis: 50 } })
      const slow = yield* raw(served.port)
      slow.write(request("PATCH", yield* start(served), "Content-Length: 100", "Expect: 100-continue"))
      assert.deepStrictEqual(statusesOf(yield* slow.closed), [100])
    }))

  it.live("with reading are closed", () =>
    Effect.gen(function*() {
      const served = yield* inMemory({ limits: { stalledMillis: 50 } })
      const bytes = new Uint8Array(64 * 1024 * 1024)
      const digest = digestOf(bytes)
      yield* send(served, `/v2/app/blobs/uploads/?digest=${digest}`, { method: "POST", body: bytes })
      const slow = yield* raw(served.port)
      slow.socket.pause()
      slow.write(request("GET", `/v2/app/blobs/${digest}`))
      yield* Effect.sleep("300 millis")
      slow.socket.resume()
      assert.isBelow((yield* slow.closed).length, bytes.length)
    }))

  it.live("may take as long as they like while something comes", () =>
    Effect.gen(function*() {
      const served = yield* inMemory({ limits: { stalledMillis: 500 } })
      const steady = yield* raw(served.port)
      steady.write(request("PATCH", yield* start(served), "Content-Length: 20", "Connection: close"))
      for (let at = 0; at < 20; at++) {
        yield* Effect.sleep("50 millis")
        steady.write("x")
      }
      assert.deepStrictEqual(statusesOf(yield* steady.closed), [202])
    }))
})

describe("bodies", () => {
  it.live("shorter than said count for what came", () =>
    Effect.gen(function*() {
      const served = yield* inMemory()
      const location = yield* start(served)
      const short = yield* raw(served.port)
      short.write(request("PATCH", location, "Content-Length: 100") + "01234")
      assert.strictEqual(
        yield* Effect.tap(arrived(served, location), () => Effect.sync(() => short.socket.end())),
        "0-4"
      )
      yield* short.closed
      const put = yield* raw(served.port)
      put.write(request("PUT", manifest, "Content-Length: 100") + "{")
      put.socket.end()
      assert.notInclude(statusesOf(yield* put.closed), 201)
    }))

  it.live("longer than said count for what was said", () =>
    Effect.gen(function*() {
      const served = yield* inMemory()
      const location = yield* start(served)
      const long = yield* raw(served.port)
      long.write(request("PATCH", location, "Content-Length: 5") + "0123456789")
      assert.strictEqual(statusesOf(yield* long.closed).at(-1), 400)
      assert.strictEqual(yield* arrived(served, location), "0-4")
    }))

  it.live("without an end are refused where they are too long", () =>
    Effect.gen(function*() {
      const served = yield* inMemory({ limits: { blobBytes: 100_000 } })
      const piece = `2710\r\n${"x".repeat(10_000)}\r\n`
      for (const [method, path, pieces] of [["PATCH", yield* start(served), 11], ["PUT", manifest, 430]] as const) {
        const endless = yield* raw(served.port)
        endless.write(request(method, path, "Transfer-Encoding: chunked") + piece.repeat(pieces))
        assert.deepStrictEqual(statusesOf(yield* endless.until(/SIZE_INVALID/u)), [413])
      }
    }))

  it.live("that say that they are too long are not waited for", () =>
    Effect.gen(function*() {
      const served = yield* inMemory({ limits: { blobBytes: 100 } })
      const digest = digestOf(utf8(""))
      for (
        const [method, path, length] of [
          ["PATCH", yield* start(served), 101],
          ["POST", `/v2/app/blobs/uploads/?digest=${digest}`, 101],
          ["PUT", manifest, 4 * 1024 * 1024 + 1]
        ] as const
      ) {
        const large = yield* raw(served.port)
        large.write(request(method, path, `Content-Length: ${length}`, "Expect: 100-continue"))
        assert.deepStrictEqual(statusesOf(yield* large.closed), [413])
      }
    }))

  it.live("may have extensions to their pieces, and only one length", () =>
    Effect.gen(function*() {
      const served = yield* inMemory()
      const location = yield* start(served)
      const extended = yield* raw(served.port)
      extended.write(
        request("PATCH", location, "Transfer-Encoding: chunked", "Connection: close") +
          "5;name=value\r\n01234\r\n0\r\n\r\n"
      )
      assert.deepStrictEqual(statusesOf(yield* extended.closed), [202])
      const endless = yield* raw(served.port)
      endless.write(request("PATCH", location, "Transfer-Encoding: chunked") + `5;${"x".repeat(100_000)}`)
      assert.deepStrictEqual(statusesOf(yield* endless.closed), [413])
      for (
        const headers of [
          ["Transfer-Encoding: chunked", "Content-Length: 5"],
          ["Content-Length: 5", "Content-Length: 6"],
          ["Content-Length: -1"],
          ["Content-Length: 99999999999999999999"],
          ["Transfer-Encoding: identity"]
        ]
      ) {
        const smuggling = yield* raw(served.port)
        smuggling.write(request("PATCH", location, ...headers) + "01234")
        assert.deepStrictEqual(statusesOf(yield* smuggling.closed), [400], headers.join())
      }
      assert.strictEqual(yield* arrived(served, location), "0-4")
    }))
})

describe("headers", () => {
  it.live.each([
    `X-Large: ${"x".repeat(20_000)}`,
    Array.from({ length: 2000 }, (_, at) => `X-${at}: ${at}`).join("\r\n")
  ])("that are too much are refused", (header) =>
    Effect.gen(function*() {
      const { port } = yield* inMemory()
      const client = yield* raw(port)
      client.write(request("GET", "/v2/", header))
      assert.deepStrictEqual(statusesOf(yield* client.closed), [431])
    }))

  it.live.each(["X-Null: a\0b", "X Space: a", "no colon", " folded: a"])(
    "that are none are refused: %j",
    (header) =>
      Effect.gen(function*() {
        const { port } = yield* inMemory()
        const client = yield* raw(port)
        client.write(request("GET", "/v2/", header))
        assert.deepStrictEqual(statusesOf(yield* client.closed), [400])
      })
  )
})

describe("targets", () => {
  it.live.each<[string, number]>([
    ["/v2/../../../../etc/passwd", 404],
    ["/v2/..%2f..%2fetc/blobs/sha256:aa", 400],
    ["/v2/%2e%2e/%2e%2e/manifests/v1", 400],
    ["/v2/app/blobs/..%2f..%2findex.json", 400],
    ["/v2/app/manifests/..%2fv1", 404],
    ["/v2/app%2Fmanifests%2Fv1", 404],
    ["/v2//app/manifests/v1", 400],
    ["/v2/app/./manifests/v1", 400],
    ["/v2/app%00/manifests/v1", 400],
    ["//v2/app/manifests/v1", 404],
    ["/v2/app/manifests/v1#part", 404],
    ["*", 404],
    ["http://elsewhere/v2/app/manifests/v1", 200],
    ["http://elsewhere/v2/x/../app/manifests/v1", 200],
    ["http://elsewhere/v2/x/%2e%2e/%2e%2e/healthz", 200],
    ["/v2/app/manifests/v1?tag=%ff&x", 200]
  ])("%s", ([target, status]) =>
    Effect.gen(function*() {
      const { port } = yield* withImage
      const client = yield* raw(port)
      client.write(request("GET", target, "Connection: close"))
      assert.deepStrictEqual(statusesOf(yield* client.closed), [status])
    }))

  it.live("of tunnels and upgrades lead nowhere", () =>
    Effect.gen(function*() {
      const { port } = yield* withImage
      const tunnel = yield* raw(port)
      tunnel.write("CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere\r\n\r\n")
      assert.notInclude(statusesOf(yield* tunnel.closed), 200)
      const upgrade = yield* raw(port)
      upgrade.write(request("GET", manifest, "Connection: Upgrade", "Upgrade: h2c"))
      assert.notInclude(statusesOf(yield* upgrade.closed), 101)
    }))
})

describe("older and eager clients", () => {
  it.live("speak HTTP/1.0", () =>
    Effect.gen(function*() {
      const { port } = yield* withImage
      const old = yield* raw(port)
      old.write(`GET ${manifest} HTTP/1.0\r\n\r\n`)
      const answer = yield* old.closed
      assert.deepStrictEqual(statusesOf(answer), [200])
      assert.include(answer, Buffer.from(one.bytes).toString("latin1"))
      assert.notInclude(answer, "chunked")
    }))

  it.live("ask for the next before they have an answer, and get all in order", () =>
    Effect.gen(function*() {
      const { port } = yield* withImage
      const client = yield* raw(port)
      client.write([
        request("GET", manifest),
        request("HEAD", manifest),
        request("GET", "/v2/app/manifests/nothing"),
        request("PUT", "/v2/", "Content-Length: 10") + "0123456789",
        request("GET", manifest, "Connection: close")
      ].join(""))
      assert.deepStrictEqual(statusesOf(yield* client.closed), [200, 200, 404, 405, 200])
    }))

  it.live("come back later where there is too much to do", () =>
    Effect.gen(function*() {
      const served = yield* inMemory({ limits: { requests: 1 } })
      const location = yield* start(served)
      const busy = yield* raw(served.port)
      busy.write(request("PATCH", location, "Content-Length: 10", "Connection: close") + "01234")
      const refused = yield* Effect.repeat(send(served, "/v2/"), { until: ({ status }) => status !== 200 })
      assert.deepStrictEqual([refused.status, refused.codes, refused.headers.get("retry-after")], [
        429,
        ["TOOMANYREQUESTS"],
        "1"
      ])
      assert.strictEqual((yield* send(served, "/healthz")).status, 200)
      busy.write("56789")
      assert.deepStrictEqual(statusesOf(yield* busy.closed), [202])
      assert.strictEqual((yield* send(served, "/v2/")).status, 200)
    }))
})
