import { assert, describe, it } from "@effect/vitest"
import type { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { CallToolResultSchema, ElicitRequestSchema, ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { pathToFileURL } from "node:url"
import { connectClient, initialize, spawnServer, temporaryDirectory, toolCall } from "../support/server.ts"

const call = (client: Client, name: string, args: Record<string, unknown> = {}) =>
  Effect.map(Effect.promise(() => client.callTool({ name, arguments: args })), (answer) => {
    const { content, structuredContent = {} } = CallToolResultSchema.parse(answer)
    return { output: structuredContent, text: JSON.stringify(content) }
  })

const put = (path: string, content: string): void => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

/** A layout as a foreign tool leaves it: one image under each of these names. */
const foreignLayout = (directory: string, refNames: ReadonlyArray<string>): string => {
  const blob = (content: string) => {
    const hex = createHash("sha256").update(content).digest("hex")
    put(join(directory, "blobs", "sha256", hex), content)
    return { digest: `sha256:${hex}`, size: content.length }
  }
  const config = {
    mediaType: "application/vnd.oci.image.config.v1+json",
    ...blob(`{"os":"linux","architecture":"arm64"}`)
  }
  const mediaType = "application/vnd.oci.image.manifest.v1+json"
  const manifest = blob(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] }))
  const manifests = refNames.map((name) => ({
    mediaType,
    ...manifest,
    annotations: { "org.opencontainers.image.ref.name": name }
  }))
  put(join(directory, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
  put(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }))
  return manifest.digest
}

describe("ocilayout mcp", () => {
  it.live("writes nothing but protocol to standard output, survives nonsense, and ends with its input", () =>
    Effect.gen(function*() {
      const server = yield* spawnServer(["mcp", "--create", yield* temporaryDirectory])
      yield* server.send("not json", initialize, `{"jsonrpc":"1.0"}`, "", toolCall(2, "oci_list_layouts", {}))
      const answers = yield* server.answers(3)
      assert.include(JSON.stringify(answers.get(1)), `"name":"ocilayout"`)
      assert.include(JSON.stringify(answers.get(2)), `"structuredContent"`)
      server.child.stdin.end()
      assert.strictEqual(yield* server.exit, 0)
      // Every line is an answer, two of them to what is no message and so without an id.
      const lines = server.stdout().trimEnd().split("\n")
      assert.strictEqual(lines.length, 4)
      assert.deepStrictEqual(lines.filter((line) => !line.includes(`"id"`)).map((line) => /-32\d+/u.exec(line)?.[0]), [
        "-32700",
        "-32600"
      ])
      for (const answer of answers.values()) assert.strictEqual(answer["jsonrpc"], "2.0")
      assert.include(server.stderr(), "message not understood")
    }))

  it.live("answers what was asked before its input ended", () =>
    Effect.gen(function*() {
      const server = yield* spawnServer(["mcp", "--create", yield* temporaryDirectory])
      yield* server.send(initialize, toolCall(2, "oci_push_blob", { repository: "app", text: "hello" }))
      server.child.stdin.end()
      assert.strictEqual(yield* server.exit, 0)
      assert.include(server.stdout(), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
    }))

  it.live("ends when it is told to, and when its reader has ended", () =>
    Effect.gen(function*() {
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        const server = yield* spawnServer(["mcp", "--create", yield* temporaryDirectory])
        yield* server.send(initialize)
        yield* server.answers(1)
        server.child.kill(signal)
        assert.strictEqual(yield* server.exit, 0, signal)
      }
      const unread = yield* spawnServer(["mcp", "--create", yield* temporaryDirectory])
      yield* unread.send(initialize)
      yield* unread.answers(1)
      unread.child.stdout.destroy()
      yield* unread.send({ jsonrpc: "2.0", id: 2, method: "ping" }, { jsonrpc: "2.0", id: 3, method: "ping" })
      assert.strictEqual(yield* unread.exit, 0)
    }))

  it.live("changes nothing until it is asked to", () =>
    Effect.gen(function*() {
      const directory = join(yield* temporaryDirectory, "new")
      const client = yield* connectClient(["mcp", "--create", directory])
      yield* call(client, "oci_list_layouts")
      yield* call(client, "oci_list_repositories")
      assert.isFalse(existsSync(directory))
      yield* call(client, "oci_push_blob", { repository: "app", text: "x" })
      assert.isTrue(existsSync(join(directory, "oci-layout")))
    }))

  it.live("puts on record who changed something", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const client = yield* connectClient(["mcp", "--create", directory])
      const manifest = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] }
      yield* call(client, "oci_push_manifest", { repository: "app", manifest, tags: ["empty"] })
      const journal = join(directory, ".ocilayout", "journal", "2")
      const records = readdirSync(journal).map((name) => readFileSync(join(journal, name), "utf8")).join("")
      assert.include(records, `"mcp:test"`)
    }))

  it.live("stops work that is cancelled, or that it cannot finish, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const layout = join(root, "layout")
      put(join(root, "work", "huge"), "")
      truncateSync(join(root, "work", "huge"), 64 * 1024 ** 3)
      const server = yield* spawnServer(["mcp", "--create", layout, "--allowed-dir", join(root, "work")])
      const push = (id: number) =>
        toolCall(id, "oci_push_blob", { repository: "app", path: join(root, "work", "huge") })
      const lasting = new Set(["oci-layout", "index.json", "lock", "holder", "default-repository"])
      const leftovers = () =>
        readdirSync(layout, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile() && !lasting.has(entry.name))
          .map(({ name }) => name)
      const isWriting = Effect.repeat(
        Effect.andThen(Effect.sleep("20 millis"), Effect.sync(() => existsSync(layout) && leftovers().length > 0)),
        { until: (started) => started }
      )
      yield* server.send(initialize, push(2))
      yield* isWriting
      yield* server.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 2 } })
      yield* Effect.repeat(
        Effect.andThen(Effect.sleep("20 millis"), Effect.sync(() => leftovers().length === 0)),
        { until: (clean) => clean }
      )
      yield* server.send(push(3))
      yield* isWriting
      server.child.kill("SIGTERM")
      assert.strictEqual(yield* server.exit, 0)
      assert.deepStrictEqual(leftovers(), [])
      const answers = yield* server.answers(2)
      assert.isFalse(answers.has(2))
      assert.include(JSON.stringify(answers.get(3)), "CANCELLED: the server stopped before oci_push_blob finished")
    }))

  it.live("keeps to the allowed directories, also through links", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      put(join(root, "work", "file"), "hello")
      put(join(root, "secret"), "secret")
      symlinkSync(join(root, "secret"), join(root, "work", "link"))
      symlinkSync(root, join(root, "work", "up"))
      const client = yield* connectClient([
        "mcp",
        "--create",
        join(root, "layout"),
        "--allowed-dir",
        join(root, "work")
      ])
      const push = (path: string) => call(client, "oci_push_blob", { repository: "app", path })
      const pushed = yield* push(join(root, "work", "file"))
      assert.strictEqual(pushed.output["size"], 5)
      const outside = [
        "/etc/hostname",
        join(root, "secret"),
        join(root, "work", "link"),
        join(root, "work", "..", "secret"),
        "work/file"
      ]
      for (const path of [...outside, join(root, "work", "up", "secret")]) {
        assert.include((yield* push(path)).text, "PATH_DENIED", path)
      }
      const ref = `app@${String(pushed.output["digest"])}`
      assert.include((yield* call(client, "oci_export_blob", { ref, path: join(root, "out") })).text, "PATH_DENIED")
      assert.include(
        (yield* call(client, "oci_export_blob", { ref, path: join(root, "work", "file") })).text,
        "FILE_EXISTS"
      )
      const path = join(root, "work", "copy")
      assert.strictEqual((yield* call(client, "oci_export_blob", { ref, path })).output["size"], 5)
      assert.strictEqual(
        (yield* call(client, "oci_resolve", { ref })).output["path"],
        join(root, "layout", "blobs", "sha256", String(pushed.output["digest"]).slice(7))
      )
    }))

  it.live("serves bare tags under the directory's name, and other names as they are", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const digest = foreignLayout(join(root, "web"), ["1.0", "localhost:5000/App:2"])
      const client = yield* connectClient(["mcp", "--create", join(root, "web"), "--read-only"])
      assert.deepStrictEqual((yield* call(client, "oci_resolve", { ref: "web:1.0" })).output["digest"], digest)
      const listed = yield* call(client, "oci_list_repositories")
      assert.deepStrictEqual(listed.output["repositories"], ["web"])
      assert.include(JSON.stringify(listed.output["unnamed"]), `"name":"localhost:5000/App:2"`)
      const image = yield* call(client, "oci_inspect_image", { ref: "localhost:5000/App:2" })
      assert.deepStrictEqual([image.output["name"], image.output["digest"], image.output["platform"]], [
        "localhost:5000/App:2",
        digest,
        "linux/arm64"
      ])
      assert.isFalse(existsSync(join(root, "web", ".ocilayout")))
      const writing = yield* connectClient(["mcp", join(root, "web")])
      const raw = "localhost:5000/App:2"
      assert.deepInclude((yield* call(writing, "oci_tag", { ref: raw, tags: ["2.0"] })).output, {
        repository: "web",
        digest,
        created: ["2.0"]
      })
      assert.deepInclude((yield* call(writing, "oci_delete", { kind: "tag", ref: raw })).output, {
        name: raw,
        digest,
        deleted: true
      })
      assert.include((yield* call(writing, "oci_resolve", { ref: raw })).text, "REFERENCE_INVALID")
      assert.strictEqual((yield* call(writing, "oci_resolve", { ref: "web:2.0" })).output["digest"], digest)
      const named = yield* connectClient(["mcp", "--create", join(root, "web"), "--default-repository", "team/site"])
      assert.deepStrictEqual((yield* call(named, "oci_list_repositories")).output["repositories"], ["team/site"])
    }))

  it.live("serves several layouts, also one that cannot be opened", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      foreignLayout(join(root, "good"), ["1.0"])
      foreignLayout(join(root, "bad"), ["1.0"])
      writeFileSync(join(root, "bad", "index.json"), "")
      const client = yield* connectClient(["mcp", "--create", join(root, "good"), `broken=${join(root, "bad")}`])
      const { text } = yield* call(client, "oci_list_layouts")
      assert.match(text, /"id\\":\\"good\\".*"tags\\":1/u)
      assert.match(text, /"id\\":\\"broken\\".*"problem\\":\\"INDEX_INVALID: /u)
      assert.include((yield* call(client, "oci_list_repositories", { layout: "broken" })).text, "INDEX_INVALID")
    }))

  it.live("serves a tree of layouts, one per repository", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const digest = foreignLayout(join(root, "team", "web"), ["1.0"])
      const client = yield* connectClient(["mcp", "--create", root, "--per-repository"])
      assert.deepStrictEqual((yield* call(client, "oci_list_repositories")).output["repositories"], ["team/web"])
      assert.strictEqual((yield* call(client, "oci_resolve", { ref: "team/web:1.0" })).output["digest"], digest)
    }))

  it.live("lists what the flags allow", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const names = (...flags: ReadonlyArray<string>) =>
        Effect.gen(function*() {
          const client = yield* connectClient(["mcp", "--create", root, ...flags])
          const { tools } = yield* Effect.promise(() => client.listTools())
          const deleting = tools.find(({ name }) => name === "oci_delete")
          return [tools.length, deleting?.title]
        })
      assert.deepStrictEqual(yield* names("--read-only", "--allow-delete"), [17, undefined])
      assert.deepStrictEqual(yield* names("--read-only", "--allowed-dir", root), [17, undefined])
      assert.deepStrictEqual(yield* names(), [34, "Delete a tag or manifest"])
      assert.deepStrictEqual(yield* names("--allow-delete", "--allowed-dir", root), [
        37,
        "Delete a tag, manifest or blob"
      ])
      assert.deepStrictEqual(yield* names("--toolsets", "read, delete", "--tools", "oci_tag"), [
        12,
        "Delete a tag or manifest"
      ])
      assert.deepStrictEqual(
        yield* names("--toolsets", "delete", "--toolsets", "uploads", "--exclude-tools", "oci_delete"),
        [
          5,
          undefined
        ]
      )
    }))

  it.live("tells of what a foreign tool does to a resource, and ends with its input all the same", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      foreignLayout(directory, ["app:1"])
      const uri = "oci-layout://layout/app/tags"
      const server = yield* spawnServer(["mcp", "--create", `layout=${directory}`])
      yield* server.send(initialize, { jsonrpc: "2.0", id: 2, method: "resources/subscribe", params: { uri } })
      yield* server.answers(2)
      foreignLayout(directory, ["app:1", "app:2"])
      // Notifications have no id.
      const told = (yield* server.answers(3)).get(undefined)
      assert.deepInclude(told, { method: "notifications/resources/updated", params: { uri } })
      yield* server.send({ jsonrpc: "2.0", id: 3, method: "resources/read", params: { uri } })
      const answers = yield* server.answers(4)
      assert.match(JSON.stringify(answers.get(3)), /\\"1\\":\\"sha256:\w{64}\\",\\"2\\":/u)
      server.child.stdin.end()
      assert.strictEqual(yield* server.exit, 0)
    }))

  it.live("asks before what cannot be undone, and keeps to the client's roots", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      put(join(root, "files", "project", "x"), "x")
      put(join(root, "files", "other"), "other")
      const questions: Array<string> = []
      const client = yield* connectClient(
        ["mcp", "--create", join(root, "layout"), "--allow-delete", "--confirm", "--allowed-dir", join(root, "files")],
        { elicitation: {}, roots: {} },
        (client) => {
          client.setRequestHandler(ListRootsRequestSchema, () => ({
            roots: [{ uri: pathToFileURL(join(root, "files", "project")).href }]
          }))
          client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
            questions.push(params.message)
            return { action: "accept", content: { confirm: questions.length > 1 } }
          })
        }
      )
      const push = (path: string) => call(client, "oci_push_blob", { repository: "app", path })
      assert.include((yield* push(join(root, "files", "other"))).text, "PATH_DENIED")
      const { digest } = (yield* push(join(root, "files", "project", "x"))).output
      assert.isString(digest)
      const remove = call(client, "oci_delete", { kind: "blob", ref: `app@${String(digest)}` })
      assert.include((yield* remove).text, "DENIED: the person who was asked declined")
      assert.isTrue((yield* remove).output["deleted"])
      assert.lengthOf(questions, 2)
    }))
})
