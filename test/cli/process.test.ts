/** Commands as processes: signals, pipes, standard input. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { type ChildProcessWithoutNullStreams, execFile, spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { json, ocl, temporaryDirectory } from "./support/command.ts"
import { mainPath } from "./support/server.ts"

const start = (...args: ReadonlyArray<string>): ChildProcessWithoutNullStreams =>
  spawn(process.execPath, [mainPath, ...args], { stdio: "pipe" })

/** The exit code, or the signal. */
const ended = (child: ChildProcessWithoutNullStreams): Effect.Effect<number | string | null> =>
  Effect.callback((resume) => {
    child.once("close", (code, signal) => resume(Effect.succeed(code ?? signal)))
  })

const firstLine = (child: ChildProcessWithoutNullStreams): Effect.Effect<string> =>
  Effect.callback((resume) => {
    child.stdout.once("data", (data) => resume(Effect.succeed(String(data))))
  })

const withTag = Effect.gen(function*() {
  const root = yield* temporaryDirectory
  const layout = join(root, "images")
  fs.writeFileSync(join(root, "m.json"), `{"schemaVersion":2,"manifests":[]}`)
  yield* ocl(["init", layout])
  const type = ["--media-type", "application/vnd.oci.image.index.v1+json"]
  yield* ocl(["manifest", "push", `${layout}/app:v1`, join(root, "m.json"), ...type])
  return { root, layout }
})

describe("a command as a process", () => {
  it.live.each([["SIGINT", 130], ["SIGTERM", 143]] as const)(
    "ends on %s with %d",
    ([signal, code]) =>
      Effect.gen(function*() {
        const { layout } = yield* withTag
        const child = start("watch", layout, "--after", "0", "--json")
        const end = yield* Effect.forkChild(ended(child))
        assert.include(yield* firstLine(child), `"revision":1`)
        child.kill(signal)
        assert.strictEqual(yield* Fiber.join(end), code)
      })
  )

  it.live("leaves nothing behind where it is interrupted in the middle of a push", () =>
    Effect.gen(function*() {
      const { layout } = yield* withTag
      const child = start("blob", "push", `${layout}/app`, "-")
      const end = yield* Effect.forkChild(ended(child))
      child.stdin.on("error", () => undefined)
      child.stdin.write(Buffer.alloc(1 << 20))
      const unfinished = () =>
        fs.existsSync(join(layout, ".ocilayout", "tmp")) ? fs.readdirSync(join(layout, ".ocilayout", "tmp")) : []
      while (unfinished().length === 0) yield* Effect.sleep(20)
      child.kill("SIGINT")
      assert.strictEqual(yield* Fiber.join(end), 130)
      assert.deepStrictEqual(unfinished(), [])
    }))

  it.live("takes content from standard input, and gives it byte for byte", () =>
    Effect.gen(function*() {
      const { layout } = yield* withTag
      const content = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 256))
      const push = start("blob", "push", `${layout}/app`, "-")
      const pushed = yield* Effect.forkChild(ended(push))
      push.stdin.end(content)
      assert.strictEqual(yield* Fiber.join(pushed), 0)
      const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`
      const read = yield* Effect.callback<Buffer>((resume) => {
        execFile(
          process.execPath,
          [mainPath, "blob", "get", `${layout}/app@${digest}`],
          { encoding: "buffer" },
          (_, stdout) => resume(Effect.succeed(stdout))
        )
      })
      assert.isTrue(read.equals(content))
    }))

  it.live("pushes no empty blob where standard input is a folder", () =>
    Effect.gen(function*() {
      const { layout, root } = yield* withTag
      const folder = fs.openSync(root, "r")
      const { status, stderr, stdout } = spawnSync(process.execPath, [mainPath, "blob", "push", `${layout}/app`, "-"], {
        stdio: [folder, "pipe", "pipe"],
        encoding: "utf8"
      })
      fs.closeSync(folder)
      assert.deepStrictEqual([status, stdout], [2, ""])
      assert.include(stderr, "a folder")
    }))

  it.live("ends as shells expect when its reader goes", () =>
    Effect.gen(function*() {
      const { layout, root } = yield* withTag
      fs.writeFileSync(join(root, "large"), Buffer.alloc(8 << 20))
      const { digest } = yield* json(["blob", "push", `${layout}/app`, join(root, "large")])
      const child = start("blob", "get", `${layout}/app@${String(digest)}`)
      const end = yield* Effect.forkChild(ended(child))
      let told = ""
      child.stderr.on("data", (data) => told += String(data))
      yield* firstLine(child)
      child.stdout.destroy()
      assert.strictEqual(yield* Fiber.join(end), 141)
      assert.strictEqual(told, "")
    }))

  it.live.skipIf(!fs.existsSync("/dev/full"))("says that what it writes to is full", () =>
    Effect.gen(function*() {
      const { layout } = yield* withTag
      const full = fs.openSync("/dev/full", "w")
      const run = (...args: ReadonlyArray<string>) =>
        Effect.sync(() =>
          spawnSync(process.execPath, [mainPath, ...args], { stdio: ["ignore", full, "pipe"], encoding: "utf8" })
        )
      const tags = yield* run("tags", `${layout}/app`)
      assert.deepStrictEqual(
        [tags.status, tags.stderr],
        [7, "error: cannot write \"standard output\": the disk or quota is full; free some space and try again\n"]
      )
      const manifest = yield* run("manifest", "get", `${layout}/app:v1`)
      assert.deepStrictEqual([manifest.status, manifest.stderr], [7, tags.stderr])
      assert.strictEqual((yield* run("completions", "bash")).status, 7)
      fs.closeSync(full)
    }))

  it.live("reads the layout from the environment", () =>
    Effect.gen(function*() {
      const { layout } = yield* withTag
      const out = yield* Effect.callback<string>((resume) => {
        const env = { ...process.env, OCILAYOUT_LAYOUT: layout }
        execFile(process.execPath, [mainPath, "tags", "app"], { env }, (_, stdout) => resume(Effect.succeed(stdout)))
      })
      assert.strictEqual(out, "v1\n")
    }))
})
