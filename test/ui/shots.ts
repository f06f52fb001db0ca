/**
 * Pictures of every view over the world of `test/evals`: `npm run ui:shots -- FOLDER`. With `--docs`, the three that stand in
 * the documents are written there.
 */
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { makeDisk } from "../../src/node/index.ts"
import { buildWorld } from "../evals/world/build.ts"
import { temporaryFolder } from "../support/folders.ts"
import { browser, noBrowser, openPage, servedPage } from "./support/browser.ts"
import { views } from "./support/views.ts"

const looks = [
  { look: "light", width: 1280, height: 800 },
  { look: "dark", dark: true, width: 1280, height: 800 },
  { look: "phone", width: 390, height: 844 }
]

/** Which of them stand in the documents, and how they look there. */
const documented: Readonly<Record<string, string>> = { image: "light", space: "light", "tag-history": "dark" }

const docs = fileURLToPath(new URL("../../docs", import.meta.url))

const shoot = Effect.fnUntraced(function*(folder: string, hasDocs: boolean) {
  const world = yield* temporaryFolder
  yield* buildWorld(world)
  const serve = (id: string) =>
    Effect.flatMap(
      makeDisk({ directory: join(world, id), durability: "none" }),
      (registry) => servedPage(registry, {}, { title: id })
    )
  const layouts = { prod: yield* serve("prod"), apps: yield* serve("apps"), vendor: yield* serve("vendor") }
  const from = yield* browser
  for (const { look, ...size } of looks) {
    for (const { hash, layout, name, press, shows } of views) {
      yield* Effect.scoped(Effect.gen(function*() {
        const { go, page } = yield* openPage(from, layouts[layout], size)
        yield* Effect.promise(async () => {
          await go(hash)
          if (press !== undefined) await page.getByRole("button", { name: press }).first().click()
          await page.locator(shows).first().waitFor({ state: "attached" })
          await page.locator(".live.live").waitFor()
          const bytes = await page.screenshot()
          fs.writeFileSync(join(folder, `${name}-${look}.png`), bytes)
          if (hasDocs && documented[name] === look) fs.writeFileSync(join(docs, `ui-${name}.png`), bytes)
        })
      }))
    }
  }
  console.log(`${views.length * looks.length} pictures are in ${folder}`)
})

const [folder, ...flags] = process.argv.slice(2)
if (folder === undefined || folder.startsWith("--")) {
  console.error("Say which folder: npm run ui:shots -- FOLDER [--docs]")
  process.exitCode = 2
} else if (noBrowser !== undefined) {
  console.error(noBrowser)
  process.exitCode = 1
} else {
  fs.mkdirSync(folder, { recursive: true })
  await Effect.runPromise(Effect.scoped(shoot(folder, flags.includes("--docs"))))
}
