/** Pages that are shipped lead only to what is shipped with them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readFileSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { filesIn, root } from "./support/packed.ts"
import { unpacked } from "./support/unpacked.ts"

const withoutCode = (page: string): string =>
  page.replaceAll(/^```[^\n]*\n.*?^```$/gmsu, "").replaceAll(/`[^`\n]*`/gu, "x")

/** The targets of links in a page that are no addresses. */
const linksIn = (page: string): ReadonlyArray<string> =>
  Array.from(withoutCode(page).matchAll(/\]\(([^)\s]+)\)/gu), ([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/u.test(target))

/** What headings are called in links. */
const anchorsIn = (page: string): ReadonlyArray<string> =>
  Array.from(
    page.replaceAll(/^```[^\n]*\n.*?^```$/gmsu, "").matchAll(/^#+ (.*)$/gmu),
    ([, heading = ""]) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  )

describe("links of shipped pages", () => {
  it.live("lead to what is shipped", () =>
    Effect.gen(function*() {
      const folder = yield* unpacked
      const pages = filesIn(folder).filter((path) => path.endsWith(".md"))
      assert.includeMembers(pages, ["README.md", "SECURITY.md", "docs/support.md"])
      let count = 0
      for (const page of pages) {
        for (const link of linksIn(readFileSync(join(folder, page), "utf8"))) {
          count += 1
          const [path = "", anchor] = link.split("#")
          const target = path === "" ? join(folder, page) : resolve(folder, dirname(page), path)
          assert.isTrue(target.startsWith(folder) && existsSync(target), `${page} leads to ${link}`)
          if (anchor === undefined) continue
          assert.isTrue(statSync(target).isFile(), `${page} leads to ${link}`)
          assert.include(anchorsIn(readFileSync(target, "utf8")), anchor, page)
        }
      }
      assert.isAbove(count, 10)
    }))

  it("of the package are in the domain that its name in the MCP registry claims", () => {
    const about: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
    assert.nestedPropertyVal(about, "mcpName", "dev.ocilayout/ocilayout")
    assert.nestedPropertyVal(about, "homepage", "https://ocilayout.dev")
    assert.nestedPropertyVal(about, "bugs", "https://ocilayout.dev/issues")
    assert.nestedPropertyVal(about, "repository.url", "git+https://ocilayout.dev/ocilayout.git")
  })
})
