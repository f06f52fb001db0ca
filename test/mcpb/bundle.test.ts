import { assert, describe, it } from "@effect/vitest"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { Effect } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { build } from "rolldown"
import { binary, noticesName } from "../../rolldown.config.ts"
import { temporaryDirectory } from "../cli/support/server.ts"
import { bundleOf, manifestOf, packageOf } from "./bundle.ts"
import { unzip, zip } from "./zip.ts"

const root = resolve(".")

/** The server, built as `npm run build` does, but elsewhere. */
const built = (folder: string) =>
  Effect.promise(() => build({ ...binary, logLevel: "silent", output: { ...binary.output, dir: folder } }))

/** What a client makes of the arguments of a manifest, as the format says. */
const filledIn = (args: ReadonlyArray<string>, values: Readonly<Record<string, string | ReadonlyArray<string>>>) =>
  args.flatMap((arg) => {
    const whole = values[/^\$\{([^}]+)\}$/u.exec(arg)?.[1] ?? ""]
    return whole ?? arg.replaceAll(/\$\{([^}]+)\}/gu, (_, name: string) => String(values[name]))
  })

describe("the MCP bundle", () => {
  it("asks for what its arguments need, and for nothing else", () => {
    const { server, user_config } = manifestOf(packageOf(root))
    const used = server.mcp_config.args.join(" ").matchAll(/\$\{user_config\.([^}]+)\}/gu)
    assert.sameMembers(Array.from(used, ([, name]) => name), Object.keys(user_config))
    for (const [name, { required, ...option }] of Object.entries(user_config)) {
      // An option that is left empty would stand in the command line as it is written.
      assert.isTrue(required || "default" in option, name)
    }
  })

  it.live("is unpacked, and its server started as its manifest says", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryDirectory
      const [unpacked, layout, files] = ["unpacked", "layout", "files"].map((name) => join(folder, name))
      const server = join(folder, "bin")
      yield* built(server)
      const archive = zip(bundleOf(root, server))
      assert.include(unzip(archive).map(({ path }) => path), `server/${noticesName}`)
      for (const { content, path } of unzip(archive)) {
        assert.notMatch(path, /\\|^\/|(?:^|\/)\.\.(?:\/|$)/u)
        const file = join(String(unpacked), path)
        mkdirSync(dirname(file), { recursive: true })
        writeFileSync(file, content)
      }
      mkdirSync(String(files))
      writeFileSync(join(String(files), "hello"), "hello")
      const { args: declared } = manifestOf(packageOf(root)).server.mcp_config
      const args = filledIn(declared, {
        __dirname: String(unpacked),
        "user_config.layouts": [String(layout)],
        "user_config.files": String(files),
        "user_config.read_only": "false"
      })
      const client = new Client({ name: "bundle", version: "0" })
      const transport = new StdioClientTransport({ command: process.execPath, args, stderr: "pipe" })
      let told = ""
      transport.stderr?.on("data", (chunk) => told += String(chunk))
      yield* Effect.acquireRelease(
        Effect.promise(() => client.connect(transport)),
        () => Effect.promise(() => client.close())
      )
      assert.strictEqual(client.getServerVersion()?.version, packageOf(root).version)
      const pushed = yield* Effect.promise(() =>
        client.callTool({
          name: "oci_push_blob",
          arguments: { repository: "app", path: join(String(files), "hello") }
        })
      )
      assert.include(JSON.stringify(pushed), "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
      const manifest = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] }
      const tagged = yield* Effect.promise(() =>
        client.callTool({ name: "oci_push_manifest", arguments: { repository: "app", manifest, tags: ["1.0"] } })
      )
      assert.include(JSON.stringify(tagged), "1.0")
      assert.notProperty(tagged, "isError")
      // Without the native lock, which the bundle brings along, it would warn.
      assert.strictEqual(told, "")
    }))

  it("is the same bytes for the same files, and notices damage", () => {
    const files = [{ path: "a/ä", content: Buffer.from("x".repeat(1000)) }, { path: "b", content: Buffer.alloc(0) }]
    const archive = zip(files)
    assert.deepStrictEqual(zip(files), archive)
    assert.deepStrictEqual(unzip(archive), files)
    const damaged = Buffer.from(archive)
    damaged.writeUInt8(damaged.readUInt8(14) ^ 1, 14)
    assert.deepStrictEqual(unzip(damaged), files)
    const listed = damaged.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 16
    damaged.writeUInt8(damaged.readUInt8(listed) ^ 1, listed)
    assert.throws(() => unzip(damaged), "a/ä is damaged")
  })
})
