/** A user installs the package with `effect` alone, writes a program against it, and runs that and the binary. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { temporaryFolder } from "../support/folders.ts"
import { localRegistry } from "./support/localRegistry.ts"
import { manifestIn, outsideOfNpm, root } from "./support/packed.ts"

interface Ended {
  readonly code: number | null
  readonly output: string
}

/** Not waited for by blocking: the registry answers from this process. */
const run = (command: string, args: ReadonlyArray<string>, cwd: string, env?: NodeJS.ProcessEnv) =>
  Effect.callback<Ended>((resume) => {
    const child = spawn(command, args, {
      cwd,
      env: outsideOfNpm(env),
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32"
    })
    let output = ""
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output += String(chunk))
    child.once("close", (code) => resume(Effect.succeed({ code, output })))
  })

const runs = Effect.fnUntraced(function*(...given: Parameters<typeof run>) {
  const { code, output } = yield* run(...given)
  assert.strictEqual(code, 0, output)
  return output
})

const node = process.execPath
const tsc = join(root, "node_modules/typescript/bin/tsc")

/** The ways to resolve modules that programs use; without types of Node, and held to every declaration there is. */
const modules = { node16: "node16", bundler: "preserve" } as const

const configOf = (moduleResolution: keyof typeof modules) => ({
  compilerOptions: {
    target: "es2022",
    module: modules[moduleResolution],
    moduleResolution,
    types: [],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    outDir: moduleResolution
  },
  include: ["*.ts"]
})

/** The packages in a project, each by its path below `node_modules`. */
const installedIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(join(folder, "node_modules"), { recursive: true, withFileTypes: true })
    .filter(({ name, parentPath }) =>
      name === "package.json" && /node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/@]+$/u.test(parentPath)
    )
    .map(({ parentPath }) => manifestIn(parentPath).name)
    .toSorted()

const readme = readFileSync(join(root, "README.md"), "utf8")

/** The programs of the pages, with which a user of the package begins. */
const examples = ["README.md", "docs/library.md", "docs/history.md"].flatMap((page) =>
  Array.from(
    readFileSync(join(root, page), "utf8").matchAll(/^```ts\n(.*?)^```$/gmsu),
    ([, example = ""]) => example
  )
)

/** What the README tells to install, of the archive that `npm pack` has made. */
const commands = Array.from(
  readme.matchAll(/^npm (install (?:[^#\n]*?)) *(?:#.*)?$/gmu),
  ([, words = ""]) => words.split(" ")
)
const isGlobal = (words: ReadonlyArray<string>): boolean => words.includes("--global")

const project = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const { archive, url } = yield* localRegistry(folder)
  const npm = {
    npm_config_registry: url,
    npm_config_cache: join(folder, "cache"),
    npm_config_prefix: join(folder, "global"),
    npm_config_userconfig: join(folder, "npmrc"),
    npm_config_noproxy: "127.0.0.1",
    NO_PROXY: "127.0.0.1",
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false"
  }
  const app = join(folder, "app")
  mkdirSync(app)
  copyFileSync(archive, join(app, basename(archive)))
  writeFileSync(join(app, "package.json"), JSON.stringify({ name: "app", private: true, type: "module" }))
  return { app, folder, npm }
})

describe("the package", () => {
  it.live("is installed with effect alone, compiles, and runs", () =>
    Effect.gen(function*() {
      const { app, npm } = yield* project
      const [library, ...others] = commands.filter((words) => !isGlobal(words))
      assert.deepStrictEqual(others, [])
      yield* runs("npm", library ?? [], app, npm)
      yield* runs("npm", ["ls", "--all"], app, npm)
      const installed = installedIn(app)
      assert.includeMembers(Array.from(installed), ["ocilayout", "effect", "@noble/hashes", "fs-native-extensions"])
      assert.deepStrictEqual(Array.from(new Set(installed)), installed, "no package is there twice")
      assert.isAtMost(installed.length, 12)
      const burdens = installed.filter((name) =>
        /^@modelcontextprotocol\/|^@effect\/|^zod$|^express$|^redis$/u.test(name)
      )
      assert.deepStrictEqual(burdens, [])

      copyFileSync(join(import.meta.dirname, "consumer/program.ts"), join(app, "program.ts"))
      assert.isNotEmpty(examples)
      for (const [index, example] of examples.entries()) writeFileSync(join(app, `example${index + 1}.ts`), example)
      for (const resolution of ["node16", "bundler"] as const) {
        writeFileSync(join(app, "tsconfig.json"), JSON.stringify(configOf(resolution)))
        yield* runs(node, [tsc, "--project", app], app)
        const printed = yield* runs(node, [join(resolution, "program.js")], app)
        assert.deepStrictEqual(printed.trim().split("\n"), [
          "true",
          "1",
          "MANIFEST_UNKNOWN Success",
          "true true",
          `{"result":{},"jsonrpc":"2.0","id":1}`
        ])
      }

      const { version } = manifestIn(root)
      const binary = join(app, "node_modules/.bin/ocilayout")
      assert.strictEqual(yield* runs(binary, ["--version"], app), `${version}\n`)
      assert.include(yield* runs(binary, ["tags", "layout/app"], app), "v1")
    }))

  it.live("is a command by itself, as the README installs it", () =>
    Effect.gen(function*() {
      const { app, folder, npm } = yield* project
      const [global, ...others] = commands.filter(isGlobal)
      assert.deepStrictEqual(others, [])
      yield* runs("npm", global ?? [], app, npm)
      const command = join(folder, "global", process.platform === "win32" ? "ocilayout.cmd" : "bin/ocilayout")
      yield* runs(command, ["init", "layout"], app)
      assert.strictEqual(yield* runs(command, ["mcp", "layout"], app), "")
    }))
})
