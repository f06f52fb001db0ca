/** The notices beside each bundle name the packages whose code is in it, as its source map tells, with their licences. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { build, type RolldownOptions } from "rolldown"
import { binary, library, noticesName, page } from "../../rolldown.config.ts"
import { manifestIn, root } from "./support/packed.ts"
import { unpacked } from "./support/unpacked.ts"

/** The folders of the packages that a bundle was made of. */
const sourcesOf = (folder: string, options: RolldownOptions) =>
  Effect.promise(() =>
    build({ ...options, plugins: [], logLevel: "silent", write: false, output: { ...options.output, sourcemap: true } })
  ).pipe(Effect.map(({ output }) => {
    const files = output.flatMap((chunk) =>
      chunk.type === "chunk"
        ? chunk.map?.sources.map((source) => resolve(root, folder, dirname(chunk.fileName), source)) ?? []
        : []
    )
    const folders = files.flatMap((file) => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/u.exec(file)?.[0] ?? [])
    return Array.from(new Set(folders)).toSorted()
  }))

describe("the notices", () => {
  it.live.each([["dist/bin", binary, 5], ["dist", library, 5], ["dist/ui", page, 1]] as const)(
    "of %s name what the bundle contains, with its licences",
    ([folder, options, least]) =>
      Effect.gen(function*() {
        const text = readFileSync(join(yield* unpacked, folder, noticesName), "utf8")
        const packages = yield* sourcesOf(folder, options)
        assert.isAbove(packages.length, least)
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
