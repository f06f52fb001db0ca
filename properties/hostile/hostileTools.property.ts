/** A tool answers any arguments at all with a result that a model can act on, inside its directories and its limits. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { makeToolCatalog } from "../../src/mcp/catalog/toolCatalog.ts"
import { callTool } from "../../src/mcp/requests/callTool.ts"
import type { JsonArguments } from "../../src/mcp/tool/Tool.ts"
import { localFiles, makeDisk } from "../../src/node/index.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { pushImage } from "../../test/mcp/support/images.ts"
import { figures } from "../support/figures.ts"
import { treeOf } from "../support/harm.ts"
import { mutatedText } from "../support/mutate.ts"
import { type Random, randomOf } from "../support/random.ts"
import { nameSeeds } from "../support/seeds.ts"
import { isWhole, runs, seed } from "../support/share.ts"

const folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "ocilayout-tools-")))
const [layout, allowed, forbidden] = ["layout", "allowed", "allowed not"].map((name) => join(folder, name)) as [
  string,
  string,
  string
]
const scope = Effect.runSync(Scope.make())
let registry: LayoutRegistry
let digests: ReadonlyArray<string> = []
let image = ""
/** Sessions that calls have started. */
let uploads: ReadonlyArray<string> = []

beforeAll(async () => {
  fs.mkdirSync(allowed)
  fs.mkdirSync(join(forbidden, "below"), { recursive: true })
  fs.writeFileSync(join(forbidden, "secret"), "secret")
  fs.writeFileSync(join(allowed, "file"), "content of a file")
  fs.symlinkSync(join(forbidden, "secret"), join(allowed, "link"))
  fs.symlinkSync(forbidden, join(allowed, "out"))
  const open = makeDisk({ directory: layout, durability: "none" })
  registry = await Effect.runPromise(Effect.provideService(open, Scope.Scope, scope))
  await furnish()
})

/** Calls delete as well, so that there is something to be found only if it comes back. */
const furnish = async (): Promise<void> => {
  const pushed = await Effect.runPromise(pushImage(registry, { tags: ["v1", "v2"] }))
  image = Buffer.from(pushed.bytes).toString("utf8")
  digests = [pushed.digest, pushed.config.digest, pushed.layers[0]?.digest ?? ""]
  const open = await Effect.runPromise(Effect.orDie(registry.uploads("app")))
  uploads = open.map(({ id }) => id)
}

afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  fs.rmSync(folder, { recursive: true })
})

const paths = [
  join(allowed, "file"),
  join(allowed, "new"),
  join(allowed, "link"),
  join(allowed, "out", "secret"),
  join(allowed, "out", "new"),
  join(allowed, "..", basename(forbidden), "secret"),
  join(forbidden, "secret"),
  join(forbidden, "new"),
  "/etc/passwd",
  "relative",
  "",
  `${allowed}/\0`,
  `${allowed}/`,
  `${allowed}/${"a".repeat(5000)}`
]

/** What a client who knows what it does gives for an argument. */
const goodFor = (random: Random, name: string): string => {
  const digest = random.pick(digests)
  if (name === "path") return random.pick(paths)
  if (name === "upload_id") return random.pick([...uploads, "0123456789abcdef".repeat(2)])
  if (name.includes("digest")) return digest
  if (name.includes("repository")) return random.pick(["app", "app", "other", "app/web"])
  if (name === "ref") return random.pick(["app:v1", "app:v2", `app@${digest}`, `app@${digest.slice(0, 20)}`])
  if (name === "tags") return random.pick(["v1", "v2", "v3"])
  if (name === "base64") return random.pick(["e30=", "e30", "", "!!!!"])
  if (name.includes("type")) return "application/vnd.oci.image.manifest.v1+json"
  return random.pick(["{}", "a", "linux/amd64", "v1", image])
}

const textFor = (random: Random, name: string): string => {
  const good = goodFor(random, name)
  return random.once(5) ? mutatedText(random, random.once(3) ? nameSeeds : [good]) : good
}

const numbers = [0, 1, 1, 5, 17, 100, 12, 2, -1, -0, 0.5, 2 ** 31, 2 ** 53, 1e300, Number.MAX_SAFE_INTEGER]

const nested = (depth: number): unknown => {
  let value: unknown = []
  for (let at = 0; at < depth; at++) value = [value]
  return value
}

const stranger = (random: Random): unknown =>
  random.pick<unknown>([
    null,
    true,
    {},
    [],
    [null],
    "",
    "\ud800",
    random.pick(numbers),
    JSON.parse("{\"__proto__\":{\"a\":1},\"constructor\":2}"),
    "a".repeat(100_000),
    nested(5000)
  ])

interface Described {
  readonly type?: string
  readonly enum?: ReadonlyArray<unknown>
  readonly items?: Described
}

const valueFor = (random: Random, name: string, described: Described): unknown => {
  if (random.once(30)) return stranger(random)
  if (described.enum !== undefined) return random.pick(described.enum)
  switch (described.type) {
    case "integer":
    case "number":
      return random.pick(numbers)
    case "boolean":
      return random.once(2)
    case "array":
      return Array.from({ length: random.below(3) }, () => valueFor(random, name, described.items ?? {}))
    default:
      return textFor(random, name)
  }
}

interface Schema {
  readonly properties?: Readonly<Record<string, unknown>>
  readonly required?: ReadonlyArray<string>
}

const argumentsFor = (random: Random, { properties = {}, required = [] }: Schema): JsonArguments => {
  const names = Object.keys(properties).filter((name) => !random.once(required.includes(name) ? 30 : 1.4))
  const fields = names.map((name) => [name, valueFor(random, name, properties[name] as Described)] as const)
  const strange = random.pick(["__proto__", "constructor", "\u202e", "layout", ""])
  // JSON.parse gives objects with a field of that name; assignment would not.
  return Object.fromEntries(random.once(12) ? [...fields, [strange, stranger(random)]] : fields)
}

/** The largest result there may be: its text, and as much again for the structured form. */
const longest = 60_000

describe("a tool", () => {
  it("answers all arguments, touches nothing it may not, and breaks nothing", async () => {
    const catalogue = makeToolCatalog({
      layouts: [{ id: "main", path: layout, registry, perRepository: false }],
      mode: "delete",
      files: localFiles([allowed])
    })
    const tools = Array.from(catalogue.tools)
    const before = treeOf(forbidden)
    const codes = new Map<string, number>()
    const answered = new Set<string>()
    const inputs = 40 * runs
    for (let at = 0; at < inputs; at++) {
      const random = randomOf(seed + at)
      if (at % 200 === 0) await furnish()
      const [name, { definition }] = random.pick(tools)
      const args = argumentsFor(random, definition.inputSchema)
      const result = await Effect.runPromise(callTool(catalogue, { name, args, client: "hostile\u202e" }))
      const place = `PROPERTY_SEED=${seed}, input ${at}: ${name} ${shown(args)}`
      const text = result.content.map((part) => part.text).join()
      assert.isBelow(JSON.stringify(result).length, longest, place)
      assert.isFalse(text.includes("secret") && !shown(args).includes("secret"), place)
      const code = result.isError === true ? /^[A-Z_]+(?=: )/u.exec(text)?.[0] ?? "NONE" : "ok"
      assert.notInclude(["INTERNAL", "NONE"], code, `${place}: ${text}`)
      if (code === "ok") answered.add(name)
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
    assert.deepStrictEqual(treeOf(forbidden), before)
    assert.deepStrictEqual(fs.readFileSync(join(allowed, "file"), "utf8"), "content of a file")
    figures("arguments of tools", { inputs, ...Object.fromEntries(codes) })
    if (!isWhole) return
    assert.includeMembers(Array.from(codes.keys()), [
      "ok",
      "INVALID_ARGUMENT",
      "PATH_DENIED",
      "REFERENCE_INVALID",
      "NAME_UNKNOWN",
      "BLOB_UPLOAD_UNKNOWN",
      "MANIFEST_INVALID"
    ])
    assert.isAtLeast(answered.size, 12, "tools that did what they were asked")
  })
})

/** What is too deep for `JSON.stringify` is told as such. */
const shown = (args: JsonArguments): string => {
  try {
    return JSON.stringify(args).slice(0, 1000)
  } catch (cause) {
    return String(cause)
  }
}
