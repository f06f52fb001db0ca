/** The page as the command serves it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, type Scope } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { gunzipSync } from "node:zlib"
import { uiAssets } from "../../../src/cli/serve/uiAssets.ts"
import { copyOfFixture, temporaryFolder } from "../../support/folders.ts"
import { ocl } from "../support/command.ts"
import { mainPath } from "../support/server.ts"
import { answered, serving } from "./support/serving.ts"

/** What the build has made may be missing where only sources are. */
const notBuilt = Result.isFailure(uiAssets()) ? "the page was not built: npm run build" : undefined

const built = (does: string, test: Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(notBuilt === undefined ? does : `${does} (skipped: ${notBuilt})`, ({ skip }) =>
    Effect.suspend(() => {
      skip(notBuilt !== undefined, notBuilt)
      return test
    }))

/** `ocilayout ui` once it says where. */
const showing = (args: ReadonlyArray<string>): Effect.Effect<string, string, Scope.Scope> =>
  Effect.flatMap(
    Effect.acquireRelease(
      Effect.sync(() => spawn(process.execPath, [mainPath, "ui", ...args], { stdio: "pipe" })),
      (child) => Effect.sync(() => void child.kill("SIGKILL"))
    ),
    (child) =>
      Effect.callback((resume) => {
        let said = ""
        child.stderr.on("data", (chunk) => {
          said += String(chunk)
          const url = /In a browser: (\S+)\n/u.exec(said)?.[1]
          if (url !== undefined) resume(Effect.succeed(url))
        })
        child.once("close", () => resume(Effect.fail(said)))
      })
  )

const move = (url: string) =>
  answered(`${url}api/tag`, {
    method: "DELETE",
    headers: { "content-type": "application/json", "x-ocilayout-page": "1" },
    body: JSON.stringify({ repository: "app", tag: "none", ifDigest: `sha256:${"0".repeat(64)}` })
  })

describe("the page of the command", () => {
  it.live("is what the build has made, packed once", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      assert.isTrue(Result.isFailure(uiAssets([folder])))
      fs.writeFileSync(join(folder, "index.html"), "<!doctype html>")
      fs.writeFileSync(join(folder, "page.js.map"), "{}")
      const assets = Result.getOrThrow(uiAssets([join(folder, "none"), folder]))
      assert.deepStrictEqual(Array.from(assets.keys()), ["index.html"])
      const asset = assets.get("index.html")
      assert.strictEqual(asset?.contentType, "text/html; charset=utf-8")
      assert.strictEqual(gunzipSync(asset?.gzip ?? "").toString(), "<!doctype html>")
    }))

  built(
    "is there with serve --ui alone",
    Effect.gen(function*() {
      const layout = yield* copyOfFixture("skopeo-copy-all")
      const server = yield* serving([layout, "--listen", "0", "--ui"])
      assert.include(server.stderr(), `In a browser: ${server.url}/ui/\n`)
      assert.strictEqual((yield* answered(`${server.url}/ui/`)).status, 200)
      const without = yield* serving([layout, "--listen", "0"])
      assert.strictEqual((yield* answered(`${without.url}/ui/`)).status, 404)
    })
  )

  built(
    "changes nothing without --write, and is called as its folder",
    Effect.gen(function*() {
      const layout = yield* copyOfFixture("skopeo-copy-all")
      const url = yield* showing([layout, "--no-open"])
      assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/ui\/$/u)
      const session = yield* Effect.promise(async () => (await fetch(`${url}api/session`)).text())
      assert.include(session, `"title":"layout"`)
      assert.include(session, `"rights":{"push":false,"delete":false,"collect":false,"repair":false}`)
      assert.strictEqual((yield* move(url)).status, 403)
      const writing = yield* showing([layout, "--no-open", "--write"])
      assert.strictEqual((yield* move(writing)).status, 404)
    })
  )

  it.live("is of a layout that is there", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const { code, err } = yield* ocl(["ui", join(folder, "none"), "--no-open"])
      assert.notStrictEqual(code, 0)
      assert.include(err, "none")
    }))
})
