import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Stream } from "effect"
import { IndexInvalid, LayoutInvalid } from "../../../src/oci/OciError.ts"
import { finding, type FindingCode } from "../../../src/ops/api/findings.ts"
import type { VerifyOptions, VerifyStep } from "../../../src/ops/api/Maintenance.ts"
import { entryOf, foreignLayout, image as sampleImage } from "../../support/images.ts"
import { pushImage, pushIndex, short } from "../support/images.ts"
import { session } from "../support/session.ts"

const problems = (answer: Record<string, unknown>): ReadonlyArray<Record<string, unknown>> => {
  assert.isArray(answer["problems"])
  return (answer["problems"] as ReadonlyArray<Record<string, unknown>>)
}

describe("oci_verify", () => {
  it.live("answers what was looked at, where all is well", () =>
    Effect.gen(function*() {
      const { call, registry } = yield* session({ mode: "read" })
      const image = yield* pushImage(registry, { tags: ["1.0"] })
      const index = yield* pushIndex(registry, [image], ["all"])
      const sum = image.size + image.config.size + (image.layers[0]?.size ?? 0)
      const well = { ok: true, problems: [], problems_total: 0 }
      const whole = { ...well, manifests: 2, blobs: 2, bytes: sum + index.size }
      const one = { ...well, manifests: 1, blobs: 2, bytes: sum }
      for (const level of ["links", "content"]) {
        assert.deepStrictEqual(yield* call("oci_verify", { level }), whole)
        assert.deepStrictEqual(yield* call("oci_verify", { level, repository: "app" }), whole)
        for (const ref of ["app:1.0", `app@${image.digest}`, `app@${image.digest.slice(0, 19)}`]) {
          assert.deepStrictEqual(yield* call("oci_verify", { level, ref }), one)
        }
      }
    }))

  it.live("tells each problem with who needs it and what would repair it, errors first", () =>
    Effect.gen(function*() {
      const { add, registry, store } = foreignLayout("app")
      const image = sampleImage("one")
      yield* store(image, image.config)
      yield* add(entryOf(image, "app:1.0"), entryOf(image, "Upper:\u001b[31m1"))
      const { call } = yield* session({ mode: "read", registry })
      const answer = yield* call("oci_verify")
      const { descriptor: { digest } } = image.layers[0] ?? image
      assert.deepStrictEqual(answer, {
        ok: false,
        manifests: 1,
        blobs: 1,
        bytes: image.bytes.length + image.config.bytes.length,
        problems: [
          {
            code: "BLOB_MISSING",
            severity: "error",
            path: `blobs/${digest.replace(":", "/")}`,
            digest,
            message: `blob ${short(digest)} is not in the layout`,
            needed_by: ["app:1.0", String.raw`"Upper:\u001b[31m1"`, short(image.descriptor.digest)],
            repair: { by: "source", how: "fetch it from another layout" }
          },
          {
            code: "NAME_UNREADABLE",
            severity: "warning",
            path: "index.json",
            digest: image.descriptor.digest,
            message: String.raw`the name of "Upper:\u001b[31m1" has an upper-case letter in the repository`,
            repair: { by: "person", how: "set a tag to the digest, then delete the entry" }
          }
        ],
        problems_total: 2
      })
      const raw = yield* call("oci_verify", { ref: "Upper:\u001b[31m1" })
      assert.deepStrictEqual(raw["problems_total"], 1)
    }))

  const severities: Readonly<Record<string, FindingCode>> = {
    error: "BLOB_MISSING",
    warning: "NAME_UNREADABLE",
    info: "LEFTOVER"
  }
  const found = (severity: string, place: number): VerifyStep => ({
    _tag: "Found",
    finding: finding(severities[severity] ?? "LEFTOVER", { path: "p".repeat(600), message: `${severity} ${place}` })
  })

  /** A server over a layout in which these things are found. */
  const finds = Effect.fnUntraced(function*(steps: ReadonlyArray<VerifyStep>) {
    const { registry } = yield* session()
    const asked: Array<VerifyOptions> = []
    const verify = (options: VerifyOptions = {}) => {
      asked.push(options)
      return Stream.fromIterable(steps)
    }
    return { registry: { ...registry, verify }, asked }
  })

  it.live("keeps what is worst when it is too much, and what fits into an answer", () =>
    Effect.gen(function*() {
      const steps = ["info", "warning", "error"].flatMap((severity) =>
        Array.from({ length: 400 }, (_, place) => found(severity, place))
      )
      const { registry } = yield* finds(steps)
      const { call } = yield* session({ registry })
      const few = yield* call("oci_verify", { limit: 3 })
      assert.deepStrictEqual(problems(few).map(({ message }) => message), ["error 0", "error 1", "error 2"])
      assert.strictEqual(few["problems_total"], 1200)
      const many = problems(yield* call("oci_verify", { limit: 500 }))
      assert.isAbove(many.length, 10)
      assert.isTrue(many.every(({ severity }) => severity === "error"))
    }))

  it.live("looks at what a reference says where the layout cannot be read, instead of failing", () =>
    Effect.gen(function*() {
      const made = yield* finds([found("error", 0)])
      const { asked } = made
      const digest = `sha256:${"a".repeat(64)}`
      for (
        const error of [new LayoutInvalid({ path: "p", reason: "r" }), new IndexInvalid({ path: "p", reason: "r" })]
      ) {
        const registry = {
          ...made.registry,
          choices: () => Effect.fail(error),
          resolveManifest: () => Effect.fail(error),
          nameChoices: () => Effect.fail(error),
          expandDigest: () => Effect.fail(error)
        }
        const { call } = yield* session({ registry })
        for (const ref of ["app:1.0", `app@${digest}`, "app@aaaaaaaaaaaa", "Not Valid"]) {
          assert.isFalse((yield* call("oci_verify", { ref, level: "links" }))["ok"])
        }
        assert.deepStrictEqual(asked.splice(0), [
          { repository: "app", reference: "1.0", level: "links", sparse: false },
          { repository: "app", reference: digest, level: "links", sparse: false },
          { repository: "app", level: "links", sparse: false },
          { level: "links", sparse: false }
        ])
      }
    }))

  it.live("fails for what is not there, and for arguments that do not go together", () =>
    Effect.gen(function*() {
      const { fails, registry } = yield* session()
      yield* pushImage(registry, { tags: ["1.0"] })
      assert.match(yield* fails("oci_verify", { ref: "app:2.0" }), /^MANIFEST_UNKNOWN: .*\nHint: Tags of app: 1\.0\./u)
      assert.match(yield* fails("oci_verify", { repository: "web" }), /^NAME_UNKNOWN: .*\nHint: Repositories: app\./u)
      assert.match(yield* fails("oci_verify", { ref: "app:1.0", repository: "app" }), /^INVALID_ARGUMENT: give ref or/u)
      assert.match(yield* fails("oci_verify", { level: "deep", limit: 0 }), /^INVALID_ARGUMENT: level: .*; limit: /u)
    }))

  it.live("reports its progress, and stops when the answer is no longer wanted", () =>
    Effect.gen(function*() {
      const { registry } = yield* finds([])
      const ended = yield* Deferred.make<void>()
      const endless = Stream.range(1, 1000).pipe(
        Stream.mapEffect((bytes): Effect.Effect<VerifyStep> =>
          Effect.as(Effect.sleep(20), { _tag: "Checked", manifests: 1, blobs: 2, bytes, total: 1000 })
        ),
        Stream.ensuring(Deferred.succeed(ended, undefined))
      )
      const { client } = yield* session({ registry: { ...registry, verify: () => endless } })
      const steps: Array<object> = []
      const stop = new AbortController()
      const call = client.callTool({ name: "oci_verify", arguments: {} }, undefined, {
        signal: stop.signal,
        onprogress: (step) => {
          steps.push(step)
          if (steps.length === 2) stop.abort()
        }
      })
      assert.isTrue(yield* Effect.promise(() => call.then(() => false, () => true)))
      yield* Deferred.await(ended)
      assert.strictEqual(steps.length, 2)
      assert.include(steps[0], { progress: 1, total: 1000, message: "1 manifests and 2 blobs" })
    }))
})
