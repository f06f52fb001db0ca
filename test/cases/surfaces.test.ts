import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { basename, join } from "node:path"
import { makeOld, temporaryFolder } from "../support/folders.ts"
import { type Expectation, expectations } from "./expectations.ts"
import { caseAt, casesBelow } from "./given.ts"
import { isRefusal, type Surface } from "./Surface.ts"
import { commandLine } from "./surfaces/commandLine.ts"
import { library } from "./surfaces/library.ts"
import { mcp } from "./surfaces/mcp.ts"

/** Makes each blob the symbolic link that it was. */
const link = (directory: string): void => {
  const blobs = join(directory, "blobs", "sha256")
  for (const name of fs.readdirSync(blobs)) {
    const leads = fs.readFileSync(join(blobs, name), "utf8")
    fs.rmSync(join(blobs, name))
    fs.symlinkSync(leads, join(blobs, name))
  }
}

const check = Effect.fnUntraced(function*(surface: Surface, expected: Expectation) {
  const {
    is,
    linked = false,
    never = [],
    path,
    perRepository = false,
    question,
    refused,
    says = [],
    symlinks = "refuse"
  } = expected
  const directory = join(yield* temporaryFolder, basename(path))
  fs.cpSync(caseAt(path), directory, { recursive: true })
  if (linked) link(directory)
  makeOld(directory)
  const answer = yield* surface.ask(question, { directory, perRepository, symlinks })
  const text = isRefusal(answer) ? answer.message : typeof answer === "string" ? answer : answer.join("\n")
  assert.strictEqual(isRefusal(answer) ? answer.code : undefined, refused, text)
  if (is !== undefined) assert.deepStrictEqual(answer, is)
  for (const part of says) assert.match(text, part)
  for (const part of never) assert.notMatch(text, part)
})

const titled = expectations.map((expected) => {
  const { asks, ...rest } = expected.question
  const details = Object.entries(rest).map(([name, value]) => value === true ? name : String(value))
  return { title: [expected.path, asks, ...details].join(" "), expected }
})

describe.each([library, commandLine, mcp])("$name", (surface) => {
  const here = titled.filter(({ expected: { on } }) => on === undefined || on.includes(surface.name))
  it.live.each(here)("$title", ({ expected }) => Effect.scoped(check(surface, expected)))
})

describe("the table", () => {
  it("has every case", () => {
    const all = [...casesBelow("."), ...casesBelow("passed")].filter((path) => !/^passed\/[^/]*$/u.test(path))
    const missing = all.filter((path) => !expectations.some((expected) => expected.path === path))
    assert.deepStrictEqual(missing, [])
  })
})
