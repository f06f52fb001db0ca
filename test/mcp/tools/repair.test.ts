import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import type { RepairOptions, RepairStep } from "../../../src/ops/api/Maintenance.ts"
import { ownLayout } from "../../support/layouts.ts"
import { session } from "../support/session.ts"

const pathOf = (digest: string): string => `blobs/sha256/${digest.slice("sha256:".length)}`

/** A layout without a layer, and another one that has it. */
const layouts = Effect.gen(function*() {
  const { directory, image, registry } = yield* ownLayout()
  const mirror = yield* ownLayout()
  fs.rmSync(join(directory, ".ocilayout/kept"), { recursive: true })
  const layer = image.layers[0]?.digest ?? ""
  fs.rmSync(join(directory, pathOf(layer)))
  fs.rmSync(join(directory, "oci-layout"))
  return { directory, layer, session: yield* session({ mode: "write", registry, others: { mirror: mirror.registry } }) }
})

const missing = (layer: string, what: string) => ({ code: "BLOB_MISSING", path: pathOf(layer), digest: layer, what })

describe("oci_repair", () => {
  it.live("reports by default, and does what it reported when it is told to", () =>
    Effect.gen(function*() {
      const { directory, layer, session: { call } } = yield* layouts
      const done = { code: "LAYOUT_FILE_MISSING", path: "oci-layout" }
      assert.deepStrictEqual(yield* call("oci_repair"), {
        dry_run: true,
        done: [{ ...done, what: "write oci-layout" }],
        done_total: 1,
        left: [missing(layer, "no source was given to fetch it from")],
        left_total: 1
      })
      assert.isFalse(fs.existsSync(join(directory, "oci-layout")))
      const repaired = { done_total: 2, left: [], left_total: 0 }
      assert.deepStrictEqual(yield* call("oci_repair", { source: "mirror" }), {
        dry_run: true,
        done: [{ ...done, what: "write oci-layout" }, missing(layer, "fetched it from the source")],
        ...repaired
      })
      assert.deepStrictEqual(yield* call("oci_repair", { source: "mirror", dry_run: false }), {
        dry_run: false,
        done: [{ ...done, what: "wrote oci-layout" }, missing(layer, "fetched it from the source")],
        ...repaired
      })
      assert.isTrue((yield* call("oci_verify"))["ok"])
    }))

  it.live("refuses codes and sources that there are not", () =>
    Effect.gen(function*() {
      const { session: { fails } } = yield* layouts
      assert.match(yield* fails("oci_repair", { codes: ["NONE"] }), /^INVALID_ARGUMENT: codes: NONE is no code/u)
      assert.match(yield* fails("oci_repair", { source: "none" }), /^INVALID_ARGUMENT: source: expected mirror\n/u)
      assert.match(yield* fails("oci_repair", { source: "main" }), /^INVALID_ARGUMENT: source: expected mirror\n/u)
      const alone = yield* session()
      assert.match(
        yield* alone.fails("oci_repair", { source: "main" }),
        /^INVALID_ARGUMENT: source: this server has no other layout\n/u
      )
    }))

  it.live("is not offered where nothing may be changed", () =>
    Effect.gen(function*() {
      const { fails } = yield* session({ mode: "read" })
      assert.match(yield* fails("oci_repair"), /^DENIED: oci_repair .*--read-only/u)
    }))

  it.live("passes on what is asked for, and answers what fits", () =>
    Effect.gen(function*() {
      const { registry } = yield* session()
      const asked: Array<RepairOptions | undefined> = []
      const step = (place: number): RepairStep => ({
        code: "LEFTOVER",
        path: `file\u0007${place}`,
        what: "w".repeat(400),
        revision: place === 0 ? Option.some(7) : Option.none()
      })
      const steps = Array.from({ length: 300 }, (_, place) => step(place))
      const repair = (options?: RepairOptions) => {
        asked.push(options)
        return Effect.succeed({ done: steps, left: steps })
      }
      const { call } = yield* session({ registry: { ...registry, repair } })
      const few = yield* call("oci_repair", { codes: ["LEFTOVER"], level: "links", dry_run: false, limit: 1 })
      const first = { code: "LEFTOVER", path: "file0", what: "w".repeat(400), revision: 7 }
      assert.deepStrictEqual(few, { dry_run: false, done: [first], done_total: 300, left: [first], left_total: 300 })
      assert.deepStrictEqual(asked, [{ codes: ["LEFTOVER"], level: "links", dryRun: false }])
      const many = yield* call("oci_repair", { limit: 500 })
      assert.isArray(many["left"])
      assert.isAbove((many["left"] as ReadonlyArray<unknown>).length, 10)
    }))
})
