import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { copyManifest } from "../../src/ops/copy/copyManifest.ts"
import { findManifest } from "../../src/ops/refs/find.ts"
import { inspectFound } from "../../src/ops/refs/inspect.ts"
import { given, target } from "./given.ts"

/** Asking for a platform that a reference has not, or has more than once. */
const refused: ReadonlyArray<readonly [path: string, reference: string, platform: string, said: RegExp]> = [
  [
    "23-platform-ignored-for-a-single-image/readonly_files",
    "v1",
    "linux/s390x",
    /image for linux\/amd64, not linux\/s390x/u
  ],
  [
    "11-same-platform-twice/homebrew",
    "1.2.3",
    "darwin/arm64",
    /several images are for darwin\/arm64.*os\.version macOS 14.*macOS 13/u
  ],
  [
    "13-sparse-index/docker_save_sparse",
    "3.20",
    "linux/arm64",
    /linux\/arm64\/v8 is in the index.*there is: linux\/amd64$/u
  ]
]

describe("a platform that cannot be had is refused, and nothing is copied", () => {
  it.live.each(refused)("%s %s %s", ([path, reference, platform, said]) =>
    Effect.gen(function*() {
      const source = yield* given(path)
      const repository = path.startsWith("13") ? "docker.io/library/alpine" : source.repository
      const found = yield* findManifest(
        { registry: source.registry, perRepository: false },
        `${repository}:${reference}`
      )
      const inspected = yield* Effect.flip(inspectFound(found, platform))
      assert.strictEqual(inspected._tag, "PlatformUnknown")
      assert.match(inspected.message, said)
      const out = yield* target
      const copied = yield* Effect.flip(copyManifest(
        { registry: source.registry, repository, reference },
        { registry: out.registry, repository: "a", tags: ["1"] },
        { platform }
      ))
      assert.match(copied.message, said)
      assert.deepStrictEqual(yield* out.registry.usage, { blobs: 0, bytes: 0 })
    }).pipe(Effect.scoped))
})
