import { describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { imageManifest } from "../../src/oci/MediaType.ts"
import { bytesOf, digestOf } from "../mcp/support/images.ts"
import { assertEveryCall, type Scenario } from "../support/faultRuns.ts"
import { copyOfFixture, makeOld } from "../support/folders.ts"
import { ownLayout, smallManifest } from "../support/layouts.ts"

const manifest = smallManifest({ annotations: { a: "b" } })
const foreign = "sha256:3724e5d16d5e8b1476beeef298e1a5c93a1d0fe2da31bc698ce95a5ddcf3667f"

/** A layout of ours: `app:v1`, `{}` and a blob that is not needed. */
const own = Effect.gen(function*() {
  const { directory, registry } = yield* ownLayout()
  yield* registry.pushBlob("app", Stream.succeed(bytesOf("needless")))
  return directory
})

const stale = Effect.gen(function*() {
  const { directory, image, registry } = yield* ownLayout()
  const old = fs.readFileSync(join(directory, "index.json"))
  yield* registry.tagManifest("app", image.digest, ["ours"])
  fs.writeFileSync(join(directory, "index.json"), old)
  makeOld(directory)
  return directory
})

const scenarios: ReadonlyArray<Scenario> = [
  {
    name: "the first commit in another tool's layout",
    from: copyOfFixture("hand/no-ref"),
    act: (registry) => registry.tagManifest("app", foreign, ["v2"])
  },
  {
    name: "a manifest with two tags, one of them moved",
    from: own,
    act: (registry) => registry.pushManifest("app", manifest, imageManifest, { tags: ["v1", "v2"] })
  },
  {
    name: "a tag, by a registry that knows the index",
    from: own,
    warm: (registry) => registry.resolveTag("app", "v1"),
    act: (registry) =>
      Effect.flatMap(registry.resolveTag("app", "v1"), ({ digest }) => registry.tagManifest("app", digest, ["v2"]))
  },
  {
    name: "a tag deleted",
    from: own,
    act: (registry) => registry.deleteTag("app", "v1"),
    again: ["ManifestUnknown"]
  },
  {
    name: "a manifest deleted",
    from: own,
    act: (registry) =>
      Effect.flatMap(registry.resolveTag("app", "v1"), ({ digest }) => registry.deleteManifest("app", digest)),
    again: ["ManifestUnknown", "NameUnknown"]
  },
  {
    name: "a blob deleted",
    from: own,
    act: (registry) => registry.deleteBlob("app", digestOf(bytesOf("needless"))),
    again: ["BlobUnknown"]
  },
  {
    name: "a batch",
    from: own,
    act: (registry) =>
      registry.batch([
        {
          _tag: "PushManifest",
          repository: "app",
          bytes: manifest,
          mediaType: imageManifest,
          options: { tags: ["v2"] }
        },
        { _tag: "DeleteTag", repository: "app", tag: "v1" }
      ]),
    again: ["ManifestUnknown"]
  },
  {
    name: "a commit after a stale rewrite by another tool",
    from: stale,
    refused: (registry) => registry.deleteTag("app", "none"),
    act: (registry) => registry.pushManifest("app", manifest, imageManifest, { tags: ["v2"] })
  }
]

describe("a call that fails", () => {
  it.live.each(scenarios)("$name", (scenario) => assertEveryCall(scenario))
})
