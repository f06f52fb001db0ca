/** What is shipped imports what is declared, and nothing else; what is declared is imported. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { join } from "node:path"
import { importsOf } from "../../rolldown.config.ts"
import { filesIn, manifestIn, needsOf } from "./support/packed.ts"
import { unpacked } from "./support/unpacked.ts"

/** The package that a module is asked of; nothing for one of Node's, and for one beside it. */
const packageIn = (id: string): ReadonlyArray<string> =>
  id.startsWith(".") || isBuiltin(id)
    ? []
    : [id.split("/").slice(0, id.startsWith("@") ? 2 : 1).join("/")]

/** Native code is loaded where it is needed, and where it is. */
const requiresOf = (path: string): ReadonlyArray<string> =>
  path.endsWith(".js")
    ? Array.from(readFileSync(path, "utf8").matchAll(/\brequire\(["']([^"']+)["']\)/gu), ([, id = ""]) => id)
    : []

describe("imports of what is shipped", () => {
  it.live("are declared, and what is declared is imported", () =>
    Effect.gen(function*() {
      const folder = yield* unpacked
      const modules = filesIn(folder).filter((path) => /^dist\/.*(?:\.js|\.d\.ts)$/u.test(path))
      const imports = modules.filter((path) => path !== "dist/shared/sdk.js" && !path.startsWith("dist/bin/")).flatMap((
        path
      ) => [...importsOf(join(folder, path)), ...requiresOf(join(folder, path))].flatMap(packageIn))
      assert.deepStrictEqual(
        Array.from(new Set(imports)).toSorted(),
        needsOf(manifestIn(folder)).toSorted()
      )
    }))

  it.live("are Node's alone in the binary and in the bundled SDK, but for the native lock", () =>
    Effect.gen(function*() {
      const folder = yield* unpacked
      const bundled = filesIn(folder).filter((path) => /^dist\/(?:bin\/.*|shared\/sdk)\.js$/u.test(path))
      assert.include(bundled, "dist/bin/ocilayout.js")
      assert.include(bundled, "dist/shared/sdk.js")
      for (const path of bundled) {
        assert.deepStrictEqual(importsOf(join(folder, path)).flatMap(packageIn), [], path)
      }
    }))

  it.live("of effect are of the modules that are used, not of all there are", () =>
    Effect.gen(function*() {
      const folder = yield* unpacked
      const modules = filesIn(folder).filter((path) => /^dist\/.*\.js$/u.test(path) && !path.startsWith("dist/bin/"))
      const all = modules.flatMap((path) => importsOf(join(folder, path)))
      assert.include(all, "effect/Effect")
      assert.deepStrictEqual(all.filter((id) => id === "effect" || id === "effect/encoding"), [])
    }))

  it.live("need no types but those of effect", () =>
    Effect.gen(function*() {
      const folder = yield* unpacked
      const types = filesIn(folder).filter((path) => /^dist\/.*\.d\.ts$/u.test(path))
      assert.isNotEmpty(types)
      const foreign = types.flatMap((path) => importsOf(join(folder, path)).flatMap(packageIn))
      assert.deepStrictEqual(Array.from(new Set(foreign)), ["effect"])
      const ofNode = types.flatMap((path) => importsOf(join(folder, path)).filter((id) => isBuiltin(id)))
      assert.deepStrictEqual(ofNode, [])
    }))
})
