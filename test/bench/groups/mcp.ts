/** What a tool of the MCP server costs beside one that does nothing, and whether long work holds up short answers. */
import { Effect, Fiber, Stream } from "effect"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { localFiles } from "../../../src/node/index.ts"
import { imageManifest, layerTar, octetStream } from "../../../src/oci/MediaType.ts"
import { sample } from "../../support/images.ts"
import type { Group } from "../support/Bench.ts"
import { randomFile } from "../support/bigFile.ts"
import { asMuch, below } from "../support/Case.ts"
import { scriptPath } from "../support/command.ts"
import { temporaryFolder } from "../support/folders.ts"
import { opened, repository, tagOf } from "../support/load.ts"
import { callTimes, connect, type McpClient } from "../support/mcp.ts"
import { type Contestant, inTurns, median, quantile } from "../support/rounds.ts"

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url))

/** The echo answers as much as it is asked: as long a text as a descriptor. */
const echoed = { name: "echo", arguments: { text: `${repository}:${tagOf(7)}`.padEnd(300, ".") } }
const resolved = { name: "oci_resolve", arguments: { ref: `${repository}:${tagOf(7)}` } }

const calling = (name: string, client: McpClient, count: number, params: object): Contestant => () =>
  Effect.map(callTimes(client, count, params), (times) => ({ [name]: median(times) }))

/** A layout with one image that has one large layer. */
const largeLayout = Effect.fnUntraced(function*(mebibytes: number) {
  const folder = yield* temporaryFolder
  const [directory, source] = [join(folder, "layout"), join(folder, "source.bin")]
  const digest = yield* randomFile(source, mebibytes)
  const registry = yield* opened(directory)
  const { content, size } = yield* localFiles([folder]).read(source)
  yield* registry.pushBlob(repository, content, { digest })
  const config = sample("{}", octetStream)
  yield* registry.pushBlob(repository, Stream.succeed(config.bytes))
  const layers = [{ mediaType: layerTar, digest, size }]
  const manifest = sample(
    { schemaVersion: 2, mediaType: imageManifest, config: config.descriptor, layers },
    imageManifest
  )
  yield* registry.pushManifest(repository, manifest.bytes, imageManifest, { tags: ["large"] })
  return directory
})

/** Pings without a pause while everything is verified. */
const pinging = ({ ask }: McpClient): Contestant => () =>
  Effect.scoped(Effect.gen(function*() {
    const verifying = yield* Effect.forkScoped(ask("tools/call", { name: "oci_verify", arguments: {} }))
    const times: Array<number> = []
    while (verifying.pollUnsafe() === undefined) {
      const began = performance.now()
      yield* ask("ping")
      times.push(performance.now() - began)
    }
    yield* Fiber.join(verifying)
    return { ping: quantile(times, 0.99) }
  }))

export const mcp: Group = {
  name: "mcp",
  about: "a tool over standard input and output, and pings while it verifies",
  run: Effect.fnUntraced(function*({ layout, scale }) {
    const count = scale.tags.many
    const ours = yield* connect(main, ["mcp", yield* layout(count)])
    const echo = yield* connect(scriptPath("echoServer"), [])
    const verifying = yield* connect(main, ["mcp", yield* largeLayout(scale.mebibytes)])
    const contestants = [
      calling("resolve", ours, scale.calls, resolved),
      calling("echo", echo, scale.calls, echoed),
      pinging(verifying)
    ]
    // Once more than is told: first everybody warms up.
    yield* inTurns(1, contestants)
    const figures = yield* inTurns(scale.rounds, contestants)
    return [
      {
        name: `oci_resolve over stdio at ${count} tags, p50; of an echo tool`,
        unit: "ms",
        ours: figures["resolve"],
        limit: figures["echo"],
        target: asMuch(2, "limit")
      },
      {
        name: `ping while ${scale.mebibytes} MiB are verified, p99`,
        unit: "ms",
        ours: figures["ping"],
        target: below(20)
      }
    ]
  })
}
