import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { bytesOf, digestOf } from "../mcp/support/images.ts"
import { assertEveryCall, type Registering, type Scenario } from "../support/faultRuns.ts"
import { temporaryFolder } from "../support/folders.ts"
import { emptyConfig, ownLayout } from "../support/layouts.ts"

const content = bytesOf("some content, of some length")
const digest = digestOf(content)

const own = Effect.map(ownLayout(), ({ directory }) => directory)

const withUpload = Effect.gen(function*() {
  const { directory, registry } = yield* ownLayout()
  const writer = yield* registry.pushBlobChunked("app")
  yield* writer.append(0, Stream.succeed(content.subarray(0, 5)))
  return directory
})

const tree = Effect.gen(function*() {
  const { directory } = yield* ownLayout()
  const root = yield* temporaryFolder
  fs.cpSync(directory, join(root, "app"), { recursive: true })
  return root
})

const uploadOf = (registry: LayoutRegistry) =>
  Effect.gen(function*() {
    const [found] = yield* registry.uploads("app")
    return found ?? (yield* registry.pushBlobChunkedResume("app", "0".repeat(32)))
  })

const readEverything: Registering = (registry) =>
  Effect.gen(function*() {
    const { bytes } = yield* registry.getTag("app", "v1")
    assert.isAbove(bytes.length, 0)
    assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), ["app"])
    yield* Effect.scoped(
      Effect.flatMap(registry.getBlob("app", emptyConfig.digest), ({ stream }) => Stream.runDrain(stream))
    )
    yield* Effect.scoped(Effect.flatMap(
      registry.getBlobRange("app", emptyConfig.digest, { offset: 1 }),
      ({ stream }) => Stream.runDrain(stream)
    ))
    yield* Stream.runCollect(registry.referrers("app", emptyConfig.digest))
    yield* registry.usage
    yield* registry.uploads("app")
  })

const scenarios: ReadonlyArray<Scenario> = [
  { name: "reading", from: own, act: readEverything },
  {
    name: "the first blob of a new layout",
    from: Effect.map(temporaryFolder, (folder) => join(folder, "new")),
    act: (registry) => registry.pushBlob("app", Stream.succeed(content))
  },
  { name: "a new blob", from: own, act: (registry) => registry.pushBlob("app", Stream.succeed(content)) },
  {
    name: "a blob that is there",
    from: own,
    act: (registry) => registry.pushBlob("app", Stream.succeed(bytesOf("{}")))
  },
  {
    name: "an upload started",
    from: own,
    act: (registry) => registry.pushBlobChunked("app")
  },
  {
    name: "an upload continued and committed",
    from: withUpload,
    act: (registry) =>
      Effect.gen(function*() {
        const writer = yield* uploadOf(registry)
        yield* writer.append(writer.size, Stream.succeed(content.subarray(writer.size)))
        return yield* writer.commit(digest)
      }),
    again: ["BlobUploadUnknown"]
  },
  {
    name: "an upload cancelled",
    from: withUpload,
    act: (registry) => Effect.flatMap(uploadOf(registry), ({ cancel }) => cancel),
    again: ["BlobUploadUnknown"]
  },
  {
    name: "a mount between layouts of a tree",
    from: tree,
    tree: true,
    act: (registry) => registry.mountBlob("app", "b/c", emptyConfig.digest)
  }
]

describe("a call that fails", () => {
  it.live.each(scenarios)("$name", (scenario) => assertEveryCall(scenario))
})
