/** `ocilayout mcp --read-only` leaves every file as it is: of the layout, of its user, and of the allowed directories. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeDisk } from "../../src/node/index.ts"
import { pushImage } from "../mcp/support/images.ts"
import { listing } from "../support/folders.ts"
import { initialize, spawnServer, temporaryDirectory, toolCall } from "./support/server.ts"

/** A layout with a past, and with a tag that another tool has set since. */
const used = Effect.fnUntraced(function*(directory: string) {
  const registry = yield* Effect.orDie(makeDisk({ directory, defaultRepository: "app" }))
  const image = yield* pushImage(registry, { tags: ["1", "2"] })
  yield* Effect.orDie(registry.deleteTag("app", "2"))
  yield* Effect.orDie(registry.pushBlob("app", Stream.succeed(Buffer.from("of no use"))))
  const path = join(directory, "index.json")
  const index = JSON.parse(fs.readFileSync(path, "utf8")) as { manifests: Array<object> }
  const annotations = { "org.opencontainers.image.ref.name": "foreign" }
  index.manifests.push({ mediaType: image.mediaType, digest: image.digest, size: image.size, annotations })
  fs.writeFileSync(path, JSON.stringify(index))
  return image
}, Effect.scoped)

describe("ocilayout mcp --read-only", () => {
  it.live("writes nothing at all", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const { config, digest } = yield* used(join(root, "layout"))
      fs.mkdirSync(join(root, "work"))
      fs.mkdirSync(join(root, "state"))
      const before = listing(root, { times: true })
      const args = ["mcp", join(root, "layout"), "--read-only", "--allow-delete", "--allowed-dir", join(root, "work")]
      const server = yield* spawnServer(args, { XDG_STATE_HOME: join(root, "state") })
      const ref = `app@${digest}`
      const blob = `app@${config.digest}`
      const upload = { upload_id: "0".repeat(32) }
      const calls: ReadonlyArray<readonly [string, object]> = [
        ["oci_list_layouts", {}],
        ["oci_list_repositories", {}],
        ["oci_list_tags", { repository: "app", detail: true }],
        ["oci_resolve", { ref }],
        ["oci_get_manifest", { ref }],
        ["oci_read_blob", { ref: blob }],
        ["oci_inspect_image", { ref, history: true }],
        ["oci_list_referrers", { ref }],
        ["oci_history", {}],
        ["oci_usage", {}],
        ["oci_verify", { level: "content" }],
        ["oci_gc", { untagged: true, undo_days: 0, grace_minutes: 0 }],
        ["oci_export_blob", { ref: blob, path: join(root, "work", "out") }],
        ["oci_push_blob", { repository: "app", text: "new" }],
        ["oci_mount_blob", { from_repository: "app", to_repository: "web", digest: config.digest }],
        ["oci_push_manifest", { repository: "app", raw: "{}" }],
        ["oci_tag", { ref, tags: ["new"] }],
        ["oci_copy", { ref, to_repository: "web", tags: ["new"] }],
        ["oci_upload_start", { repository: "app" }],
        ["oci_upload_append", { ...upload, offset: 0, text: "x" }],
        ["oci_upload_commit", { ...upload, digest }],
        ["oci_upload_cancel", upload],
        ["oci_delete", { kind: "tag", ref: "app:1" }],
        ["oci_restore", { to: "0" }],
        ["oci_repair", { dry_run: false }],
        ["oci_pin", { ref }]
      ]
      yield* server.send(initialize, ...calls.map(([name, args], at) => toolCall(at + 2, name, args)))
      const answers = yield* server.answers(calls.length + 1)
      const refused = calls.flatMap(([name], at) =>
        JSON.stringify(answers.get(at + 2)).includes("DENIED") ? [name] : []
      )
      assert.deepStrictEqual(refused, calls.slice(12).map(([name]) => name))
      const failed = calls.slice(0, 12).filter((_, at) => JSON.stringify(answers.get(at + 2)).includes("isError"))
      assert.deepStrictEqual(failed, [])
      server.child.stdin.end()
      assert.strictEqual(yield* server.exit, 0)
      assert.deepStrictEqual(listing(root, { times: true }), before)
    }))
})
