import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { createHash, randomBytes } from "node:crypto"
import { chmodSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeDisk } from "../../src/node/index.ts"
import { temporaryFolder } from "../support/folders.ts"
import { digestOf, utf8 } from "../support/images.ts"
import { raw } from "./support/raw.ts"
import { locationOf, send, type Served, serving, stores, withQuery } from "./support/serving.ts"

const bytes = utf8("0123456789")
const digest = digestOf(bytes)
const sha512 = `sha512:${createHash("sha512").update(bytes).digest("hex")}`
const other = digestOf(utf8("something else"))

const start = (served: Served, name = "app") =>
  Effect.map(send(served, `/v2/${name}/blobs/uploads/`, { method: "POST" }), locationOf)

const patch = (served: Served, location: string, body: string, range?: string) =>
  send(served, location, {
    method: "PATCH",
    body,
    headers: range === undefined ? {} : { "content-range": range }
  })

const push = (served: Served, name = "app") =>
  send(served, `/v2/${name}/blobs/uploads/?digest=${digest}`, { method: "POST", body: bytes })

describe.each(stores)("blobs over %s", (_name, store) => {
  it.live("are pushed with one request, and with two, by sha256 and by sha512", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      const pushed = yield* push(served)
      assert.strictEqual(pushed.status, 201)
      assert.strictEqual(locationOf(pushed), `/v2/app/blobs/${digest}`)
      assert.strictEqual(pushed.headers.get("docker-content-digest"), digest)
      const second = yield* send(served, withQuery(yield* start(served), `digest=${sha512}`), {
        method: "PUT",
        body: bytes
      })
      assert.strictEqual(second.status, 201)
      for (const one of [digest, sha512]) {
        const read = yield* send(served, `/v2/app/blobs/${one}`)
        assert.strictEqual(read.text, "0123456789")
        assert.strictEqual(read.headers.get("content-length"), "10")
        assert.strictEqual(read.headers.get("content-type"), "application/octet-stream")
        assert.strictEqual(read.headers.get("docker-content-digest"), one)
        assert.strictEqual(read.headers.get("etag"), `"${one}"`)
        const head = yield* send(served, `/v2/app/blobs/${one}`, { method: "HEAD" })
        assert.deepStrictEqual([head.status, head.text, head.headers.get("content-length")], [200, "", "10"])
      }
    }))

  it.live("are pushed in chunks, each where the one before it ended", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      const location = yield* start(served)
      const first = yield* patch(served, location, "0123", "0-3")
      assert.deepStrictEqual([first.status, first.headers.get("range")], [202, "0-3"])
      const late = yield* send(served, withQuery(locationOf(first), `digest=${digest}`), {
        method: "PUT",
        body: "89",
        headers: { "content-range": "8-9" }
      })
      assert.deepStrictEqual([late.status, late.headers.get("range")], [416, "0-3"])
      const ahead = yield* patch(served, locationOf(first), "89", "8-9")
      assert.deepStrictEqual([ahead.status, ahead.headers.get("range")], [416, "0-3"])
      assert.strictEqual(locationOf(ahead), location)
      assert.strictEqual((yield* patch(served, location, "0123", "0-3")).status, 416)
      const status = yield* send(served, location)
      assert.deepStrictEqual([status.status, status.headers.get("range")], [204, "0-3"])
      assert.strictEqual((yield* patch(served, location, "456", "4-6")).headers.get("range"), "0-6")
      const wrong = yield* send(served, withQuery(location, `digest=${other}`), { method: "PUT" })
      assert.deepStrictEqual([wrong.status, wrong.codes], [400, ["DIGEST_INVALID"]])
      const last = yield* send(served, withQuery(location, `digest=${digest}`), {
        method: "PUT",
        body: "789",
        headers: { "content-range": "7-9" }
      })
      assert.deepStrictEqual([last.status, locationOf(last)], [201, `/v2/app/blobs/${digest}`])
      assert.strictEqual((yield* send(served, `/v2/app/blobs/${digest}`)).text, "0123456789")
      assert.strictEqual((yield* send(served, location)).status, 404)
    }))

  it.live("go on without a range where the session stands, and can be cancelled", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      const location = yield* start(served)
      yield* patch(served, location, "01234")
      assert.strictEqual((yield* patch(served, location, "56789")).headers.get("range"), "0-9")
      assert.strictEqual((yield* send(served, location, { method: "PUT" })).codes[0], "DIGEST_INVALID")
      assert.strictEqual((yield* send(served, location, { method: "DELETE" })).status, 204)
      const gone = yield* patch(served, location, "0")
      assert.deepStrictEqual([gone.status, gone.codes], [404, ["BLOB_UPLOAD_UNKNOWN"]])
      assert.strictEqual((yield* send(served, `/v2/app/blobs/${digest}`)).status, 404)
    }))

  it.live("refuse chunks that are not what their range says, and sessions of other repositories", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      const location = yield* start(served)
      assert.deepStrictEqual((yield* patch(served, location, "0123", "0-9")).codes, ["SIZE_INVALID"])
      assert.strictEqual((yield* patch(served, location, "0123", "all of it")).status, 416)
      assert.strictEqual((yield* send(served, location)).headers.get("range"), "0-0")
      const elsewhere = location.replace("/app/", "/other/")
      assert.strictEqual((yield* patch(served, elsewhere, "0")).status, 404)
      assert.strictEqual((yield* patch(served, "/v2/app/blobs/uploads/..%2f..%2fx", "0")).status, 404)
    }))

  it.live("are nothing but what they were said to be", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      const wrong = yield* send(served, `/v2/app/blobs/uploads/?digest=${other}`, { method: "POST", body: bytes })
      assert.deepStrictEqual([wrong.status, wrong.codes], [400, ["DIGEST_INVALID"]])
      assert.strictEqual((yield* send(served, `/v2/app/blobs/${other}`)).status, 404)
      for (const no of ["sha256:short", "md5:d41d8cd98f00b204e9800998ecf8427e", "nothing"]) {
        const { codes, status } = yield* send(served, `/v2/app/blobs/uploads/?digest=${no}`, {
          method: "POST",
          body: bytes
        })
        assert.deepStrictEqual([status, codes], [400, ["DIGEST_INVALID"]], no)
      }
    }))

  it.live("are mounted from where they are, or uploaded where they are not", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      const mount = (query: string) => send(served, `/v2/other/blobs/uploads/?${query}`, { method: "POST" })
      const missing = yield* mount(`mount=${digest}&from=app`)
      assert.deepStrictEqual([missing.status, missing.headers.get("range")], [202, "0-0"])
      assert.strictEqual((yield* mount(`mount=${digest}`)).status, 202)
      yield* push(served)
      for (const query of [`mount=${digest}&from=app`, `mount=${digest}`]) {
        const { headers, status } = yield* mount(query)
        assert.deepStrictEqual([status, headers.get("location")], [201, `/v2/other/blobs/${digest}`])
      }
      assert.strictEqual((yield* send(served, `/v2/other/blobs/${digest}`)).text, "0123456789")
      assert.strictEqual((yield* mount("mount=no-digest&from=app")).status, 400)
    }))

  it.live("are read in parts", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      yield* push(served)
      const read = (headers: Record<string, string>) => send(served, `/v2/app/blobs/${digest}`, { headers })
      const middle = yield* read({ range: "bytes=2-5" })
      assert.deepStrictEqual([middle.status, middle.text], [206, "2345"])
      assert.strictEqual(middle.headers.get("content-range"), "bytes 2-5/10")
      assert.strictEqual(middle.headers.get("content-length"), "4")
      assert.strictEqual((yield* read({ range: "bytes=-3" })).text, "789")
      const beyond = yield* read({ range: "bytes=10-" })
      assert.deepStrictEqual([beyond.status, beyond.headers.get("content-range")], [416, "bytes */10"])
      assert.strictEqual((yield* read({ range: "bytes=2-5", "if-range": `"${digest}"` })).status, 206)
      assert.strictEqual((yield* read({ range: "bytes=2-5", "if-range": "\"other\"" })).text, "0123456789")
    }))

  it.live("need not be read again", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      yield* push(served)
      for (const method of ["GET", "HEAD"]) {
        const known = (tag: string) =>
          send(served, `/v2/app/blobs/${digest}`, { method, headers: { "if-none-match": tag } })
        assert.strictEqual((yield* known(`"${digest}"`)).status, 304)
        assert.strictEqual((yield* known(`"x", W/"${digest}"`)).status, 304)
        assert.strictEqual((yield* known(`"${other}"`)).status, 200)
      }
      const missing = yield* send(served, `/v2/app/blobs/${other}`, { headers: { "if-none-match": "*" } })
      assert.deepStrictEqual([missing.status, missing.codes], [404, ["BLOB_UNKNOWN"]])
    }))

  it.live("are deleted at once", () =>
    Effect.gen(function*() {
      const served = yield* serving(yield* store)
      yield* push(served)
      const remove = send(served, `/v2/app/blobs/${digest}`, { method: "DELETE" })
      assert.strictEqual((yield* remove).status, 202)
      assert.strictEqual((yield* send(served, `/v2/app/blobs/${digest}`, { method: "HEAD" })).status, 404)
      assert.deepStrictEqual((yield* remove).codes, ["BLOB_UNKNOWN"])
    }))
})

describe("a blob whose file was changed", () => {
  it.live("never comes to its end, also where it was read before", () =>
    Effect.gen(function*() {
      const directory = join(yield* temporaryFolder, "layout")
      const served = yield* serving(yield* Effect.orDie(makeDisk({ directory, durability: "none" })))
      yield* push(served)
      const file = join(directory, "blobs", digest.replace(":", "/"))
      utimesSync(file, 1, 1)
      for (const _ of [1, 2]) assert.strictEqual((yield* send(served, `/v2/app/blobs/${digest}`)).text, "0123456789")
      chmodSync(file, 0o644)
      writeFileSync(file, "0123456788")
      const read = Effect.tryPromise(() => fetch(`${served.url}/v2/app/blobs/${digest}`).then((read) => read.text()))
      for (const _ of [1, 2]) assert.strictEqual((yield* Effect.exit(read))._tag, "Failure")
    }))
})

describe("a large blob", () => {
  it.live("reaches a slow client as it is, whole and in part, though pieces share their memory", () =>
    Effect.gen(function*() {
      const registry = yield* makeDisk({ directory: yield* temporaryFolder })
      const large = randomBytes(9 * 1024 * 1024 + 123)
      const { descriptor } = yield* registry.pushBlob("app", Stream.succeed(large))
      const served = yield* serving(registry)
      const read = Effect.fnUntraced(function*(headers: string) {
        const client = yield* raw(served.port)
        client.socket.pause()
        client.write(
          `GET /v2/app/blobs/${descriptor.digest} HTTP/1.1\r\nHost: localhost\r\n${headers}Connection: close\r\n\r\n`
        )
        // A little at a time: the server is always ahead, and has to wait.
        const slowly = setInterval(() => {
          client.socket.resume()
          setImmediate(() => client.socket.pause())
        }, 1)
        const text = yield* Effect.ensuring(client.closed, Effect.sync(() => clearInterval(slowly)))
        return digestOf(Buffer.from(text.slice(text.indexOf("\r\n\r\n") + 4), "latin1"))
      })
      assert.strictEqual(yield* read(""), descriptor.digest)
      assert.strictEqual(yield* read("Range: bytes=5-\r\n"), digestOf(large.subarray(5)))
    }))
})
