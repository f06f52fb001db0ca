/** Every program of `examples` does what it says. */
import { assert, describe, it } from "@effect/vitest"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { Effect, Stream } from "effect"
import { spawn } from "node:child_process"
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { makeDisk } from "../../src/node/index.ts"
import { inspect } from "../../src/ops/refs/inspect.ts"
import { temporaryFolder } from "../support/folders.ts"
import { image, pushImage, referrerOf } from "../support/images.ts"
import { node } from "./pages.ts"

const preloaded = ["--import", resolve("test/support/fromSources.ts")]

const example = (name: string): string => resolve("examples", `${name}.ts`)

const run = (name: string, ...args: ReadonlyArray<string>): string => node([...preloaded, example(name), ...args])

const platforms = ["linux/amd64", "linux/arm64"]

/** A layout with an image of a directory for each platform, and the digest of that image. */
const built = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  mkdirSync(join(folder, "site"))
  writeFileSync(join(folder, "site/index.html"), "hello")
  const images = join(folder, "images")
  const said = run(
    "buildImage",
    images,
    "example/site",
    "v1",
    ...platforms.map((one) => `${one}=${join(folder, "site")}`)
  )
  const [, digest = ""] = /^example\/site:v1 is (sha256:[0-9a-f]{64})\n$/u.exec(said) ?? []
  return { folder, images, digest, registry: yield* makeDisk({ directory: images }) }
})

describe("the examples", () => {
  it("are those that are tested here", () => {
    const programs = readdirSync("examples").filter((name) => name.endsWith(".ts")).toSorted()
    assert.deepStrictEqual(programs, ["buildImage.ts", "embedMcp.ts", "promote.test.ts", "promote.ts", "watch.ts"])
  })

  it.live("build an image from a directory, and fail where it cannot be packed", () =>
    Effect.gen(function*() {
      const { digest, folder, images, registry } = yield* built
      assert.strictEqual((yield* registry.resolveTag("example/site", "v1")).digest, digest)
      for (const platform of platforms) {
        const source = { registry, repository: "example/site", reference: "v1" }
        assert.strictEqual((yield* inspect(source, { platform })).platform, platform)
      }
      const blobs = yield* Stream.runCollect(registry.digests("example/site", "blob"))
      const sizes = yield* Effect.forEach(blobs, (blob) => registry.resolveBlob("example/site", blob))
      assert.strictEqual(sizes.filter(({ size }) => size > 0).length, blobs.length)
      assert.throws(
        () => run("buildImage", images, "example/site", "v2", `linux/amd64=${join(folder, "none")}`),
        /does not exist/u
      )
      assert.deepStrictEqual(yield* Stream.runCollect(registry.tags("example/site")), ["v1"])
    }))

  it.live("promote what has passed", () =>
    Effect.gen(function*() {
      const images = join(yield* temporaryFolder, "images")
      const registry = yield* makeDisk({ directory: images })
      const candidate = image("candidate")
      yield* pushImage(registry, "staging/app", candidate, ["1.2.0-rc.3"])
      const report = referrerOf(candidate, "report", { artifactType: "application/vnd.example.tests.passed" })
      yield* pushImage(registry, "staging/app", report)
      assert.strictEqual(run("promote", images), "promoted 1.2.0\n")
      assert.strictEqual((yield* registry.resolveTag("example/app", "1.2.0")).digest, candidate.descriptor.digest)
      assert.strictEqual(run("promote", images), "nothing to promote\n")
    }))

  it("test that over a registry in memory", () => {
    const said = node([...preloaded, "--test", "--test-reporter", "tap", example("promote.test")])
    assert.match(said, /^# pass 3$/mu)
    assert.match(said, /^# fail 0$/mu)
  })

  it.live("print each change of a layout", () =>
    Effect.gen(function*() {
      const { digest, images, registry } = yield* built
      const child = yield* Effect.acquireRelease(
        Effect.sync(() => spawn(process.execPath, [...preloaded, example("watch"), images])),
        (child) => Effect.sync(() => void child.kill())
      )
      let said = ""
      child.stdout.on("data", (chunk) => said += String(chunk))
      const lines = (count: number) =>
        Effect.sync(() => said.split("\n")).pipe(
          Effect.tap(() => Effect.sleep("10 millis")),
          Effect.repeat({ until: (lines) => lines.length > count })
        )
      assert.deepStrictEqual(yield* lines(1), ["watching", ""])
      yield* registry.tagManifest("example/site", digest, ["stable"])
      assert.deepStrictEqual(yield* lines(2), ["watching", `4 library: example/site:stable new -> ${digest}`, ""])
    }))

  it.live("serve an agent", () =>
    Effect.gen(function*() {
      const { digest, images } = yield* built
      const client = new Client({ name: "test", version: "0" })
      const transport = new StdioClientTransport({
        command: process.execPath,
        args: [...preloaded, example("embedMcp"), images],
        stderr: "ignore"
      })
      yield* Effect.acquireRelease(
        Effect.promise(() => client.connect(transport)),
        () => Effect.promise(() => client.close())
      )
      const answer = yield* Effect.promise(() =>
        client.callTool({ name: "oci_resolve", arguments: { ref: "example/site:v1" } })
      )
      assert.nestedPropertyVal(answer, "structuredContent.digest", digest)
      const { tools } = yield* Effect.promise(() => client.listTools())
      assert.notInclude(tools.map(({ name }) => name), "oci_tag", "it only reads")
    }))
})
