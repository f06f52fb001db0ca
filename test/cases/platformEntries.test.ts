/** A tag with an entry for each platform, as a tool writes it that makes no index of them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { dirname, join } from "node:path"
import { makeDisk } from "../../src/node/index.ts"
import { copyManifest } from "../../src/ops/copy/copyManifest.ts"
import { inspect } from "../../src/ops/refs/inspect.ts"
import { ocl } from "../cli/support/command.ts"
import { inMemory } from "../http/support/serving.ts"
import { session } from "../mcp/support/session.ts"
import { temporaryFolder } from "../support/folders.ts"
import { amd64, arm64, digestOf, written } from "../support/platformEntries.ts"
import { short } from "./given.ts"
import { isRefusal } from "./Surface.ts"
import { commandLine } from "./surfaces/commandLine.ts"
import { library } from "./surfaces/library.ts"
import { mcp } from "./surfaces/mcp.ts"

describe("a tag with an entry for each platform", () => {
  for (const surface of [library, commandLine, mcp]) {
    it.live.each([["which say it", true], ["whose configs say it", false]] as const)(
      `${surface.name}: is the image for the platform that is asked for, of entries %s`,
      ([, states]) =>
        Effect.gen(function*() {
          const directory = yield* written(states)
          const layout = { directory, perRepository: false, symlinks: "refuse" } as const
          const ref = "app:v1"
          for (const one of [amd64, arm64]) {
            const platform = `linux/${one.architecture}`
            assert.deepStrictEqual(yield* surface.ask({ asks: "resolve", ref, platform }, layout), [
              short(digestOf(one))
            ])
            const inspected = yield* surface.ask({ asks: "inspect", ref, platform }, layout)
            assert.include(JSON.stringify(inspected), platform)
            const copied = yield* surface.ask({ asks: "copy", ref, platform }, layout)
            assert.deepInclude(copied, short(digestOf(one)))
          }
          const refused = yield* surface.ask({ asks: "resolve", ref, platform: "linux/s390x" }, layout)
          assert(isRefusal(refused))
          assert.strictEqual(refused.code, "PLATFORM_UNKNOWN")
          assert.include(refused.message, "linux/amd64, linux/arm64")
        })
    )
  }

  it.live("library: is chosen from by the tag itself", () =>
    Effect.gen(function*() {
      const registry = yield* makeDisk({ directory: yield* written(true), durability: "none" })
      const source = { registry, repository: "app", reference: "v1" }
      const choices = yield* registry.choices("app", "v1")
      assert.deepStrictEqual(choices.map(({ digest }) => digest), [amd64, arm64].map(digestOf))
      const { descriptor } = yield* inspect(source, { platform: "linux/arm64" })
      assert.strictEqual(descriptor.digest, digestOf(arm64))
      const out = yield* makeDisk({ directory: join(yield* temporaryFolder, "out"), durability: "none" })
      const target = { registry: out, repository: "a", tags: ["v1"] }
      const { digest } = yield* copyManifest(source, target, { platform: "linux/arm64" })
      assert.strictEqual(digest, digestOf(arm64))
    }))

  it.live.each(["v1", "1.2.3+build.5", "localhost:5000/team/web:2"])(
    "is chosen from and told by every way to copy it, also where it fits no grammar: %s",
    (name) =>
      Effect.gen(function*() {
        const directory = yield* written(true, name)
        const ref = name === "v1" ? `${directory}:v1` : `${directory}/${name}`
        const out = join(yield* temporaryFolder, "out")
        const resolved = yield* ocl(["resolve", ref, "--json"])
        const others = [{ digest: digestOf(arm64), platform: "linux/arm64" }]
        assert.deepInclude(JSON.parse(resolved.out), { digest: digestOf(amd64), others })
        for (const one of [amd64, arm64]) {
          const platform = ["--platform", `linux/${one.architecture}`]
          assert.include((yield* ocl(["resolve", ref, ...platform])).out, digestOf(one))
          const copied: unknown = JSON.parse(
            (yield* ocl(["copy", ref, `${out}/${one.architecture}:v1`, "--json", ...platform])).out
          )
          assert.include(copied, { digest: digestOf(one) })
          assert.notProperty(copied, "others")
        }
        const copied = yield* ocl(["copy", ref, `${out}/a:v1`, "--json"])
        assert.deepInclude(JSON.parse(copied.out), { digest: digestOf(amd64), others })
        const saved = yield* ocl(["save", `${out}.tar`, ref, "--json"])
        assert.deepInclude(JSON.parse(saved.out), { others })
      })
  )

  it.live("is chosen from and told by a push to a registry", () =>
    Effect.gen(function*() {
      const directory = yield* written(true)
      const served = yield* inMemory()
      const { host } = new URL(served.url)
      const push = (...args: ReadonlyArray<string>) =>
        Effect.map(ocl(["push", `${host}/app:v1`, "--layout", directory, "--json", ...args]), ({ out }) => {
          const { images: [image] } = JSON.parse(out) as { images: ReadonlyArray<object> }
          return image ?? assert.fail(out)
        })
      const others = [{ digest: digestOf(arm64), platform: "linux/arm64" }]
      assert.deepInclude(yield* push(), { digest: digestOf(amd64), others })
      assert.strictEqual((yield* served.registry.resolveTag("app", "v1")).digest, digestOf(amd64))
      const chosen = yield* push("--platform", "linux/arm64")
      assert.include(chosen, { digest: digestOf(arm64) })
      assert.notProperty(chosen, "others")
      assert.strictEqual((yield* served.registry.resolveTag("app", "v1")).digest, digestOf(arm64))
    }))

  it.live("is chosen from and told in a tree of layouts", () =>
    Effect.gen(function*() {
      const tree = ["--per-repository", "--layout", dirname(yield* written(true)), "--json"]
      const others = [{ digest: digestOf(arm64), platform: "linux/arm64" }]
      const ask = (...args: ReadonlyArray<string>) =>
        Effect.map(ocl([...args, ...tree]), ({ err, out }): unknown => JSON.parse(out === "" ? err : out))
      assert.deepInclude(yield* ask("resolve", "app:v1"), { digest: digestOf(amd64), others })
      const chosen = yield* ask("resolve", "app:v1", "--platform", "linux/arm64")
      assert.deepInclude(chosen, { digest: digestOf(arm64) })
      assert.notProperty(chosen, "others")
      assert.deepInclude(yield* ask("copy", "app:v1", "other:v1"), { digest: digestOf(amd64), others })
      const all = yield* ask("copy", "app", "third", "--all-tags")
      assert.deepInclude(all, { others: others.map((choice) => ({ ...choice, tag: "v1" })) })
    }))

  it.live("library: is chosen from by its raw name", () =>
    Effect.gen(function*() {
      const registry = yield* makeDisk({ directory: yield* written(true, "1.2.3+build.5"), durability: "none" })
      const refName = "1.2.3+build.5"
      const choices = yield* registry.nameChoices(refName)
      assert.deepStrictEqual(choices.map(({ digest, platform }) => [digest, platform?.["architecture"]]), [
        [digestOf(amd64), "amd64"],
        [digestOf(arm64), "arm64"]
      ])
      assert.strictEqual((yield* registry.getNamed(refName, digestOf(arm64))).descriptor.digest, digestOf(arm64))
      const refused = yield* Effect.flip(registry.getNamed(refName, digestOf(amd64).replace(/.$/u, "x")))
      assert.strictEqual(refused._tag, "ManifestUnknown")
    }))

  it.live("of a repository that is copied with all tags is told by tag", () =>
    Effect.gen(function*() {
      const directory = yield* written(true)
      const out = join(yield* temporaryFolder, "out")
      const copied = yield* ocl(["copy", `${directory}/app`, `${out}/app`, "--all-tags", "--json"])
      const others = [{ digest: digestOf(arm64), tag: "v1", platform: "linux/arm64" }]
      assert.deepInclude(JSON.parse(copied.out), { tags: ["v1"], others })
      const shown = yield* ocl(["copy", `${directory}/app`, `${out}/b`, "--all-tags"])
      assert.include(shown.out, `not copied, of the same name: v1 ${short(digestOf(arm64))} (linux/arm64)`)
      const arm = yield* ocl([
        "copy",
        `${directory}/app`,
        `${out}/arm`,
        "--all-tags",
        "--platform",
        "linux/arm64",
        "--json"
      ])
      assert.notProperty(JSON.parse(arm.out), "others")
    }))

  it.live.each(["v1", "team/web:2"])(
    "of an archive is loaded whole, the first with the name: %s",
    (name) =>
      Effect.gen(function*() {
        const directory = yield* written(true, name)
        const file = join(yield* temporaryFolder, "app.tar")
        execFileSync("tar", ["-cf", file, "-C", directory, "."])
        const layout = join(yield* temporaryFolder, "loaded")
        const { out } = yield* ocl(["load", file, "--layout", layout, "--json"])
        const { images } = JSON.parse(out) as { images: ReadonlyArray<{ digest: string; tags: ReadonlyArray<string> }> }
        assert.deepStrictEqual(images.map(({ digest, tags }) => [digest, tags.length]), [
          [digestOf(amd64), 1],
          [digestOf(arm64), 0]
        ])
      })
  )

  it.live("says what else it names where no platform is asked for", () =>
    Effect.gen(function*() {
      const directory = yield* written(true)
      const other = `${short(digestOf(arm64))} (linux/arm64)`
      assert.include((yield* ocl(["inspect", `${directory}:v1`])).out, other)
      const { out } = yield* ocl(["copy", `${directory}:v1`, `${yield* temporaryFolder}/out/a:v1`])
      assert.include(out, `not copied, of the same name: ${other}`)
      const others = [{ digest: digestOf(arm64), platform: "linux/arm64" }]
      const resolved = yield* ocl(["resolve", `${directory}:v1`, "--json"])
      assert.deepInclude(JSON.parse(resolved.out), { others })
      const chosen = yield* ocl(["resolve", `${directory}:v1`, "--json", "--platform", "linux/amd64"])
      assert.notProperty(JSON.parse(chosen.out), "others")

      const { call } = yield* session({ registry: yield* makeDisk({ directory, durability: "none" }) })
      const { platforms } = yield* call("oci_inspect_image", { ref: "app:v1" })
      assert.deepStrictEqual(
        (platforms as ReadonlyArray<{ readonly platform: string }>).map(({ platform }) => platform),
        ["linux/amd64", "linux/arm64"]
      )
      const shown = `${digestOf(arm64)} (linux/arm64)`
      assert.deepInclude(yield* call("oci_resolve", { ref: "app:v1" }), { others: [shown] })
      assert.deepInclude(yield* call("oci_get_manifest", { ref: "app:v1" }), { others: [shown] })
      assert.notProperty(yield* call("oci_resolve", { ref: "app:v1", platform: "linux/arm64" }), "others")
      const copied = yield* call("oci_copy", { ref: "app:v1", to_repository: "b", tags: ["v1"] })
      assert.deepStrictEqual(copied["others"], [`${digestOf(arm64)} (linux/arm64)`])
    }))
})
