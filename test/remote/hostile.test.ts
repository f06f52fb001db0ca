/** Servers that break off, lie, or lead elsewhere: nothing of it is believed, and no secret is told. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import type { ServerResponse } from "node:http"
import { imageManifest } from "../../src/oci/MediaType.ts"
import { inMemory } from "../http/support/serving.ts"
import { image, pushBlob, sample } from "../support/images.ts"
import { answering, type Handler, password, remoteAt, withClient } from "./support/remotes.ts"

const one = image("one")
const big = sample(new Uint8Array(5000).map((_, at) => at % 251), "application/octet-stream")
const secret = "an-open-secret"

const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(value))
}

const manifest = (response: ServerResponse, bytes: Uint8Array, headers: Record<string, string> = {}): void => {
  response.writeHead(200, { "content-type": imageManifest, "content-length": bytes.length, ...headers }).end(bytes)
}

/** What a client says of a server that answers so; and how often it asked. */
const told = Effect.fnUntraced(function*(handler: Handler) {
  let requests = 0
  const server = yield* answering((request, response, body) => {
    requests++
    handler(request, response, body)
  })
  const remote = yield* remoteAt(server, { credentials: password("ada", secret) })
  return { remote, server, requests: () => requests }
})

const readTag = Effect.fnUntraced(function*(handler: Handler) {
  const { remote, requests } = yield* told(handler)
  const result = yield* Effect.result(remote.getTag("app", "v1"))
  return { result, requests: requests() }
})

const failureOf = (handler: Handler) =>
  Effect.map(readTag(handler), ({ result }) => result._tag === "Failure" ? result.failure : undefined)

const readBlob = (handler: Handler) =>
  Effect.flatMap(
    told(handler),
    ({ remote }) =>
      Effect.result(Effect.map(Stream.runCollect(remote.streamBlob("app", big.descriptor.digest)), (parts) =>
        new Uint8Array(Buffer.concat(parts))))
  )

describe("a server that fails for a moment", () => {
  it.live.each([408, 429, 500, 502, 503])("with %i is asked again", (status) =>
    withClient(Effect.gen(function*() {
      let failures = 2
      const { requests, result } = yield* readTag((_, response) => {
        if (failures-- > 0) response.writeHead(status, { "retry-after": "0" }).end()
        else manifest(response, one.bytes)
      })
      assert.strictEqual(result._tag, "Success")
      assert.strictEqual(requests, 3)
    })))

  it.live("is not asked for ever", () =>
    withClient(Effect.gen(function*() {
      const { requests, result } = yield* readTag((_, response) => response.writeHead(503).end("<html>"))
      assert.strictEqual(requests, 4)
      assert.include(result._tag === "Failure" ? result.failure : {}, {
        _tag: "RemoteError",
        status: 503,
        passing: true
      })
    })))

  it.live("and wants a long time is told of", () =>
    withClient(Effect.gen(function*() {
      const { requests, result } = yield* readTag((_, response) =>
        response.writeHead(429, { "retry-after": "3600" }).end()
      )
      assert.strictEqual(requests, 1)
      assert.match(result._tag === "Failure" ? result.failure.message : "", /come back in 3600 s/u)
    })))

  it.live("is not sent a change again that may have happened", () =>
    withClient(Effect.gen(function*() {
      const methods: Array<string> = []
      const { remote } = yield* told((request, response) => {
        methods.push(request.method ?? "")
        if (request.method === "POST") {
          return void response.writeHead(202, { location: "/v2/app/blobs/uploads/1" }).end()
        }
        response.writeHead(request.method === "PATCH" ? 400 : 404).end()
      })
      const failed = yield* Effect.flip(pushBlob(remote, "app", big))
      assert.include(failed, { _tag: "RemoteError", status: 400 })
      assert.deepStrictEqual(methods, ["POST", "PATCH", "DELETE"])
    })))

  it.live("is asked how far an upload is, and sent the rest", () =>
    withClient(Effect.gen(function*() {
      const received: Array<Uint8Array> = []
      let broken = false
      const { remote } = yield* told((request, response, body) => {
        const size = received.reduce((sum, { length }) => sum + length, 0)
        const headers = { location: "/v2/app/blobs/uploads/1" }
        if (request.method === "POST") return void response.writeHead(202, headers).end()
        if (request.method === "PUT") return void response.writeHead(201).end()
        if (request.method === "GET") return void response.writeHead(204, { ...headers, range: `0-${size - 1}` }).end()
        if (size >= 1024 && !broken) {
          broken = true
          // A part of it has arrived, and the caller is not told.
          received.push(body.slice(0, 300))
          return void request.socket.destroy()
        }
        received.push(body)
        response.writeHead(202, { ...headers, range: `0-${size + body.length - 1}` }).end()
      })
      yield* pushBlob(remote, "app", big)
      assert.isTrue(broken)
      assert.deepStrictEqual(new Uint8Array(Buffer.concat(received)), big.bytes)
    })))

  it.live("while a blob comes is asked for the rest of it", () =>
    withClient(Effect.gen(function*() {
      const ranges: Array<string | undefined> = []
      const result = yield* readBlob((request, response) => {
        const { range } = request.headers
        ranges.push(range)
        const from = Number(/^bytes=(\d+)-$/u.exec(range ?? "")?.[1] ?? 0)
        const status = range === undefined ? 200 : 206
        response.writeHead(status, {
          "content-length": big.bytes.length - from,
          ...(range === undefined ? {} : { "content-range": `bytes ${from}-4999/5000` })
        })
        const rest = big.bytes.slice(from)
        if (ranges.length > 2) return void response.end(rest)
        response.write(rest.slice(0, 1500), () => setTimeout(() => request.socket.destroy(), 20))
      })
      assert.deepStrictEqual(
        result._tag === "Success" ? Array.from(result.success) : result.failure,
        Array.from(big.bytes)
      )
      assert.deepStrictEqual(ranges, [undefined, "bytes=1500-", "bytes=3000-"])
    })))

  it.live("that knows no ranges is read again from the beginning", () =>
    withClient(Effect.gen(function*() {
      let requests = 0
      const result = yield* readBlob((request, response) => {
        response.writeHead(200, { "content-length": 5000 })
        if (++requests > 1) return void response.end(big.bytes)
        response.write(big.bytes.slice(0, 1500), () => setTimeout(() => request.socket.destroy(), 20))
      })
      assert.deepStrictEqual(
        result._tag === "Success" ? Array.from(result.success) : result.failure,
        Array.from(big.bytes)
      )
    })))

  it.live("and says nothing any more is given up", () =>
    withClient(Effect.gen(function*() {
      const server = yield* answering((_, response) =>
        void response.writeHead(200, { "content-length": 5000 }).write("x")
      )
      const remote = yield* remoteAt(server, {
        timing: { answerMillis: 1000, idleMillis: 50, retries: 0, retryMillis: 1 }
      })
      const failed = yield* Effect.flip(Stream.runDrain(remote.streamBlob("app", big.descriptor.digest)))
      assert.match(failed.message, /nothing came/u)
    })))
})

describe("a server that lies", () => {
  const lies: ReadonlyArray<readonly [string, Handler, RegExp]> = [
    [
      "about the digest of a manifest",
      (_, response) => manifest(response, one.bytes, { "docker-content-digest": big.descriptor.digest }),
      /another manifest/u
    ],
    [
      "with a manifest without end",
      (_, response) => manifest(response, new Uint8Array(5 * 1024 * 1024)),
      /manifest has|bytes/u
    ],
    [
      "with a redirect in a circle",
      (_, response) => response.writeHead(307, { location: "/v2/app/manifests/v1" }).end(),
      /redirects more than 5 times/u
    ],
    [
      "with a redirect to a file",
      (_, response) => response.writeHead(307, { location: "file:///etc/passwd" }).end(),
      /no address on the web/u
    ],
    [
      "with a redirect with a user",
      (_, response) => response.writeHead(307, { location: "http://a:b@127.0.0.1/" }).end(),
      /no address on the web/u
    ]
  ]

  it.live.each(lies)("%s is found out", ([, handler, reason]) =>
    withClient(Effect.gen(function*() {
      assert.match((yield* failureOf(handler))?.message ?? "", reason)
    })))

  it.live("about a blob is found out before its end", () =>
    withClient(Effect.gen(function*() {
      const wrong = big.bytes.slice()
      wrong[4999] = 7
      let came = 0
      const { remote } = yield* told((_, response) => response.writeHead(200, { "content-length": 5000 }).end(wrong))
      const failed = yield* Effect.flip(
        Stream.runForEach(remote.streamBlob("app", big.descriptor.digest), ({ length }) =>
          Effect.sync(() => {
            came += length
          }))
      )
      assert.strictEqual(failed._tag, "ContentMismatch")
      assert.isBelow(came, 5000)
    })))

  const lists: ReadonlyArray<readonly [string, unknown, Record<string, string>, RegExp]> = [
    [
      "on another host",
      { tags: ["a"] },
      { link: "<http://example.com/v2/app/tags/list?last=a>; rel=\"next\"" },
      /not on this/u
    ],
    ["elsewhere on the host", { tags: ["a"] }, { link: "</v2/other/tags/list?last=a>; rel=\"next\"" }, /not on this/u],
    ["that is the page itself", { tags: ["a"] }, { link: "<?n=1000>; rel=\"next\"" }, /the page itself/u],
    ["and is no list", { tags: "a" }, {}, /no such list/u]
  ]

  it.live.each(lists)(
    "with a next page %s is found out",
    ([, value, headers, reason]) =>
      withClient(Effect.gen(function*() {
        const { remote } = yield* told((_, response) => json(response, value, headers))
        assert.match((yield* Effect.flip(Stream.runCollect(remote.tags("app")))).message, reason)
      }))
  )

  it.live("with a list as deep as a well is found out", () =>
    withClient(Effect.gen(function*() {
      const deep = `{"tags":${"[".repeat(100_000)}${"]".repeat(100_000)}}`
      const { remote } = yield* told((_, response) => response.writeHead(200).end(deep))
      assert.match((yield* Effect.flip(Stream.runCollect(remote.tags("app")))).message, /deep/u)
    })))

  it.live("has names that are none left out", () =>
    withClient(Effect.gen(function*() {
      const { remote } = yield* told((_, response) => json(response, { tags: ["v1", "../v2", "", 7, "v\u001b3"] }))
      assert.deepStrictEqual(yield* Stream.runCollect(remote.tags("app")), ["v1"] as never)
    })))

  it.live("sends content nowhere else", () =>
    withClient(Effect.gen(function*() {
      let stolen = 0
      const thief = yield* answering((_, response) => {
        stolen++
        response.writeHead(201).end()
      })
      const { remote } = yield* told((_, response) =>
        response.writeHead(202, { location: `${thief.url}/v2/app/blobs/uploads/1` }).end()
      )
      for (const part of [big, one]) {
        const failed = yield* Effect.flip(pushBlob(remote, "app", part))
        assert.match(failed.message, /no address of this registry/u)
      }
      assert.strictEqual(stolen, 0)
    })))
})

describe("a redirect to another host", () => {
  it.live("is followed without what opens the first", () =>
    withClient(Effect.gen(function*() {
      const seen: Array<string | undefined> = []
      const storage = yield* answering((request, response) => {
        seen.push(request.headers.authorization)
        response.writeHead(200, { "content-length": 5000 }).end(big.bytes)
      })
      const { remote } = yield* told((request, response) => {
        if (request.headers.authorization === undefined) {
          return void response.writeHead(401, { "www-authenticate": "Basic realm=\"x\"" }).end()
        }
        response.writeHead(307, {
          location: `${storage.url.replace("127.0.0.1", "localhost")}/blob?signature=${secret}`
        }).end()
      })
      yield* Stream.runDrain(remote.streamBlob("app", big.descriptor.digest))
      assert.deepStrictEqual(seen, [undefined])
    })))

  it.live("that fails tells no address", () =>
    withClient(Effect.gen(function*() {
      const { remote } = yield* told((request, response) => {
        if (request.headers.authorization === undefined) {
          return void response.writeHead(401, { "www-authenticate": "Basic realm=\"x\"" }).end()
        }
        response.writeHead(307, { location: `http://127.0.0.1:1/blob?signature=${secret}` }).end()
      })
      const failed = yield* Effect.flip(Stream.runDrain(remote.streamBlob("app", big.descriptor.digest)))
      assert.strictEqual(failed._tag, "RemoteError")
      assert.match(failed.message, /ECONNREFUSED/u)
      assert.notInclude(JSON.stringify(failed) + failed.message + String(failed.stack), secret)
    })))
})

describe("our own server", () => {
  it.live("without its answers is told by the name of the failure", () =>
    withClient(Effect.gen(function*() {
      const served = yield* Effect.scoped(inMemory())
      const remote = yield* remoteAt(served)
      const failed = yield* Effect.flip(remote.resolveTag("app", "v1"))
      assert.include(failed, { _tag: "RemoteError", passing: true })
      assert.match(failed.message, /ECONNREFUSED|ECONNRESET/u)
    })))
})
