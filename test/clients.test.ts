/** Holds `docs/clients.md` and `server.json` to what they are read by: JSON, TOML, the registry's rules, and our own command line. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, type Scope } from "effect"
import { spawn } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parse as parseToml } from "smol-toml"
import { version } from "../src/cli/version.ts"
import { mainPath, temporaryDirectory } from "./cli/support/server.ts"

const page = readFileSync("docs/clients.md", "utf8")

const blocksOf = (language: string): ReadonlyArray<string> =>
  Array.from(page.matchAll(/^```(\w+)\n(.*?)^```/gmsu))
    .flatMap(([, of, block = ""]) => of === language ? [block] : [])

const documents: ReadonlyArray<unknown> = [
  ...blocksOf("json").map((block): unknown => JSON.parse(block)),
  ...blocksOf("toml").map((block): unknown => parseToml(block))
]

const isStdio = Schema.is(Schema.Struct({ command: Schema.String, args: Schema.Array(Schema.String) }))
const isHttp = Schema.is(Schema.Struct({ url: Schema.String }))

/** Every object in a document, the document included. */
const objectsIn = (value: unknown): ReadonlyArray<unknown> =>
  typeof value === "object" && value !== null ? [value, ...Object.values(value).flatMap(objectsIn)] : []

/** The words of a shell line without anything to expand but quotes. */
const wordsOf = (line: string): ReadonlyArray<string> =>
  Array.from(line.matchAll(/(?:[^\s"]|"[^"]*")+/gu), ([word]) => word.replaceAll("\"", ""))

/** What a command line gives to our command, when it starts it. */
const afterCommand = (words: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const at = words.indexOf("ocilayout")
  return at < 0 ? [] : [words.slice(at + 1)]
}

/** The layouts and folders of a command line, where they can be made; and a port that is free. */
const movedTo = (folder: string, args: ReadonlyArray<string>): ReadonlyArray<string> =>
  args.map((arg) =>
    arg.replace(/^(?:\/path\/to|\$\{workspaceFolder\})(?=\/|$)/u, folder).replace(/^((?:.*:)?)8080$/u, "$10")
  )

/** The layouts and folders that a person has, before a client is told of them. */
const make = (folder: string): void => {
  mkdirSync(join(folder, "files"), { recursive: true })
  mkdirSync(join(folder, "layout", "blobs"), { recursive: true })
  writeFileSync(join(folder, "layout", "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
  writeFileSync(join(folder, "layout", "index.json"), `{"schemaVersion":2,"manifests":[]}`)
}

/** What the server says until its input ends, or until it listens; fails if it refuses its command line. */
const starts = (args: ReadonlyArray<string>): Effect.Effect<string, string, Scope.Scope> =>
  Effect.flatMap(
    Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [mainPath, ...args], {
          stdio: "pipe",
          env: { ...process.env, OCI_TOKEN: "token-of-this-test-0" }
        })
      ),
      (child) => Effect.sync(() => void child.kill("SIGKILL"))
    ),
    (child) =>
      Effect.callback((resume) => {
        let said = ""
        child.stderr.on("data", (chunk) => {
          said += String(chunk)
          if (/http:\/\/\S+\/mcp$/mu.test(said)) resume(Effect.succeed(said))
        })
        child.once("close", (code) => resume(code === 0 ? Effect.succeed(said) : Effect.fail(said)))
        child.stdin.end()
      })
  )

describe("the configuration of clients", () => {
  const commands = [
    ...documents.flatMap(objectsIn).filter(isStdio).map(({ args, command }) => [command, ...args]),
    ...blocksOf("sh").flatMap((block) => block.trim().split("\n")).map(wordsOf)
  ].flatMap(afterCommand)

  it("is of every kind there is", () => {
    assert.lengthOf(documents, 7)
    assert.lengthOf(commands, 7)
  })

  it.live.each(commands.map((args) => [args.join(" "), args] as const))(
    "starts ocilayout %s",
    ([, args]) =>
      Effect.gen(function*() {
        const folder = yield* temporaryDirectory
        make(folder)
        const said = yield* starts(movedTo(folder, args))
        if (args.includes("--http")) assert.include(said, "OCI_TOKEN")
        else assert.strictEqual(said, "")
      })
  )

  it("shows the endpoint and the token wherever it is over HTTP", () => {
    const remote = documents.flatMap(objectsIn).filter(isHttp)
    assert.lengthOf(remote, 3)
    for (const one of remote) {
      assert.strictEqual(one.url, "http://127.0.0.1:8080/mcp")
      assert.match(JSON.stringify(one), /"Authorization":"Bearer \$\{|"bearer_token_env_var":"OCI_TOKEN"/u)
    }
    const line = blocksOf("sh").find((block) => block.includes("--transport http")) ?? ""
    assert.includeMembers(Array.from(wordsOf(line)), ["http://127.0.0.1:8080/mcp", "Authorization: Bearer $OCI_TOKEN"])
  })
})

/** The registry's rules (2025-12-11) for what is used of them. */
const Argument = Schema.Union([
  Schema.Struct({ type: Schema.Literal("positional"), value: Schema.String }),
  Schema.Struct({
    type: Schema.Literal("positional"),
    valueHint: Schema.String,
    description: Schema.String,
    format: Schema.Literal("filepath"),
    isRequired: Schema.Boolean,
    isRepeated: Schema.Boolean
  }),
  Schema.Struct({
    type: Schema.Literal("named"),
    name: Schema.String.check(Schema.isStartingWith("--")),
    description: Schema.String,
    format: Schema.Literal("filepath"),
    isRepeated: Schema.Boolean
  })
])

const Entry = Schema.Struct({
  $schema: Schema.Literal("https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"),
  name: Schema.String.check(Schema.isPattern(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/u), Schema.isMaxLength(200)),
  title: Schema.String.check(Schema.isMaxLength(100)),
  description: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(100)),
  version: Schema.Literal(version),
  packages: Schema.Tuple([Schema.Struct({
    registryType: Schema.Literal("npm"),
    identifier: Schema.String,
    version: Schema.Literal(version),
    runtimeHint: Schema.Literal("npx"),
    transport: Schema.Struct({ type: Schema.Literal("stdio") }),
    packageArguments: Schema.Array(Argument)
  })])
})

describe("server.json", () => {
  it.live("is an entry of the registry for this package, and its arguments start the server", () =>
    Effect.gen(function*() {
      const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Entry), { onExcessProperty: "error" })
      const entry = yield* Effect.orDie(decode(readFileSync("server.json", "utf8")))
      const [{ identifier, packageArguments }] = entry.packages
      const manifest: unknown = JSON.parse(readFileSync("package.json", "utf8"))
      assert.deepInclude(manifest, { name: identifier, mcpName: entry.name })
      const folder = yield* temporaryDirectory
      writeFileSync(join(folder, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
      writeFileSync(join(folder, "index.json"), `{"schemaVersion":2,"manifests":[]}`)
      const args = packageArguments.map((argument) =>
        "value" in argument ? argument.value : argument.type === "named" ? `${argument.name}=${folder}` : folder
      )
      assert.strictEqual(yield* starts(args), "")
    }))
})
