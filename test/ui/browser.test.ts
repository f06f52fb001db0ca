/** The page in a real browser, where there is one. */
import { assert, describe, it } from "@effect/vitest"
import axe from "axe-core"
import { Effect, type Scope } from "effect"
import { makeMemory } from "../../src/memory/index.ts"
import { makeDisk } from "../../src/node/index.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import { buildWorld } from "../evals/world/build.ts"
import { temporaryFolder } from "../support/folders.ts"
import { image, pushImage } from "../support/images.ts"
import { browser, noBrowser, type Opened, openPage, servedPage } from "./support/browser.ts"
import { fillHostile, longLabel } from "./support/hostile.ts"
import { views } from "./support/views.ts"

const inBrowser = (does: string, test: Effect.Effect<void, RegistryError, Scope.Scope>) =>
  it.live(noBrowser === undefined ? does : `${does} (skipped: ${noBrowser})`, ({ skip }) =>
    Effect.suspend(() => {
      skip(noBrowser !== undefined, noBrowser)
      return test
    }))

const world = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  yield* buildWorld(folder)
  const serve = (id: string) =>
    Effect.flatMap(
      Effect.orDie(makeDisk({ directory: `${folder}/${id}`, durability: "none" })),
      (registry) => servedPage(registry, {}, { title: id })
    )
  return { prod: yield* serve("prod"), apps: yield* serve("apps"), vendor: yield* serve("vendor") }
})

/** What axe finds, each with where. The page's own policy keeps its program out, so it comes by the protocol. */
const foundIn = async ({ page }: Opened): Promise<ReadonlyArray<string>> => {
  await page.evaluate(axe.source)
  return page.evaluate(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html, target }) => id + " " + target + " " + html.slice(0, 120))))`)
}

describe("the page", () => {
  inBrowser(
    "shows every view, in light and dark, wide and on a phone, with nothing for axe to find",
    Effect.gen(function*() {
      const layouts = yield* world
      const from = yield* browser
      const wrong: Array<string> = []
      for (const look of [{}, { dark: true }, { width: 390, height: 800 }]) {
        for (const { hash, layout, name, press, shows } of views) {
          yield* Effect.scoped(Effect.gen(function*() {
            const opened = yield* openPage(from, layouts[layout], look)
            yield* Effect.promise(async () => {
              await opened.go(hash)
              if (press !== undefined) await opened.page.getByRole("button", { name: press }).first().click()
              await opened.page.locator(shows).first().waitFor({ state: "attached" })
              const width = await opened.page.evaluate("document.documentElement.scrollWidth - innerWidth")
              const all = [
                ...await foundIn(opened),
                ...(width === 0 ? [] : [`${String(width)} pixels too wide`]),
                // A browser tells of each answer that is no 2xx: of layers that are no tars, and of what is not there.
                ...opened.complaints.filter((text) => !text.includes(name === "nothing" ? "404" : "422")),
                ...opened.elsewhere
              ]
              wrong.push(...all.map((what) => `${name} ${JSON.stringify(look)}: ${what}`))
            })
          }))
        }
      }
      assert.deepStrictEqual(wrong, [])
    })
  )

  inBrowser(
    "shows what is hostile as text",
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* fillHostile(registry)
      const served = yield* servedPage(registry, {}, { title: "<b>title</b>" })
      const from = yield* browser
      const opened = yield* openPage(from, served)
      const { page } = opened
      const at = "repository=hostile&reference=v1"
      yield* Effect.promise(async () => {
        await opened.go(`/image?${at}`)
        await page.locator("text=Largest files").waitFor()
        assert.strictEqual(await page.locator(".brand").innerText(), "<b>title</b>")
        const text = await page.locator("main").innerText()
        assert.include(text, "<img src=x onerror=\"window.owned=1\"><script>window.owned=1</script>")
        assert.include(text, "safeU+202Egnp.exeU+2066U+200B")
        assert.include(text, `${longLabel.toLocaleString("en")} characters in all`)
        await opened.go(`/image?${at}&tab=files`)
        await page.locator("text=page.html").waitFor()
        assert.include(await page.locator("[role=tree]").innerText(), "safeU+202Egnp.exe")
        for (const name of ["page.html", ".svg", "link"]) {
          await page.locator(".leaf", { hasText: name }).first().click()
          await page.locator(".viewer .code, .viewer .notice").first().waitFor()
          await page.locator("[aria-label='close the file']").click()
        }
        await opened.go(`/image?${at}&tab=attached`)
        await page.locator(".document pre").first().waitFor({ state: "attached" })
        await opened.go(`/diff?repository1=hostile&reference1=v1&repository2=hostile&reference2=v2`)
        await page.locator("text=All files are the same").waitFor()
        assert.strictEqual(await page.evaluate("window.owned"), undefined)
        assert.strictEqual(await page.locator("main img, main script, iframe, object, embed").count(), 0)
        const links: ReadonlyArray<string> = await page.evaluate(
          `Array.from(document.links, (one) => one.getAttribute("href"))`
        )
        assert.deepStrictEqual(links.filter((href) => !href.startsWith("#") && href !== "login"), [])
        assert.deepStrictEqual(opened.elsewhere, [])
        assert.deepStrictEqual(opened.complaints.filter((text) => !text.includes("404")), [])
      })
    })
  )

  inBrowser(
    "shows a push as it happens, takes it back after a question, and points a tag where it was",
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", image("one"), ["v1"])
      const served = yield* servedPage(registry)
      const from = yield* browser
      const { go, page } = yield* openPage(from, served)
      yield* Effect.promise(async () => {
        await go("/images?repository=app")
        await page.locator(".live.live").waitFor()
      })
      yield* pushImage(registry, "app", image("two"), ["v1", "v2"])
      yield* Effect.promise(async () => {
        await page.locator("[role=row] >> text=v2").waitFor()
        await page.locator(".toast >> text=has moved").waitFor()
        await go("/history")
        await page.getByRole("button", { name: "Undo revision 2" }).click()
        await page.locator("dialog >> text=A new commit makes these names").waitFor()
        await page.keyboard.press("Escape")
        await page.locator("dialog").waitFor({ state: "detached" })
      })
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, image("two").descriptor.digest)
      yield* Effect.promise(async () => {
        await page.getByRole("button", { name: "Undo revision 2" }).click()
        await page.getByRole("button", { name: "Take it back" }).click()
        await page.locator("text=revision 3").waitFor()
      })
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, image("one").descriptor.digest)
      yield* Effect.promise(async () => {
        await go("/image?repository=app&reference=v1&tab=history")
        await page.getByRole("button", { name: "Point it here again" }).click()
        await page.getByRole("button", { name: "Move it" }).click()
        await page.locator("text=revision 4").waitFor()
      })
      assert.strictEqual((yield* registry.resolveTag("app", "v1")).digest, image("two").descriptor.digest)
    })
  )

  inBrowser(
    "offers nothing that a reader may not do",
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      for (const name of ["one", "two"]) yield* pushImage(registry, "app", image(name), ["v1"])
      const served = yield* servedPage(registry, { offers: { push: false, delete: false, deleteBlobs: false } })
      const from = yield* browser
      const { go, page } = yield* openPage(from, served)
      yield* Effect.promise(async () => {
        await go("/history")
        await page.locator("text=revision 2").waitFor()
        assert.strictEqual(await page.getByRole("button", { name: /Undo/u }).count(), 0)
        await go("/image?repository=app&reference=v1&tab=history")
        await page.locator("text=What it has pointed at").waitFor()
        assert.strictEqual(await page.getByRole("button", { name: /Point it/u }).count(), 0)
        assert.include(await page.locator(".person").innerText(), "read only")
      })
    })
  )

  inBrowser(
    "is used by the keyboard alone",
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      for (const tag of ["v1", "v2", "v3"]) yield* pushImage(registry, "app", image(tag), [tag])
      const served = yield* servedPage(registry)
      const from = yield* browser
      const { go, page } = yield* openPage(from, served)
      yield* Effect.promise(async () => {
        await go("/images?repository=app")
        await page.locator("[role=row] >> text=v3").waitFor()
        await page.keyboard.press("/")
        assert.strictEqual(await page.evaluate("document.activeElement.type"), "search")
        await page.getByRole("grid").focus()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        const active = await page.getByRole("grid").getAttribute("aria-activedescendant")
        assert.include(await page.locator(`#${active}`).innerText(), "v3")
        await page.keyboard.press("Enter")
        await page.locator("h1 >> text=v3").waitFor()
      })
    })
  )
})
