import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { pushImage, pushIndex } from "../support/images.ts"
import { session } from "../support/session.ts"

const sizeOf = (...parts: ReadonlyArray<{ readonly size: number }>): number =>
  parts.reduce((sum, { size }) => sum + size, 0)

describe("oci_usage", () => {
  it.live("tells what each repository and tag needs, alone and with others", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session()
      const one = yield* pushImage(registry, { tags: ["1", "same"], layers: ["shared layer", "only in one"] })
      const two = yield* pushImage(registry, { repository: "web", tags: ["2"], layers: ["shared layer", "two's own"] })
      const platform = { os: "linux", architecture: "amd64" }
      const index = yield* pushIndex(registry, [{ ...one, platform }], ["all"])
      const whole = (image: typeof one) => sizeOf(image, image.config, ...image.layers)
      const answer = yield* call("oci_usage")
      const [, own] = two.layers
      const unique = sizeOf(two, own ?? { size: 0 })
      assert.deepStrictEqual(
        answer["repositories"],
        [
          {
            repository: "app",
            tags: 3,
            bytes: whole(one) + index.size,
            unique: sizeOf(index, one, ...one.layers.slice(1))
          },
          { repository: "web", tags: 1, bytes: whole(two), unique }
        ].toSorted((a, b) => b.unique - a.unique)
      )
      assert.deepStrictEqual(
        new Map((answer["tags"] as ReadonlyArray<Record<string, unknown>>).map((tag) => [tag["ref"], tag])),
        new Map([
          ["web:2", { ref: "web:2", bytes: whole(two), unique }],
          ["app:all", { ref: "app:all", bytes: whole(one) + index.size, unique: index.size }],
          ["app:1", { ref: "app:1", bytes: whole(one), unique: 0 }],
          ["app:same", { ref: "app:same", bytes: whole(one), unique: 0 }]
        ])
      )
      assert.strictEqual(answer["bytes"], sizeOf(index, one, one.config, ...one.layers, two, ...two.layers.slice(1)))
      assert.property(answer["held"], "trash")
      const few = yield* call("oci_usage", { repository: "app", limit: 1 })
      assert.lengthOf(few["tags"] as ReadonlyArray<unknown>, 1)
      assert.strictEqual(few["tags_omitted"], 2)
      assert.notProperty(few, "repositories_omitted")
    }))
})
