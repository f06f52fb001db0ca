/** The notices beside each bundle name the packages whose code is in it, as its source map tells, with their licences. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { build, type RolldownOptions } from "rolldown"
import { binary, mcp, noticesName } from "../../rolldown.config.ts"
import { manifestIn, root } from "./support/packed.ts"
import { unpacked } from "./support/unpacked.ts"

/** The folders of the packages that a bundle was made of. */
const sourcesOf = (options: RolldownOptions, plugins: RolldownOptions["plugins"]) =>
  Effect.promise(() =>
    build({ ...options, plugins, logLevel: "silent", write: false, output: { ...options.output, sourcemap: true } })
  ).pipe(Effect.map(({ output }) => {
    const files = output.flatMap((chunk) =>
      chunk.type === "chunk"
        ? chunk.map?.sources.map((source) => resolve(binaryFolder, dirname(chunk.fileName), source)) ?? []
        : []
    )
    const folders = files.flatMap((file) => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/u.exec(file)?.[0] ?? [])
    return Array.from(new Set(folders)).toSorted()
  }))

const binaryFolder = join(root, "dist/bin")

/** All that is shared with the library stays outside of the bundle of `ocilayout/mcp`. */
const ofLibrary = {
  name: "library",
  resolveId: (id: string) => /^\.\.\/.*(?:oci|layout|ops)\//u.test(id) ? false : null
}

describe("the notices", () => {
  it.live.each([["bin", binary, []], ["mcp", mcp, [ofLibrary]]] as const)(
    "of dist/%s name what the bundle contains, with its licences",
    ([folder, options, plugins]) =>
      Effect.gen(function*() {
        const text = readFileSync(join(yield* unpacked, "dist", folder, noticesName), "utf8")
        const packages = yield* sourcesOf(options, [...plugins])
        assert.isAbove(packages.length, 5)
        const named = Array.from(text.matchAll(/^-{80}\n\n(\S+ \S+) \(/gmu), ([, name]) => name)
        const expected = packages.map((path) => {
          const { name, version } = manifestIn(path)
          return `${name} ${version}`
        })
        assert.deepStrictEqual(named, expected)
        for (const path of packages) {
          const licenses = readdirSync(path).filter((file) => /^licen[cs]e/iu.test(file))
          assert.isNotEmpty(licenses, path)
          for (const license of licenses) assert.include(text, readFileSync(join(path, license), "utf8").trim())
        }
      })
  )
})
