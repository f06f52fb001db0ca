import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { wordsOf } from "../../src/cli/complete.ts"
import { ocl, temporaryDirectory } from "./support/command.ts"
import { mainPath } from "./support/server.ts"

const offered = (line: string) =>
  Effect.map(ocl(["complete", line]), ({ code, out }) => {
    assert.strictEqual(code, 0)
    return out.split("\n").filter((one) => one !== "")
  })

const withLayout = Effect.gen(function*() {
  const root = yield* temporaryDirectory
  const layout = join(root, "images")
  fs.writeFileSync(join(root, "manifest.json"), `{"schemaVersion":2,"manifests":[]}`)
  yield* ocl(["init", layout])
  for (const name of ["example/app:v1", "example/app:v2", "example/web:latest"]) {
    const type = ["--media-type", "application/vnd.oci.image.index.v1+json"]
    yield* ocl(["manifest", "push", `${layout}/${name}`, join(root, "manifest.json"), ...type])
  }
  return { root, layout }
})

describe("completion", () => {
  it("divides a line as shells do", () => {
    assert.deepStrictEqual(wordsOf(`a  'b c' "d\\"e" f\\ g `), ["a", "b c", `d"e`, "f g", ""])
    assert.deepStrictEqual(wordsOf("tags ./im"), ["tags", "./im"])
  })

  it.live("offers the digests of a repository", () =>
    Effect.gen(function*() {
      const { layout } = yield* withLayout
      const [first = "", ...others] = yield* offered(`ocilayout resolve ${layout}/example/app@`)
      assert.match(first, /\/example\/app@sha256:[0-9a-f]{64}$/u)
      assert.deepStrictEqual(others, [])
      const name = first.slice(layout.length + 1)
      assert.deepStrictEqual(yield* offered(`ocilayout resolve --layout ${layout} ${name.slice(0, -30)}`), [name])
      assert.deepStrictEqual(yield* offered(`ocilayout resolve --layout ${layout} example/app@sha512:`), [])
    }))

  it.live("offers commands, flags and their values", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* offered("ocilayout re"), [
        "repositories",
        "resolve",
        "referrers",
        "revert",
        "restore",
        "repair"
      ])
      assert.deepStrictEqual(yield* offered("ocilayout manifest "), ["get", "push", "delete"])
      assert.include(yield* offered("ocilayout verify --le"), "--level=")
      assert.deepStrictEqual(yield* offered("ocilayout verify --level "), ["links", "content"])
      assert.deepStrictEqual(yield* offered("ocilayout completions z"), ["zsh"])
      assert.deepStrictEqual(yield* offered("ocilayout nothing such"), [])
    }))

  it.live("offers layouts, repositories and tags", () =>
    Effect.gen(function*() {
      const { layout, root } = yield* withLayout
      assert.deepStrictEqual(yield* offered(`ocilayout tags ${root}/im`), [`${layout}/`])
      assert.deepStrictEqual(yield* offered(`ocilayout tags ${layout}/`), [
        `${layout}/example/app`,
        `${layout}/example/web`
      ])
      assert.deepStrictEqual(yield* offered(`ocilayout resolve ${layout}/example/a`), [`${layout}/example/app:`])
      assert.deepStrictEqual(yield* offered(`ocilayout resolve ${layout}/example/app:`), [
        `${layout}/example/app:v1`,
        `${layout}/example/app:v2`
      ])
      assert.deepStrictEqual(yield* offered(`ocilayout resolve --layout ${layout} example/web:`), [
        "example/web:latest"
      ])
      // A broken layout offers nothing, and says nothing.
      fs.writeFileSync(join(layout, "index.json"), "{")
      assert.deepStrictEqual(yield* offered(`ocilayout tags ${layout}/`), [])
    }))

  it.live("has scripts that the shells take", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      for (const shell of ["bash", "zsh", "fish"]) {
        const { out } = yield* ocl(["completions", shell])
        assert.include(out, "ocilayout complete")
        fs.writeFileSync(join(root, shell), out)
        // Where the shell is, it says whether it can read that.
        const { error, status, stderr } = spawnSync(shell, ["-n", join(root, shell)], { encoding: "utf8" })
        if (error === undefined) assert.strictEqual(status, 0, `${shell}: ${stderr}`)
      }
    }))

  it.live("gives bash what comes after the last colon", () =>
    Effect.gen(function*() {
      const { layout, root } = yield* withLayout
      fs.mkdirSync(join(root, "bin"))
      fs.writeFileSync(join(root, "bin", "ocilayout"), `#!/bin/sh\nexec '${process.execPath}' '${mainPath}' "$@"\n`, {
        mode: 0o755
      })
      const { out } = yield* ocl(["completions", "bash"])
      const script = `${out}
COMP_LINE='ocilayout resolve ${layout}/example/app:v'; COMP_POINT=\${#COMP_LINE}
compopt() { :; }
_ocilayout
printf '%s\\n' "\${COMPREPLY[@]}"`
      if (spawnSync("bash", ["--version"]).error !== undefined) return
      const env = { ...process.env, PATH: `${join(root, "bin")}:${process.env["PATH"] ?? ""}` }
      assert.strictEqual(execFileSync("bash", ["--norc", "-c", script], { env, encoding: "utf8" }), "v1\nv2\n")
    }))
})
