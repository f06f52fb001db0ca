/** A server that fetches what it lacks from another registry: once, verified, and kept for when that cannot be asked. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Stream } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { failed } from "../../src/http/errors.ts"
import { throughUpstream, type Upstream } from "../../src/http/index.ts"
import { makeFlights } from "../../src/http/upstream/flights.ts"
import type { ThroughOptions } from "../../src/http/upstream/throughUpstream.ts"
import { makeMemory } from "../../src/memory/index.ts"
import { isRetryable } from "../../src/oci/groups.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { answering, password, remoteAt, withClient } from "../remote/support/remotes.ts"
import { image, index, pushImage, pushManifest, referrerOf, sample, utf8 } from "../support/images.ts"
import { inMemory, send, type Served, serving } from "./support/serving.ts"

const one = image("one", {}, 2)
const other = image("other")
const multi = index([one, other])
const signature = referrerOf(one, "signature")
const secret = "an-open-secret"

/** What a proxy does with an answer of the registry behind it, before it goes on. */
type Change = (
  request: IncomingMessage,
  answer: { readonly status: number; readonly headers: Record<string, string>; readonly bytes: Uint8Array },
  response: ServerResponse
) => boolean

/** Before a registry: it counts, and can be told to fail, to wait and to lie. */
const proxied = Effect.fnUntraced(function*(served: Pick<Served, "url">) {
  const seen: Array<string> = []
  const proxy = { seen, change: undefined as Change | undefined, before: Promise.resolve(), down: false }
  const { url } = yield* answering((request, response) => {
    if (proxy.down) return void response.destroy()
    seen.push(`${request.method ?? ""} ${request.url ?? ""}`)
    const { authorization } = request.headers
    const forwarded = async () => {
      await proxy.before
      const got = await fetch(new URL(request.url ?? "/", served.url), {
        method: request.method ?? "GET",
        headers: {
          accept: request.headers.accept ?? "*/*",
          ...(request.headers.range === undefined ? {} : { range: request.headers.range }),
          ...(authorization === undefined ? {} : { authorization })
        }
      })
      const bytes = new Uint8Array(await got.arrayBuffer())
      const headers = Object.fromEntries(
        Array.from(got.headers).filter(([name]) => !/^(?:connection|keep-alive|date)$/u.test(name))
      )
      if (proxy.change?.(request, { status: got.status, headers, bytes }, response) === true) return
      response.writeHead(got.status, headers).end(request.method === "HEAD" ? undefined : bytes)
    }
    forwarded().catch(() => response.destroy())
  })
  return Object.assign(proxy, { url, count: (part: string) => seen.filter((line) => line.includes(part)).length })
})

/** A registry with two images. */
const upstreamRegistry = Effect.tap(Effect.orDie(inMemory()), ({ registry }) =>
  Effect.gen(function*() {
    for (const part of [one, other]) yield* pushImage(registry, "app", part)
    yield* pushManifest(registry, "app", multi, ["v1"])
    yield* pushManifest(registry, "app", one, ["single"])
    yield* pushImage(registry, "app", signature)
  }))

const until = (holds: () => boolean) =>
  Effect.suspend(() => holds() ? Effect.void : Effect.fail("not yet")).pipe(
    Effect.tapError(() => Effect.sleep("5 millis")),
    Effect.eventually
  )

const hostOf = ({ url }: { readonly url: string }): string => new URL(url).host

const upstreamAt = (at: { readonly url: string }, more: Partial<Upstream> = {}) =>
  Effect.map(
    remoteAt(at, {
      credentials: password("ada", secret),
      timing: { retries: 2, retryMillis: 1, answerMillis: 60_000, idleMillis: 2000, chunkBytes: 1024 }
    }),
    (registry): Upstream => ({ host: hostOf(at), registry, ...more })
  )

const cacheOf = Effect.fnUntraced(function*(
  upstreams: ReadonlyArray<Upstream>,
  options: Partial<ThroughOptions> = {},
  registry?: LayoutRegistry
) {
  const kept = registry ?? (yield* makeMemory())
  const through = yield* throughUpstream({
    registry: kept,
    upstreams,
    maxAgeMillis: 600_000,
    blobBytes: 1_000_000,
    ...options
  })
  return yield* serving(kept, { through, offers: { push: false, delete: true, deleteBlobs: false } })
})

const world = Effect.fnUntraced(function*(options: Partial<ThroughOptions> = {}) {
  const origin = yield* upstreamRegistry
  const proxy = yield* proxied(origin)
  return { origin, proxy, cache: yield* cacheOf([yield* upstreamAt(proxy)], options) }
})

const layer = one.layers[0] ?? one
const manifestPath = (reference: string, repository = "app"): string => `/v2/${repository}/manifests/${reference}`
const blobPath = (digest: string, repository = "app"): string => `/v2/${repository}/blobs/${digest}`

describe("a server with an upstream", () => {
  it.live("fetches what it lacks once, keeps it, and says who has kept it", () =>
    withClient(Effect.gen(function*() {
      const { cache, proxy } = yield* world()
      for (let time = 0; time < 2; time++) {
        const manifest = yield* send(cache, manifestPath("v1"))
        assert.strictEqual(manifest.status, 200)
        assert.isTrue(Buffer.from(manifest.bytes).equals(multi.bytes))
        const child = yield* send(cache, manifestPath(one.descriptor.digest))
        assert.isTrue(Buffer.from(child.bytes).equals(one.bytes))
        const blob = yield* send(cache, blobPath(layer.descriptor.digest))
        assert.isTrue(Buffer.from(blob.bytes).equals(layer.bytes))
        assert.isNull(manifest.headers.get("warning"))
      }
      assert.strictEqual(proxy.count(manifestPath("v1")), 1)
      assert.strictEqual(proxy.count(one.descriptor.digest), 1)
      assert.strictEqual(proxy.count(layer.descriptor.digest), 1)
      assert.strictEqual((yield* cache.registry.resolveTag("app", "v1")).digest, multi.descriptor.digest)
      const commits = yield* Stream.runCollect(cache.registry.history())
      assert.deepStrictEqual(Array.from(new Set(commits.map(({ actor }) => actor))), [`upstream:${hostOf(proxy)}`])
    })))

  it.live("answers heads and ranges of what it lacks", () =>
    withClient(Effect.gen(function*() {
      const { cache, proxy } = yield* world()
      const path = blobPath(layer.descriptor.digest)
      const head = yield* send(cache, path, { method: "HEAD" })
      assert.strictEqual(head.headers.get("content-length"), String(layer.bytes.length))
      assert.strictEqual(proxy.count("GET /v2/app/blobs"), 0)
      const part = yield* send(cache, path, { headers: { range: "bytes=1-3" } })
      assert.strictEqual(part.status, 206)
      assert.isTrue(Buffer.from(part.bytes).equals(layer.bytes.subarray(1, 4)))
      assert.strictEqual((yield* send(cache, manifestPath("v1"), { method: "HEAD" })).status, 200)
      assert.strictEqual((yield* send(cache, manifestPath("none"))).status, 404)
      assert.strictEqual((yield* send(cache, blobPath(`sha256:${"0".repeat(64)}`))).status, 404)
    })))

  it.live("fetches once for all who want the same at the same time", () =>
    withClient(Effect.gen(function*() {
      const { cache, proxy } = yield* world()
      let release: () => void = () => undefined
      proxy.before = new Promise((resolve) => release = resolve)
      const wanted = [manifestPath("v1"), manifestPath(one.descriptor.digest), blobPath(layer.descriptor.digest)]
      const all = yield* Effect.forkChild(Effect.forEach(
        Array.from({ length: 30 }, (_, at) => wanted[at % 3] ?? ""),
        (path) => send(cache, path),
        { concurrency: "unbounded" }
      ))
      yield* until(() => proxy.seen.length >= 3)
      yield* Effect.sleep("100 millis")
      release()
      const answers = yield* Fiber.join(all)
      assert.deepStrictEqual(Array.from(new Set(answers.map(({ status }) => status))), [200])
      assert.deepStrictEqual(proxy.seen.toSorted(), wanted.map((path) => `GET ${path}`).toSorted())
    })))

  it.live("goes on with what a client has begun and left", () =>
    withClient(Effect.gen(function*() {
      const { cache, proxy } = yield* world()
      let release: () => void = () => undefined
      proxy.before = new Promise((resolve) => release = resolve)
      const path = blobPath(layer.descriptor.digest)
      const leaving = new AbortController()
      const left = fetch(new URL(path, cache.url), { signal: leaving.signal }).then(() => "answered", () => "left")
      yield* until(() => proxy.seen.length === 1)
      leaving.abort()
      assert.strictEqual(yield* Effect.promise(() => left), "left")
      // Time for the server to see that it has gone.
      yield* Effect.sleep("200 millis")
      release()
      yield* cache.registry.resolveBlob("app", layer.descriptor.digest).pipe(
        Effect.tapError(() => Effect.sleep("5 millis")),
        Effect.eventually
      )
      assert.strictEqual((yield* send(cache, path)).status, 200)
      assert.strictEqual(proxy.count("GET"), 1)
    })))

  it.live("takes no pushes, which its upstream would not know of", () =>
    withClient(Effect.gen(function*() {
      const { cache } = yield* world()
      const { codes, status } = yield* send(cache, "/v2/app/blobs/uploads/", { method: "POST" })
      assert.strictEqual(status, 405)
      assert.deepStrictEqual(codes, ["UNSUPPORTED"])
    })))
})

describe("work under one name", () => {
  it.live("is done to its end, also where the one leaves that began it", () =>
    Effect.gen(function*() {
      const flights = yield* makeFlights<string>()
      const gate = yield* Deferred.make<string>()
      const begun = { is: false, done: false }
      const work = Effect.suspend(() => {
        begun.is = true
        return Effect.tap(Deferred.await(gate), () => Effect.sync(() => void (begun.done = true)))
      })
      const first = yield* Effect.forkChild(flights("a", work))
      yield* until(() => begun.is)
      const second = yield* Effect.forkChild(flights("a", Effect.succeed("another")), { startImmediately: true })
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(gate, "done")
      assert.strictEqual(yield* Fiber.join(second), "done")
      assert.isTrue(begun.done)
      assert.strictEqual(yield* flights("a", Effect.succeed("anew")), "anew")
    }), 20_000)

  it.live("is refused where too much is under way", () =>
    Effect.gen(function*() {
      const flights = yield* makeFlights<never>()
      for (let at = 0; at < 512; at++) yield* Effect.forkChild(flights(String(at), Effect.never))
      yield* Effect.sleep("50 millis")
      const refused = yield* Effect.flip(flights("more", Effect.never))
      assert.isTrue(isRetryable(refused))
      assert.strictEqual(failed(refused).status, 429)
    }), 20_000)
})

describe("a tag", () => {
  it.live("is asked for again when it is old, and moves with the upstream's", () =>
    withClient(Effect.gen(function*() {
      const { cache, origin, proxy } = yield* world({ maxAgeMillis: 0 })
      yield* send(cache, manifestPath("single"))
      assert.strictEqual((yield* send(cache, manifestPath("single"))).status, 200)
      assert.deepStrictEqual(proxy.seen, ["GET", "HEAD"].map((method) => `${method} ${manifestPath("single")}`))
      yield* pushManifest(origin.registry, "app", other, ["single"])
      const moved = yield* send(cache, manifestPath("single"))
      assert.strictEqual(moved.headers.get("docker-content-digest"), other.descriptor.digest)
      assert.strictEqual((yield* cache.registry.resolveTag("app", "single")).digest, other.descriptor.digest)
      yield* origin.registry.deleteTag("app", "single")
      assert.strictEqual((yield* send(cache, manifestPath("single"))).status, 404)
    })))

  it.live("is not asked for while it is young", () =>
    withClient(Effect.gen(function*() {
      const { cache, origin } = yield* world()
      yield* send(cache, manifestPath("single"))
      yield* pushManifest(origin.registry, "app", other, ["single"])
      const still = yield* send(cache, manifestPath("single"))
      assert.strictEqual(still.headers.get("docker-content-digest"), one.descriptor.digest)
    })))

  it.live("whose upstream cannot be asked is served as it was, with a warning, and no client waits again and again", () =>
    withClient(Effect.gen(function*() {
      const { cache, proxy } = yield* world({ maxAgeMillis: 0 })
      for (const path of [manifestPath("single"), blobPath(layer.descriptor.digest)]) yield* send(cache, path)
      proxy.down = true
      const kept = yield* send(cache, manifestPath("single"))
      assert.strictEqual(kept.status, 200)
      assert.isTrue(Buffer.from(kept.bytes).equals(one.bytes))
      const warning = `111 - "${hostOf(proxy)} could not be asked; this is what was kept"`
      assert.strictEqual(kept.headers.get("warning"), warning)
      const blob = yield* send(cache, blobPath(layer.descriptor.digest))
      assert.strictEqual(blob.status, 200)
      assert.isNull(blob.headers.get("warning"))
      assert.strictEqual((yield* send(cache, manifestPath("v1"))).status, 502)
      proxy.down = false
      const before = proxy.seen.length
      assert.strictEqual((yield* send(cache, manifestPath("single"))).headers.get("warning"), warning)
      assert.strictEqual(proxy.seen.length, before)
    })))

  it.live("whose upstream does not answer is served as it was before long", () =>
    withClient(Effect.gen(function*() {
      const { cache, proxy } = yield* world({ maxAgeMillis: 0, patienceMillis: 50 })
      yield* send(cache, manifestPath("single"))
      let release: () => void = () => undefined
      proxy.before = new Promise((resolve) => release = resolve)
      const kept = yield* send(cache, manifestPath("single"))
      assert.strictEqual(kept.status, 200)
      assert.match(kept.headers.get("warning") ?? "", /could not be asked/u)
      release()
    })), 20_000)
})

describe("lists", () => {
  it.live("are the upstream's, and of what was kept where that cannot be asked", () =>
    withClient(Effect.gen(function*() {
      const { cache, proxy } = yield* world()
      const path = "/v2/app/tags/list"
      assert.deepInclude(JSON.parse((yield* send(cache, path)).text), { tags: ["single", "v1"] })
      const referrers = yield* send(cache, `/v2/app/referrers/${one.descriptor.digest}`)
      assert.include(referrers.text, signature.descriptor.digest)
      yield* send(cache, manifestPath("single"))
      proxy.down = true
      const kept = yield* send(cache, path)
      assert.deepInclude(JSON.parse(kept.text), { tags: ["single"] })
      assert.match(kept.headers.get("warning") ?? "", /this is the list of what was kept/u)
    })))
})

describe("an upstream that lies or breaks off", () => {
  const altered = (bytes: Uint8Array) => bytes.map((byte, at) => at === bytes.length - 1 ? byte ^ 1 : byte)
  const lie: Change = (request, { bytes, headers, status }, response) => {
    response.writeHead(status, headers).end(request.method === "HEAD" ? undefined : altered(bytes))
    return true
  }

  it.live.each([manifestPath(one.descriptor.digest), manifestPath("v1"), blobPath(layer.descriptor.digest)])(
    "about %s is not believed, and nothing is kept",
    (path) =>
      withClient(Effect.gen(function*() {
        const { cache, proxy } = yield* world()
        proxy.change = lie
        const { codes, status } = yield* send(cache, path)
        assert.strictEqual(status, 502)
        assert.deepStrictEqual(codes, ["REMOTE_ERROR"])
        assert.deepStrictEqual(yield* cache.registry.usage, { blobs: 0, bytes: 0 })
        proxy.change = undefined
        assert.strictEqual((yield* send(cache, path)).status, 200)
      }))
  )

  it.live("about a tag that was kept does not replace it", () =>
    withClient(Effect.gen(function*() {
      const { cache, origin, proxy } = yield* world({ maxAgeMillis: 0 })
      yield* send(cache, manifestPath("single"))
      yield* pushManifest(origin.registry, "app", other, ["single"])
      proxy.change = lie
      const kept = yield* send(cache, manifestPath("single"))
      assert.strictEqual(kept.headers.get("docker-content-digest"), one.descriptor.digest)
      assert.isNotNull(kept.headers.get("warning"))
    })))

  it.live("in the middle of a blob is asked for the rest", () =>
    withClient(Effect.gen(function*() {
      const { cache, proxy } = yield* world()
      let times = 0
      proxy.change = (request, { bytes, headers, status }, response) => {
        if (request.url !== blobPath(layer.descriptor.digest) || times++ > 0) return false
        response.writeHead(status, headers)
        response.write(bytes.subarray(0, 3), () => response.destroy())
        return true
      }
      const blob = yield* send(cache, blobPath(layer.descriptor.digest))
      assert.strictEqual(blob.status, 200)
      assert.isTrue(Buffer.from(blob.bytes).equals(layer.bytes))
    })))

  it.live("with a blob over the limit is refused", () =>
    withClient(Effect.gen(function*() {
      const { cache } = yield* world({ blobBytes: layer.bytes.length - 1 })
      assert.strictEqual((yield* send(cache, blobPath(layer.descriptor.digest))).status, 422)
      assert.deepStrictEqual(yield* cache.registry.usage, { blobs: 0, bytes: 0 })
    })))

  it.live("and wants another login tells no client what it was shown", () =>
    withClient(Effect.gen(function*() {
      const server = yield* answering((_, response) =>
        response.writeHead(401, { "www-authenticate": "Basic realm=\"x\"" }).end(secret)
      )
      const cache = yield* cacheOf([yield* upstreamAt(server)])
      const { status, text } = yield* send(cache, manifestPath("v1"))
      assert.strictEqual(status, 502)
      assert.notInclude(text, secret)
      assert.notInclude(text, Buffer.from(`ada:${secret}`).toString("base64"))
      assert.include(text, "this server is not let in")
    })))
})

describe("several upstreams", () => {
  const two = Effect.gen(function*() {
    const first = yield* proxied(yield* upstreamRegistry)
    const served = yield* inMemory()
    yield* pushImage(served.registry, "app", other, ["v1"])
    const second = yield* proxied(served)
    const upstreams = [yield* upstreamAt(first, { path: "app" }), yield* upstreamAt(second)]
    return { first, second, cache: yield* cacheOf(upstreams), label: hostOf(second).replace(":", "_") }
  })

  it.live("are told apart by the host that the client says, as containerd does, and kept apart", () =>
    withClient(Effect.gen(function*() {
      const { cache, first, label, second } = yield* two
      const digestAt = (path: string) =>
        Effect.map(send(cache, path), ({ headers }) => headers.get("docker-content-digest"))
      assert.strictEqual(yield* digestAt(`${manifestPath("v1")}?ns=${hostOf(first)}`), multi.descriptor.digest)
      assert.strictEqual(yield* digestAt(`${manifestPath("v1")}?ns=${hostOf(second)}`), other.descriptor.digest)
      assert.strictEqual(yield* digestAt(manifestPath("v1")), multi.descriptor.digest)
      assert.strictEqual(yield* digestAt(manifestPath("v1", `${label}/app`)), other.descriptor.digest)
      assert.strictEqual(
        yield* digestAt(manifestPath("v1", `${hostOf(first).replace(":", "_")}/app`)),
        multi.descriptor.digest
      )
      assert.deepStrictEqual(
        Array.from(yield* Stream.runCollect(cache.registry.repositories()), String),
        [label, "app"].map((name) => name === label ? `${label}/app` : name).toSorted()
      )
      assert.strictEqual(second.count("manifests/v1"), 1)
    })))

  it.live("that were not named are not asked, and of others only what may be", () =>
    withClient(Effect.gen(function*() {
      const { cache, first } = yield* two
      const { codes, status } = yield* send(cache, `${manifestPath("v1")}?ns=example.com`)
      assert.strictEqual(status, 404)
      assert.deepStrictEqual(codes, ["NAME_UNKNOWN"])
      const alone = yield* world()
      assert.strictEqual((yield* send(alone.cache, `${manifestPath("v1")}?ns=example.com`)).status, 404)
      assert.deepStrictEqual(alone.proxy.seen, [])
      assert.strictEqual((yield* send(cache, manifestPath("v1", "application"))).status, 404)
      assert.strictEqual((yield* send(cache, blobPath(sample(utf8("x"), "x").descriptor.digest, "other"))).status, 404)
      assert.deepStrictEqual(first.seen, [])
    })))
})
