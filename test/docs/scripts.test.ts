/** `npx vitest run -u test/docs` writes what is printed now into the page. */
import { assert, describe, expect, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { exitCodes } from "../../src/cli/exitCodes.ts"
import { hasShell, rerun } from "./transcripts.ts"

const path = fileURLToPath(new URL("../../docs/scripts.md", import.meta.url))
const page = readFileSync(path, "utf8")

describe("the page for scripts", () => {
  it("shows what commands print", async ({ skip }) => {
    skip(!hasShell(), "there is no bash, or no sha256sum")
    await expect(rerun(page)).toMatchFileSnapshot(path)
  })

  it("lists every exit code", () => {
    const listed = Array.from(page.matchAll(/^\| (\d+)/gmu), ([, code]) => Number(code))
    assert.deepStrictEqual(listed.filter((code) => code !== 130), Object.values(exitCodes))
  })
})
