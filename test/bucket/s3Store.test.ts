/** What the rules of a layout in a bucket need of a store, on a real one. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { absent, type ObjectStore, unchanged } from "../../src/bucket/store/ObjectStore.ts"
import { makeS3Store } from "../../src/bucket/store/s3Store.ts"
import { collectBytes } from "../../src/ops/manifests/collectBytes.ts"
import { gatewayCommand, startGateway, withClient } from "./support/gateway.ts"

const bytes = (text: string) => new Uint8Array(Buffer.from(text))

const inStore = <A, E>(test: (store: ObjectStore) => Effect.Effect<A, E>) =>
  Effect.scoped(withClient(Effect.gen(function*() {
    const gateway = yield* startGateway
    return yield* test(yield* gateway.storeAt("a b/c"))
  })))

const minutes = (count: number): number => count * 60_000

describe.skipIf(gatewayCommand === undefined)("a store with the S3 protocol", () => {
  it.live("holds to conditions", () =>
    inStore((store) =>
      Effect.gen(function*() {
        const first = yield* store.put("x+y/é", bytes("one"), { condition: absent })
        assert.strictEqual(first.value._tag, "Done")
        const etag = first.value._tag === "Done" ? first.value.etag : ""
        assert.strictEqual((yield* store.put("x+y/é", bytes("two"), { condition: absent })).value._tag, "Conflict")
        const second = yield* store.put("x+y/é", bytes("two"), { condition: unchanged(etag) })
        assert.strictEqual(second.value._tag, "Done")
        assert.strictEqual(
          (yield* store.put("x+y/é", bytes("three"), { condition: unchanged(etag) })).value._tag,
          "Conflict"
        )
        assert.strictEqual((yield* store.remove("x+y/é", { etag })).value._tag, "Conflict")
        const found = yield* store.get("x+y/é")
        assert.isObject(found.value)
        if (typeof found.value === "object") assert.deepStrictEqual(found.value.bytes, bytes("two"))
        const current = typeof found.value === "object" ? found.value.etag : ""
        assert.strictEqual((yield* store.get("x+y/é", { unless: current })).value, "unchanged")
        assert.deepStrictEqual((yield* store.list("")).value.map(({ key }) => key), ["x+y/é"])
        assert.strictEqual((yield* store.remove("x+y/é", { etag: current })).value._tag, "Done")
        assert.strictEqual((yield* store.remove("x+y/é", { etag: current })).value._tag, "Done")
        assert.isUndefined((yield* store.head("x+y/é")).value)
        assert.isUndefined((yield* store.get("x+y/é")).value)
        assert.strictEqual(
          (yield* store.put("z", bytes("z"), { condition: unchanged(current) })).value._tag,
          "Conflict"
        )
      })
    ))

  it.live("refuses what relies on old answers", () =>
    inStore((store) =>
      Effect.gen(function*() {
        const { date } = yield* store.head("x")
        const put = (age: number) => store.put("x", bytes("x"), { relies: date - minutes(age) })
        assert.strictEqual((yield* put(20)).value._tag, "Expired")
        assert.isUndefined((yield* store.head("x")).value)
        assert.strictEqual((yield* put(10)).value._tag, "Done")
        assert.strictEqual((yield* store.remove("x", { relies: date - minutes(20) })).value._tag, "Expired")
        assert.isDefined((yield* store.head("x")).value)
      })
    ))

  it.live("takes an upload in parts on a condition", () =>
    inStore((store) =>
      Effect.gen(function*() {
        const large = new Uint8Array(5 * 1024 * 1024).fill(7)
        const upload = yield* store.begin("large")
        const parts = [
          yield* store.part("large", upload, 3, large),
          yield* store.part("large", upload, 5, bytes("end"))
        ]
        assert.strictEqual((yield* store.complete("large", upload, parts, { condition: absent })).value._tag, "Done")
        const again = yield* store.begin("large")
        const [part] = [yield* store.part("large", again, 1, bytes("other"))]
        assert.strictEqual(
          (yield* store.complete("large", again, [part], { condition: absent })).value._tag,
          "Conflict"
        )
        yield* store.abort("large", again)
        const window = yield* Effect.scoped(Effect.gen(function*() {
          const found = yield* store.read("large", { offset: large.length - 1, length: 3 })
          assert.strictEqual(found?.size, large.length + 3)
          return found === undefined ? bytes("") : yield* collectBytes(found.content, () => Effect.void)
        }))
        assert.deepStrictEqual(window, bytes("\u0007en"))
      })
    ))

  it.live("lists in the order of keys, over several pages", () =>
    inStore((store) =>
      Effect.gen(function*() {
        for (const key of ["b", "a", "d/e", "c"]) yield* store.put(`list/${key}`, bytes(key), {})
        const keys = (yield* store.list("list/")).value.map(({ key }) => key)
        assert.deepStrictEqual(keys, ["list/a", "list/b", "list/c", "list/d/e"])
        assert.deepStrictEqual((yield* store.list("list/", 1)).value.map(({ key }) => key), ["list/a"])
      })
    ))

  it.live("tells that keys are wrong", () =>
    Effect.scoped(withClient(Effect.gen(function*() {
      const { endpoint } = yield* startGateway
      const keys = Effect.succeed({ accessKeyId: "test", secretAccessKey: Redacted.make("wrong") })
      const store = yield* makeS3Store({ bucket: "layouts", prefix: "", region: "us-east-1", endpoint, keys })
      const fault = yield* Effect.flip(store.get("x"))
      assert.strictEqual(fault._tag, "Unauthorized")
    }))))
})
