/** What the test of the package installs it for: a program with something of every entry point. */
import { Effect, Stream } from "effect"
import { copyManifest, parseReference, Registry } from "ocilayout"
import { callTool, listTools, makeToolCatalog, type ServerConfig, serveStdio, type Streams } from "ocilayout/mcp"
import * as memory from "ocilayout/memory"
import { layerDisk, localFiles, makeDisk } from "ocilayout/node"

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

const push = Effect.gen(function*() {
  const registry = yield* Registry
  const config = yield* registry.pushBlob("app", Stream.succeed(text("{}")))
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: { ...config.descriptor, mediaType: "application/vnd.oci.empty.v1+json" },
    layers: []
  }
  const pushed = yield* registry.pushManifest("app", text(JSON.stringify(manifest)), manifest.mediaType, {
    tags: ["v1"]
  })
  return pushed.descriptor.digest
})

/** As much of a client as a line of JSON. */
const asked: Streams["input"] = {
  on: (event: string, listener: (chunk: never) => void) => {
    if (event === "data") {
      const line = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" })
      queueMicrotask(() => (listener as (chunk: Uint8Array) => void)(text(`${line}\n`)))
    }
  },
  once: (event, listener) => event === "end" ? setTimeout(listener, 20) : undefined,
  off: () => undefined,
  listenerCount: () => 0,
  pause: () => undefined,
  resume: () => undefined
}

const program = Effect.gen(function*() {
  const onDisk = yield* Effect.provide(push, layerDisk({ directory: "layout" }))
  const inMemory = yield* Effect.provide(push, memory.layerMemory())
  console.log(onDisk === inMemory)

  const registry = yield* makeDisk({ directory: "layout" })
  const mirror = yield* memory.makeMemory()
  const from = { registry, repository: "app", reference: "v1" }
  console.log((yield* copyManifest(from, { registry: mirror, repository: "mirror", tags: ["v1"] })).manifests)

  const missing = yield* Effect.flip(registry.resolveTag("app", "v2"))
  console.log(missing.code, parseReference("v1")._tag)

  const served: ServerConfig = {
    layouts: [{ id: "layout", registry, perRepository: false }],
    mode: "write",
    files: localFiles([])
  }
  const catalogue = makeToolCatalog(served)
  const answer = yield* callTool(catalogue, { name: "oci_resolve", args: { ref: "app:v1" } })
  console.log(listTools(catalogue).length > 20, answer.structuredContent?.["digest"] === onDisk)

  const output: Streams["output"] = {
    writableLength: 0,
    write: (line) => {
      console.log(line.trim())
      return true
    },
    on: () => undefined,
    once: () => undefined,
    setMaxListeners: () => undefined
  }
  yield* serveStdio(catalogue, "1.0.0", { input: asked, output })
})

await Effect.runPromise(Effect.scoped(program))
