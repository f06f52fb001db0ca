import { assert, describe, it } from "@effect/vitest"
import type { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { ErrorCode, ListRootsRequestSchema, McpError } from "@modelcontextprotocol/sdk/types.js"
import { Effect } from "effect"
import { bytesOf, digestOf } from "./support/images.ts"
import { type Session, session, type SessionOptions } from "./support/session.ts"

/** A client whose roots are what `roots` is at the time, and that counts how often it was asked. */
const rooted = Effect.fnUntraced(function*(options: SessionOptions = {}) {
  const state = { roots: ["/files/a"], asked: 0 }
  const opened = yield* session({
    capabilities: { roots: { listChanged: true } },
    prepare: (client) =>
      client.setRequestHandler(ListRootsRequestSchema, () => {
        state.asked++
        return { roots: state.roots.map((path) => ({ uri: `file://${path}` })) }
      }),
    ...options
  })
  for (const path of ["/files/a/x", "/files/b/x"]) opened.files.contents.set(path, bytesOf(path))
  return { ...opened, state }
})

const push = ({ call }: Session, path: string) => call("oci_push_blob", { repository: "app", path })
const refused = ({ fails }: Session, path: string) => fails("oci_push_blob", { repository: "app", path })
const changed = (client: Client) => Effect.promise(() => client.sendRootsListChanged())

describe("the roots of a client", () => {
  it.live("narrow what files are read, written and told of, and never widen it", () =>
    Effect.gen(function*() {
      const s = yield* rooted()
      s.state.roots = ["/files/a", "/elsewhere"]
      s.files.contents.set("/elsewhere/x", bytesOf("x"))
      const ref = `app@${digestOf(bytesOf("/files/a/x"))}`
      yield* push(s, "/files/a/x")
      assert.match(yield* refused(s, "/files/b/x"), /^PATH_DENIED: .*allowed: "\/files\/a"/u)
      assert.match(yield* refused(s, "/elsewhere/x"), /^PATH_DENIED/u)
      assert.match(
        yield* s.fails("oci_push_manifest", { repository: "app", path: "/files/b/x" }),
        /^PATH_DENIED/u
      )
      assert.match(yield* s.fails("oci_export_blob", { ref, path: "/files/b/new" }), /^PATH_DENIED/u)
      yield* s.call("oci_export_blob", { ref, path: "/files/a/new" })
      assert.deepStrictEqual((yield* s.call("oci_list_layouts"))["allowed_directories"], ["/files/a"])
      const { upload_id } = yield* s.call("oci_upload_start", { repository: "app" })
      const append = { upload_id, offset: 0, path: "/files/b/x" }
      assert.match(yield* s.fails("oci_upload_append", append), /^PATH_DENIED/u)
    }))

  it.live("are asked for once, when files are, and again when they have changed", () =>
    Effect.gen(function*() {
      const s = yield* rooted()
      yield* s.call("oci_list_repositories")
      assert.strictEqual(s.state.asked, 0)
      yield* push(s, "/files/a/x")
      yield* push(s, "/files/a/x")
      assert.strictEqual(s.state.asked, 1)
      s.state.roots = ["/files/b"]
      yield* changed(s.client)
      assert.match(yield* refused(s, "/files/a/x"), /^PATH_DENIED/u)
      yield* push(s, "/files/b/x")
      assert.strictEqual(s.state.asked, 2)
    }))

  it.live("are asked for each time where the client does not tell of changes", () =>
    Effect.gen(function*() {
      const s = yield* rooted({ capabilities: { roots: {} } })
      yield* push(s, "/files/a/x")
      s.state.roots = ["/files/b"]
      assert.match(yield* refused(s, "/files/a/x"), /^PATH_DENIED/u)
    }))

  it.live("that change while they are on their way are asked for again", () =>
    Effect.gen(function*() {
      let times = 0
      const s = yield* rooted({
        prepare: (client) =>
          client.setRequestHandler(ListRootsRequestSchema, async () => {
            const path = times++ === 0 ? "/files/a" : "/files/b"
            await client.sendRootsListChanged()
            return { roots: [{ uri: `file://${path}` }] }
          })
      })
      yield* push(s, "/files/a/x")
      yield* push(s, "/files/b/x")
    }))

  it.live("that are none leave no files", () =>
    Effect.gen(function*() {
      const s = yield* rooted()
      s.state.roots = []
      assert.match(yield* refused(s, "/files/a/x"), /^PATH_DENIED: .*\nHint: The client's roots leave none/u)
    }))

  it.live("that are not told, or are no files, leave none", () =>
    Effect.gen(function*() {
      const answers = [
        () => {
          throw new McpError(ErrorCode.InternalError, "no")
        },
        () => ({ roots: [{ uri: "https://example.org/files/a" }] }),
        () => ({ roots: [{ uri: "file:///files/a/../b" }, { uri: "file:///" }] })
      ]
      for (const answer of answers) {
        const s = yield* rooted({ prepare: (client) => client.setRequestHandler(ListRootsRequestSchema, answer) })
        assert.match(yield* refused(s, "/files/a/x"), /^PATH_DENIED/u)
      }
    }))

  it.live("are no limit where the client has none, and are not asked for where no files are allowed", () =>
    Effect.gen(function*() {
      const without = yield* rooted({ capabilities: {}, prepare: () => undefined })
      yield* push(without, "/files/b/x")
      const claimed = yield* rooted({ prepare: () => undefined })
      yield* push(claimed, "/files/b/x")
      const closed = yield* rooted({ allowed: [] })
      assert.match(yield* refused(closed, "/files/a/x"), /--allowed-dir/u)
      assert.strictEqual(closed.state.asked, 0)
    }))
})
