/**
 * What a layout in a bucket costs, beside the same gateway's plain PUT and GET, and beside `registry` on the same bucket: in
 * turns and in one run, so that the figures can be compared with each other and with nothing else.
 *
 * `npm run bench:bucket`; `-- growth` is one of `others`, `writers` and `growth`; `-- --quick` small, to see whether it runs. It
 * needs `versitygw`, and is skipped without.
 */
import { Effect, type Scope, Stream } from "effect"
import type { HttpClient } from "effect/http/HttpClient"
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { makeBucket } from "../../src/bucket/index.ts"
import type { ObjectStore } from "../../src/bucket/store/ObjectStore.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import {
  bucketName,
  type Gateway,
  gatewayCommand,
  gatewayKeys,
  startGateway,
  withClient
} from "../bucket/support/gateway.ts"
import { digestOf } from "../support/images.ts"
import { type Contender, found, type Running, start, withConfig } from "./http/servers.ts"

const isQuick = process.argv.includes("--quick")
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith("--"))
const rounds = isQuick ? 5 : 7
const seconds = isQuick ? 4 : 10
const tagCounts = isQuick ? [100, 10_000] : [100, 1000, 10_000, 100_000]
const mebibyte = 1024 * 1024
const sizes: ReadonlyArray<readonly [name: string, bytes: number]> = [
  ["4 KiB", 4096],
  ["1 MiB", mebibyte],
  isQuick ? ["16 MiB", 16 * mebibyte] : ["64 MiB", 64 * mebibyte]
]

const manifestType = "application/vnd.oci.image.manifest.v1+json"
const built = fileURLToPath(new URL("../../dist/bin/ocilayout.js", import.meta.url))

const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

const shown = (value: number | undefined): string =>
  value === undefined ? "" : value >= 100 ? value.toFixed(0) : value.toPrecision(3)

const timed = <E, R>(effect: Effect.Effect<unknown, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    const began = performance.now()
    return Effect.map(effect, () => performance.now() - began)
  })

/** Each in turn, the one that begins another each round; the median of each. */
const inTurns = Effect.fnUntraced(function*<E, R>(works: ReadonlyArray<Effect.Effect<unknown, E, R>>, times = rounds) {
  const all = works.map((): Array<number> => [])
  for (let round = 0; round < times; round++) {
    for (let place = 0; place < works.length; place++) {
      const one = (place + round) % works.length
      all[one]?.push(yield* timed(works[one] ?? Effect.void))
    }
  }
  return all.map(median)
})

const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

const ours: Contender = {
  name: "ours",
  keeps: true,
  command: (_, port) => [
    process.execPath,
    built,
    "serve",
    `s3://${bucketName}/served`,
    "--listen",
    String(port),
    "--workers",
    "1"
  ]
}

const distribution = (program: string, endpoint: string): Contender => ({
  name: "registry",
  keeps: true,
  command: withConfig(program, () =>
    `  s3:
    accesskey: ${gatewayKeys.accessKeyId}
    secretkey: ${gatewayKeys.secretAccessKey}
    region: us-east-1
    regionendpoint: ${endpoint}
    bucket: ${bucketName}
    rootdirectory: /registry
    forcepathstyle: true
    secure: false
  redirect:
    disable: true`)
})

const sent = async ({ name, port }: Running, path: string, init: RequestInit, status: number): Promise<Response> => {
  const response = await fetch(new URL(path, `http://127.0.0.1:${port}`), init)
  if (response.status !== status) throw new Error(`${name}: ${path}: ${response.status} ${await response.text()}`)
  return response
}

const pushBlob = async (server: Running, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
  const started = await sent(server, "/v2/app/blobs/uploads/", { method: "POST" }, 202)
  const location = new URL(started.headers.get("location") ?? "", `http://127.0.0.1:${server.port}`)
  location.searchParams.set("digest", digestOf(bytes))
  const put = { method: "PUT", body: bytes, headers: { "content-type": "application/octet-stream" } }
  await (await sent(server, String(location), put, 201)).arrayBuffer()
}

const pull = async (server: Running, path: string): Promise<void> =>
  void await (await sent(server, path, { headers: { accept: "*/*, " + manifestType } }, 200)).arrayBuffer()

const putManifest = async (server: Running, tag: string, manifest: Uint8Array<ArrayBuffer>): Promise<void> => {
  const put = { method: "PUT", body: manifest, headers: { "content-type": manifestType } }
  await (await sent(server, `/v2/app/manifests/${tag}`, put, 201)).arrayBuffer()
}

const imageOf = (config: Uint8Array, annotations: object = {}): Uint8Array<ArrayBuffer> =>
  new Uint8Array(bytesOf({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: digestOf(config), size: config.length },
    layers: [],
    annotations
  }))

const say = (cells: ReadonlyArray<string>): void => console.log(`| ${cells.join(" | ")} |`)

/** One client and one server at a time. */
const besideOthers = Effect.fnUntraced(function*(servers: ReadonlyArray<Running>, store: ObjectStore) {
  const names = servers.map(({ name }) => name)
  say([
    "one client, ms",
    ...names,
    "plain requests",
    ...names.slice(1).map((name) => `ours to ${name}`),
    "ours to plain"
  ])
  say(["---", ...names.map(() => "---:"), "---:", ...names.slice(1).map(() => "---:"), "---:"])
  const row = Effect.fnUntraced(function*<E>(
    name: string,
    work: (server: Running) => Promise<void>,
    limit: Effect.Effect<unknown, E>
  ) {
    const all = yield* inTurns([...servers.map((server) => Effect.promise(() => work(server))), limit])
    const [own = Number.NaN] = all
    const ratios = all.slice(1).map((other) => `${(own / other).toFixed(2)}×`)
    say([name, ...all.map(shown), ...ratios])
  })
  const small = new Uint8Array(randomBytes(500))
  for (const [name, size] of sizes) {
    const fresh = () => new Uint8Array(randomBytes(size))
    yield* row(
      `push of ${name}`,
      (server) => pushBlob(server, fresh()),
      Effect.suspend(() => store.put(`plain/${randomBytes(8).toString("hex")}`, fresh(), {}))
    )
    const content = fresh()
    for (const server of servers) yield* Effect.promise(() => pushBlob(server, content))
    yield* store.put("plain/content", content, {})
    yield* row(
      `pull of ${name}`,
      (server) => pull(server, `/v2/app/blobs/${digestOf(content)}`),
      store.get("plain/content")
    )
  }
  const config = new Uint8Array(bytesOf({}))
  const image = imageOf(config)
  for (const server of servers) {
    yield* Effect.promise(async () => {
      await pushBlob(server, config)
      for (let number = 0; number < 100; number++) await putManifest(server, `v${number}`, image)
    })
  }
  const plain = Effect.suspend(() => store.put(`plain/${randomBytes(8).toString("hex")}`, small, {}))
  let number = 0
  yield* row(
    "push of a manifest whose blobs are there",
    (server) => putManifest(server, `new${number++}`, imageOf(config, { number: String(number) })),
    Effect.all([plain, plain, plain])
  )
  yield* row("a tag", (server) => putManifest(server, `tag${number++}`, image), Effect.all([plain, plain]))
  yield* store.put("plain/small", small, {})
  yield* row("resolve a tag", (server) => pull(server, "/v2/app/manifests/v7"), store.get("plain/small"))
  yield* row("list 100 tags", (server) => pull(server, "/v2/app/tags/list"), store.get("plain/small"))
})

const open = (
  { endpoint }: Gateway,
  prefix: string,
  publishMillis = 0
): Effect.Effect<LayoutRegistry, never, HttpClient | Scope.Scope> =>
  Effect.orDie(makeBucket({ bucket: bucketName, prefix, endpoint, region: "us-east-1", publishMillis }))

const firstImage = Effect.fnUntraced(function*(registry: LayoutRegistry) {
  const config = bytesOf({})
  yield* registry.pushBlob("app", Stream.succeed(config), { digest: digestOf(config) })
  const image = imageOf(config)
  yield* registry.pushManifest("app", image, manifestType, { tags: ["first"] })
  return digestOf(image)
})

/** Machines that write at once, each with a tag of its own; in one process, so that they share its processor. */
const writers = Effect.fnUntraced(function*(gateway: Gateway) {
  console.log("")
  say(["writers at once", "commits a second", "the slowest beside the fastest", "pairs of plain PUTs a second"])
  say(["---", "---:", "---:", "---:"])
  const store = yield* gateway.storeAt("plain")
  const during = Effect.fnUntraced(function*<E>(works: ReadonlyArray<(count: number) => Effect.Effect<unknown, E>>) {
    const until = performance.now() + seconds * 1000
    return yield* Effect.forEach(works, (work) =>
      Effect.gen(function*() {
        let count = 0
        for (; performance.now() < until; count++) yield* work(count)
        return count
      }), { concurrency: "unbounded" })
  })
  const row = Effect.fnUntraced(function*(name: string, count: number, machines: ReadonlyArray<LayoutRegistry>) {
    const digest = yield* Effect.flatMap(
      Effect.succeed(machines[0]),
      (one) => one === undefined ? Effect.die("no machine") : firstImage(one)
    )
    const counts = yield* during(Array.from({ length: count }, (_, place) => (at: number) => {
      const registry = machines[place % machines.length]
      // The tag is another one each time, so that there is something to do.
      return registry === undefined ? Effect.void : registry.tagManifest("app", digest, [`w${place}-${at}`])
    }))
    const plain = yield* during(Array.from({ length: count }, (_, place) => () => {
      const put = store.put(`${place}`, bytesOf({ place }), {})
      return Effect.all([put, put])
    }))
    const rate = (all: ReadonlyArray<number>): string => shown(all.reduce((sum, one) => sum + one, 0) / seconds)
    say([name, rate(counts), (Math.min(...counts) / Math.max(...counts)).toFixed(2), rate(plain)])
  })
  for (const count of [1, 4, 16]) {
    yield* row(
      `${count} machine${count === 1 ? "" : "s"}`,
      count,
      yield* Effect.forEach(Array.from({ length: count }), () => open(gateway, `writers-${count}`))
    )
  }
  yield* row("1 machine, 16 callers", 16, [yield* open(gateway, "callers")])
})

/** An index of so many tags, as another tool would write it. */
const growth = Effect.fnUntraced(function*(gateway: Gateway) {
  console.log("")
  const tasks = ["tag", "tag, published later", "resolve", "open and resolve"]
  say(["tags", "index, MiB", ...tasks.map((task) => `${task}, ms`), "PUT of the index", "GET of the index"])
  say(["---:", "---:", ...tasks.map(() => "---:"), "---:", "---:"])
  for (const count of tagCounts) {
    const prefix = `grown-${count}`
    const store = yield* gateway.storeAt(prefix)
    const other = yield* gateway.storeAt(`later/${prefix}`)
    const config = bytesOf({})
    const image = imageOf(config)
    for (const bytes of [config, image]) {
      for (const one of [store, other]) yield* one.put(`blobs/${digestOf(bytes).replace(":", "/")}`, bytes, {})
    }
    const entry = { mediaType: manifestType, digest: digestOf(image), size: image.length }
    const manifests = Array.from({ length: count }, (_, number) => ({
      ...entry,
      annotations: { "org.opencontainers.image.ref.name": `v${number}` }
    }))
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }, undefined, 2))
    for (const one of [store, other]) {
      yield* one.put("oci-layout", bytesOf({ imageLayoutVersion: "1.0.0" }), {})
      yield* one.put("index.json", index, {})
    }
    const registry = yield* open(gateway, prefix)
    const repository = `grown-${count}`
    // What another tool wrote is taken in.
    yield* registry.tagManifest(repository, digestOf(image), ["first"])
    const later = yield* open(gateway, `later/${prefix}`, 1000)
    yield* later.tagManifest(repository, digestOf(image), ["first"])
    let number = 0
    const tag = (by: LayoutRegistry) =>
      Effect.suspend(() => by.tagManifest(repository, digestOf(image), [`t${number++}`]))
    const times = count > 10_000 ? Math.min(rounds, 5) : rounds
    const found = yield* inTurns([
      tag(registry),
      tag(later),
      registry.resolveTag(repository, "v7"),
      Effect.scoped(Effect.flatMap(open(gateway, prefix), (cold) => cold.resolveTag(repository, "v7"))),
      store.put("plain", index, {}),
      store.get("plain")
    ], times)
    say([String(count), shown(index.length / mebibyte), ...found.map(shown)])
  }
})

const main = Effect.fnUntraced(function*(folder: string) {
  const gateway = yield* startGateway
  // Servers and layouts take their keys from here, as those of users do.
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: gatewayKeys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: gatewayKeys.secretAccessKey,
    AWS_REGION: "us-east-1",
    AWS_ENDPOINT_URL: gateway.endpoint
  })
  const isAsked = (part: string): boolean => asked.length === 0 || asked.includes(part)
  console.log(`Node ${process.version}`)
  if (isAsked("others")) yield* withServers(gateway, folder)
  if (isAsked("writers")) yield* writers(gateway)
  if (isAsked("growth")) yield* growth(gateway)
})

const withServers = Effect.fnUntraced(function*(gateway: Gateway, folder: string) {
  const program = found("registry")
  if (program === undefined) console.log("SKIPPED: registry is not installed")
  const contenders = program === undefined ? [ours] : [ours, distribution(program, gateway.endpoint)]
  const servers: Array<Running> = []
  yield* Effect.addFinalizer(() => Effect.promise(() => Promise.all(servers.map(({ stop }) => stop()))))
  for (const contender of contenders) {
    servers.push(yield* Effect.promise(() => start(contender, join(folder, contender.name))))
  }
  yield* besideOthers(servers, yield* gateway.storeAt(""))
})

if (gatewayCommand === undefined) {
  console.log("SKIPPED: there is no versitygw; go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")
} else {
  const folder = mkdtempSync(join(process.env["TMPDIR"] ?? tmpdir(), "ocilayout-bench-bucket-"))
  try {
    await Effect.runPromise(Effect.scoped(withClient(main(folder))))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
