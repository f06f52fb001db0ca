/**
 * Our server beside those that people use: requests a second, large blobs both ways, many small pushes, start, memory. In turns
 * and in one run, so that the figures can be compared with each other and with nothing else.
 *
 * `npm run bench:http`; `-- MIB IMAGES` say how large the large blob is, 1024, and how many small images are pushed, 500. Servers that are not installed are
 * named.
 */
import { Effect, Exit, Result, Scope } from "effect"
import { execFile } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { digestOf } from "../support/images.ts"
import { contenders, type Running, start } from "./http/servers.ts"
import { buildPeer } from "./support/peer.ts"

const mebibytes = Number(process.argv[2] ?? 1024)
const rounds = 3
const seconds = 2
const images = Number(process.argv[3] ?? 500)
const clients = 8

const manifestType = "application/vnd.oci.image.manifest.v1+json"
const sent = async (server: Running, path: string, init: RequestInit, status: number): Promise<Response> => {
  const response = await fetch(new URL(path, `http://127.0.0.1:${server.port}`), init)
  if (response.status !== status) {
    throw new Error(`${server.name}: ${init.method ?? "GET"} ${path}: ${response.status} ${await response.text()}`)
  }
  return response
}

const pushBlob = async (server: Running, repository: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
  const started = await sent(server, `/v2/${repository}/blobs/uploads/`, { method: "POST" }, 202)
  const location = new URL(started.headers.get("location") ?? "", `http://127.0.0.1:${server.port}`)
  location.searchParams.set("digest", digestOf(bytes))
  const put = { method: "PUT", body: bytes, headers: { "content-type": "application/octet-stream" } }
  await (await sent(server, String(location), put, 201)).arrayBuffer()
}

const pushImage = async (server: Running, repository: string, tag: string, layers: number): Promise<string> => {
  const all = Array.from({ length: layers + 1 }, () => new Uint8Array(randomBytes(1000)))
  for (const bytes of all) await pushBlob(server, repository, bytes)
  const [config, ...parts] = all.map((bytes) => ({
    mediaType: "application/vnd.oci.image.layer.v1.tar",
    digest: digestOf(bytes),
    size: bytes.length
  }))
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { ...config, mediaType: "application/vnd.oci.image.config.v1+json" },
    layers: parts
  })
  const put = { method: "PUT", body: manifest, headers: { "content-type": manifestType } }
  await (await sent(server, `/v2/${repository}/manifests/${tag}`, put, 201)).arrayBuffer()
  return parts[0]?.digest ?? ""
}

const run = promisify(execFile)
const load = fileURLToPath(new URL("http/load.ts", import.meta.url))

const requests = async ({ port }: Running, method: string, path: string, connections: number): Promise<number> => {
  const args = [load, String(port), method, path, String(connections), String(seconds)]
  return Number((await run(process.execPath, args)).stdout)
}

/** The large blob: pieces that are made anew, so that the client holds none of it. */
const piece = new Uint8Array(randomBytes(1024 * 1024))
const large = createHash("sha256")
for (let count = 0; count < mebibytes; count++) large.update(piece)
const largeDigest = `sha256:${large.digest("hex")}`

const putLarge = async (server: Running): Promise<number> => {
  const began = performance.now()
  const started = await sent(server, "/v2/large/blobs/uploads/", { method: "POST" }, 202)
  const location = new URL(started.headers.get("location") ?? "", `http://127.0.0.1:${server.port}`)
  let left = mebibytes
  const body = new ReadableStream({
    pull: (controller) => left-- > 0 ? controller.enqueue(piece) : controller.close()
  })
  const patched = await sent(server, String(location), {
    method: "PATCH",
    body,
    duplex: "half",
    headers: { "content-type": "application/octet-stream" }
  }, 202)
  const end = new URL(patched.headers.get("location") ?? "", location)
  end.searchParams.set("digest", largeDigest)
  await (await sent(server, String(end), { method: "PUT" }, 201)).arrayBuffer()
  return (performance.now() - began) / 1000
}

const getLarge = async (server: Running): Promise<number> => {
  const began = performance.now()
  const { body } = await sent(server, `/v2/large/blobs/${largeDigest}`, {}, 200)
  let bytes = 0
  const chunks: AsyncIterable<Uint8Array> | undefined = body ?? undefined
  if (chunks !== undefined) { for await (const { length } of chunks) bytes += length }
  if (bytes !== mebibytes * 1024 * 1024) throw new Error(`${server.name} brought ${bytes} bytes`)
  return (performance.now() - began) / 1000
}

const manySmall = async (server: Running): Promise<number> => {
  const began = performance.now()
  let next = 0
  await Promise.all(Array.from({ length: clients }, async () => {
    while (next < images) {
      const number = next++
      await pushImage(server, "many", `v${number}`, 5)
    }
  }))
  return (performance.now() - began) / 1000
}

const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

const scope = Scope.makeUnsafe()
const peer = await Effect.runPromise(Effect.result(Scope.provide(buildPeer, scope)))
const { here, missing } = contenders(Result.isSuccess(peer) ? peer.success.program : undefined)
console.log(`Node ${process.version}, ${availableParallelism()} cores, blob of ${mebibytes} MiB`)
for (const name of missing) console.log(`SKIPPED: ${name} is not installed`)

const folder = mkdtempSync(join(tmpdir(), "ocilayout-bench-http-"))
const rows = new Map<string, Map<string, Array<number>>>()
const note = (row: string, name: string, value: number): void => {
  const cells = rows.get(row) ?? new Map<string, Array<number>>()
  rows.set(row, cells)
  cells.set(name, [...(cells.get(name) ?? []), value])
}

/** Each alone: a server at rest costs others nothing but memory. */
const each = async (work: (server: Running) => Promise<void>): Promise<void> => {
  for (const server of servers) await work(server)
}

const servers: Array<Running> = []
try {
  for (const [at, contender] of here.entries()) servers.push(await start(contender, join(folder, String(at))))
  for (const server of servers) note("start to first answer, ms", server.name, server.startMillis)
  for (const server of servers) note("memory at rest, MiB", server.name, server.memory().now)
  const blobs = new Map<Running, string>()
  await each(async (server) => void blobs.set(server, await pushImage(server, "app", "v1", 1)))
  for (let round = 0; round < rounds; round++) {
    for (const connections of [1, 16, 256]) {
      await each(async (server) => {
        const manifest = await requests(server, "GET", "/v2/app/manifests/v1", connections)
        note(`manifest GET by tag, ${connections} connections, a second`, server.name, manifest)
        const blob = await requests(server, "HEAD", `/v2/app/blobs/${blobs.get(server) ?? ""}`, connections)
        note(`blob HEAD, ${connections} connections, a second`, server.name, blob)
      })
    }
  }
  await each(async (server) => note(`PUT of ${mebibytes} MiB, s`, server.name, await putLarge(server)))
  for (let round = 0; round < rounds; round++) {
    await each(async (server) => note(`GET of ${mebibytes} MiB, s`, server.name, await getLarge(server)))
  }
  await each(async (server) =>
    note(`${images} images of 5 layers by ${clients} clients, s`, server.name, await manySmall(server))
  )
  for (const server of servers) note("memory at most, MiB", server.name, server.memory().most)
} finally {
  for (const server of servers) await server.stop()
  rmSync(folder, { recursive: true, force: true })
  await Effect.runPromise(Scope.close(scope, Exit.void))
}

const names = servers.map(({ keeps, name }) => keeps ? name : `${name} (keeps nothing)`)
console.log(`\n| | ${names.join(" | ")} |\n| --- | ${names.map(() => "---:").join(" | ")} |`)
for (const [row, cells] of rows) {
  const values = servers.map(({ name }) => median(cells.get(name) ?? []))
  console.log(
    `| ${row} | ${values.map((value) => value >= 100 ? value.toFixed(0) : value.toPrecision(3)).join(" | ")} |`
  )
}
