/** The errors of each operation, and their groups. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result, Schema } from "effect"
import { makeMemory } from "../../src/memory/index.ts"
import { groupOf, isInGroup, isRetryable } from "../../src/oci/groups.ts"
import {
  Conflict,
  LayoutLocked,
  ManifestUnknown,
  OciError,
  OutcomeUnknown,
  RegistryError,
  StorageError,
  UploadBusy
} from "../../src/oci/OciError.ts"
import { catchGroup } from "../../src/ops/api/catchGroup.ts"
import type { ErrorOf } from "../../src/ops/api/Layout.ts"

const storage = (kind: StorageError["kind"]) =>
  new StorageError({ operation: "read", path: "index.json", kind, cause: new Error("it failed") })

describe("a group of errors", () => {
  it.effect("is handled as one, and the type says what is left", () =>
    Effect.gen(function*() {
      const { resolveTag } = yield* makeMemory()
      const find = (repository: string) =>
        resolveTag(repository, "v1").pipe(Effect.asSome, catchGroup("NotFound", () => Effect.succeedNone))
      assert.isTrue(Option.isNone(yield* find("app")))
      const left = yield* Effect.result(find("APP"))
      assert.isTrue(Result.isFailure(left))
      if (Result.isFailure(left)) {
        // No tag of the group is left, so that this comparison with one would not compile.
        const tag: Exclude<
          ErrorOf<"resolveTag">,
          { readonly _tag: "NameUnknown" | "ManifestUnknown" | "RevisionUnknown" }
        >["_tag"] = left.failure._tag
        assert.strictEqual(tag, "NameInvalid")
      }
    }))

  it("has every error", () => {
    const tags = RegistryError.members.map(({ fields }) => fields._tag.schema.literal)
    assert.strictEqual(tags.length, OciError.members.length + 1)
    const groups = new Map(tags.map((_tag) => [_tag, groupOf({ _tag })]))
    assert.deepStrictEqual(Array.from(new Set(groups.values())).toSorted(), [
      "Busy",
      "Damaged",
      "Medium",
      "NotFound",
      "Refused"
    ])
  })

  it("is none for what is no error of a registry", () => {
    assert.isFalse(isInGroup("Busy")(new Error("it failed")))
    assert.isFalse(isInGroup("Busy")({ _tag: "toString" }))
    assert.isTrue(isInGroup("NotFound")(new ManifestUnknown({ repository: "app", reference: "v1" })))
  })

  it("tells what is worth another try", () => {
    for (const kind of ["device", "tooManyFiles"] as const) assert.isTrue(isRetryable(storage(kind)))
    for (const kind of ["full", "readOnly", "denied", "other"] as const) assert.isFalse(isRetryable(storage(kind)))
    assert.isTrue(isRetryable(new LayoutLocked({ path: "layout", waitedMillis: 1 })))
    assert.isTrue(isRetryable(new UploadBusy({ upload: "x" })))
    assert.isFalse(isRetryable(new OutcomeUnknown({ operation: "tag", reason: "the disk failed" })))
    assert.isFalse(isRetryable(new Conflict({ reason: "it points elsewhere" })))
  })
})

describe("the schema of all errors", () => {
  it.effect("takes them through JSON, for logs and remote calls", () =>
    Effect.gen(function*() {
      const codec = Schema.fromJsonString(Schema.toCodecJson(RegistryError))
      for (const error of [new ManifestUnknown({ repository: "app", reference: "v1" }), storage("full")]) {
        const back = yield* Schema.decodeEffect(codec)(yield* Schema.encodeEffect(codec)(error))
        assert.strictEqual(back._tag, error._tag)
        assert.strictEqual(back.message, error.message)
      }
    }))
})
