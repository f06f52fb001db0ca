import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import { makeMemoryTree } from "../../../src/memory/index.ts"
import { HistoryInvalid } from "../../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { pushImage, short } from "../support/images.ts"
import { session } from "../support/session.ts"

/** `app:1.0` at one and then at two, by a client, and `web:1.0` at one. */
const moved = Effect.fnUntraced(function*(options: Parameters<typeof session>[0] = {}) {
  const opened = yield* session(options)
  const one = yield* pushImage(opened.registry, { tags: ["1.0"] })
  const two = yield* pushImage(opened.registry, { config: { os: "plan9" } })
  yield* opened.call("oci_tag", { ref: `app@${two.digest}`, tags: ["1.0"], move: true })
  yield* pushImage(opened.registry, { repository: "web", tags: ["1.0"] })
  return { ...opened, one, two }
})

const withoutTimes = (commits: unknown): unknown =>
  Array.isArray(commits)
    ? commits.map((commit: Record<string, unknown>) => {
      const { time, ...rest } = commit
      assert.match(String(time), /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/u)
      return rest
    })
    : commits

describe("oci_history", () => {
  it.live("tells what happened, newest first, who did it, and pages", () =>
    Effect.gen(function*() {
      const { call, one, two } = yield* moved()
      const [first, second] = [short(one.digest), short(two.digest)]
      const page = yield* call("oci_history", { limit: 3 })
      assert.deepStrictEqual(withoutTimes(page["commits"]), [
        { revision: 4, actor: "library", events: [{ ref: "web:1.0", to: first }] },
        {
          revision: 3,
          actor: "mcp:test",
          events: [{ ref: "app:1.0", from: first, to: second }, { ref: "app", from: second }, { ref: "app", to: first }]
        },
        { revision: 2, actor: "library", events: [{ ref: "app", to: second }] }
      ])
      assert.strictEqual(page["next_before"], 2)
      const rest = yield* call("oci_history", { limit: 3, before: 2 })
      assert.deepStrictEqual(withoutTimes(rest["commits"]), [
        { revision: 1, actor: "library", events: [{ ref: "app:1.0", to: first }] }
      ])
      assert.notProperty(rest, "next_before")
    }))

  it.live("can be narrowed, and says what is wrong with what it is asked", () =>
    Effect.gen(function*() {
      const { call, fails } = yield* moved()
      const revisions = (args: Record<string, unknown>) =>
        Effect.map(call("oci_history", args), ({ commits }) =>
          Array.isArray(commits)
            ? commits.map((commit: { readonly revision: number }) => commit.revision)
            : [])
      assert.deepStrictEqual(yield* revisions({ repository: "app", tag: "1.0" }), [3, 1])
      assert.deepStrictEqual(yield* revisions({ actor: "mcp:test" }), [3])
      assert.deepStrictEqual(yield* revisions({ since: "2000-01-01" }), [4, 3, 2, 1])
      assert.deepStrictEqual(yield* revisions({ since: "2999-01-01" }), [])
      assert.match(yield* fails("oci_history", { since: "12" }), /^REFERENCE_INVALID: "12" .*is not a time: /u)
      assert.match(
        yield* fails("oci_history", { since: "yesterday" }),
        /^REFERENCE_INVALID: "yesterday" is not a point in history: [^\n]*$/u
      )
    }))

  it.live("tells what it knows of a history that is damaged, and that it is", () =>
    Effect.gen(function*() {
      const { registry } = yield* moved()
      const broken: LayoutRegistry = {
        ...registry,
        history: () =>
          Stream.concat(
            registry.history({ limit: 2 }),
            Stream.fail(new HistoryInvalid({ from: 3, reason: "has a broken chain" }))
          )
      }
      const { call } = yield* session({ registry: broken })
      const { commits, incomplete } = yield* call("oci_history")
      assert.lengthOf(Array.isArray(commits) ? commits : [], 2)
      assert.match(String(incomplete), /broken chain/u)
    }))
})

describe("tools that read, at a point of history", () => {
  it.live("answer as they would have then", () =>
    Effect.gen(function*() {
      const { call, fails, one, two } = yield* moved()
      const digestAt = (at: string) => Effect.map(call("oci_resolve", { ref: "app:1.0", at }), ({ digest }) => digest)
      assert.strictEqual(yield* digestAt("1"), one.digest)
      assert.strictEqual(yield* digestAt("3"), two.digest)
      assert.strictEqual(yield* digestAt("-1"), one.digest)
      assert.strictEqual(yield* digestAt("2999-01-01T00:00:00Z"), two.digest)
      assert.match(
        yield* fails("oci_resolve", { ref: "app:1.0", at: "9" }),
        /^REVISION_UNKNOWN: .*newest revision is 4/u
      )
      assert.match(yield* fails("oci_resolve", { ref: "app:1.0", at: "-3" }), /^REVISION_UNKNOWN/u)
      assert.match(yield* fails("oci_resolve", { ref: `app@${one.digest}`, at: "-1" }), /^REFERENCE_INVALID/u)
      assert.deepStrictEqual((yield* call("oci_list_repositories", { at: "3" }))["repositories"], ["app"])
      assert.deepStrictEqual((yield* call("oci_list_tags", { repository: "app", at: "1" }))["tags"], ["1.0"])
      assert.strictEqual((yield* call("oci_get_manifest", { ref: "app:1.0", at: "1" }))["digest"], one.digest)
      assert.strictEqual((yield* call("oci_inspect_image", { ref: "app:1.0", at: "-1" }))["digest"], one.digest)
      assert.strictEqual((yield* call("oci_list_referrers", { ref: "app:1.0", at: "1" }))["subject"], one.digest)
    }))
})

describe("what is not there", () => {
  it.live("is told from what was there, with the way back", () =>
    Effect.gen(function*() {
      const { call, fails, one, registry } = yield* moved()
      yield* registry.deleteTag("app", "1.0")
      yield* registry.deleteManifest("web", one.digest)
      assert.match(
        yield* fails("oci_resolve", { ref: "app:1.0" }),
        /^MANIFEST_UNKNOWN: .*\nHint: app:1\.0 was there until revision 5, see oci_history\. .*oci_restore with to 4 and repository and tag\. app has no tags/u
      )
      assert.match(
        yield* fails("oci_list_tags", { repository: "web" }),
        /^NAME_UNKNOWN: .*\nHint: web was there until revision 6, see oci_history\. .*oci_restore with to 5 and repository\. /u
      )
      for (const ref of ["app:never", "never:1"]) assert.notInclude(yield* fails("oci_resolve", { ref }), "was there")
      yield* call("oci_restore", { to: "4", repository: "app", tag: "1.0" })
      assert.notInclude(yield* fails("oci_resolve", { ref: "app:1.0", at: "6" }), "was there")
      const looking = yield* session({ registry, mode: "read" })
      yield* registry.deleteTag("app", "1.0")
      const hint = yield* looking.fails("oci_resolve", { ref: "app:1.0" })
      assert.include(hint, "see oci_history")
      assert.notInclude(hint, "oci_restore")
    }))

  it.live("because it is before the first commit, is said to be so", () =>
    Effect.gen(function*() {
      const { fails } = yield* moved()
      const tools: ReadonlyArray<readonly [string, object]> = [
        ["oci_resolve", { ref: "app:1.0" }],
        ["oci_get_manifest", { ref: "app:1.0" }],
        ["oci_inspect_image", { ref: "app:1.0" }],
        ["oci_list_referrers", { ref: "app:1.0" }],
        ["oci_list_tags", { repository: "app" }],
        ["oci_list_repositories", {}]
      ]
      for (const [name, args] of tools) {
        const early = yield* fails(name, { ...args, at: "1999-12-31" })
        assert.match(early, /^REVISION_UNKNOWN: .*before the first one, of \d{4}-.*it goes back to revision 1/u, name)
        assert.match(yield* fails(name, { ...args, at: "0" }), /^REVISION_UNKNOWN: .*before the first one/u, name)
      }
      assert.match(yield* fails("oci_restore", { to: "1999-12-31" }), /^REVISION_UNKNOWN: .*before the first one/u)
    }))
})

describe("oci_restore", () => {
  it.live("takes a change back, and that as well", () =>
    Effect.gen(function*() {
      const { call, one, two } = yield* moved()
      const [first, second] = [short(one.digest), short(two.digest)]
      const tried = yield* call("oci_restore", { undo: 3, dry_run: true })
      assert.deepStrictEqual([tried["done"], tried["revision"]], [false, undefined])
      const answer = yield* call("oci_restore", { undo: 3 })
      assert.deepStrictEqual(answer, { ...tried, done: true, revision: 5 })
      assert.deepInclude(answer["events"], { ref: "app:1.0", from: second, to: first })
      assert.strictEqual((yield* call("oci_resolve", { ref: "app:1.0" }))["digest"], one.digest)
      yield* call("oci_restore", { undo: 5 })
      assert.strictEqual((yield* call("oci_resolve", { ref: "app:1.0" }))["digest"], two.digest)
    }))

  it.live("is refused where the name was changed since, unless it is forced", () =>
    Effect.gen(function*() {
      const { call, fails, one } = yield* moved()
      const refused = yield* fails("oci_restore", { undo: 1 })
      assert.match(refused, /^CONFLICT: nothing was changed.*1\.0 in revision 3/su)
      yield* call("oci_restore", { undo: 1, force: true })
      assert.match(yield* fails("oci_resolve", { ref: "app:1.0" }), /^MANIFEST_UNKNOWN/u)
      yield* call("oci_restore", { to: "1", repository: "app", tag: "1.0" })
      assert.strictEqual((yield* call("oci_resolve", { ref: "app:1.0" }))["digest"], one.digest)
    }))

  it.live("brings a tag back at once, and names the revision, which brings back the same however often", () =>
    Effect.gen(function*() {
      const { call, one } = yield* moved()
      const answer = yield* call("oci_restore", { to: "-1", repository: "app", tag: "1.0" })
      assert.deepInclude(answer, { done: true, to_revision: 2, revision: 5 })
      const again = { to: String(answer["to_revision"]), repository: "app", tag: "1.0" }
      assert.deepStrictEqual(yield* call("oci_restore", again), { to_revision: 2, done: true, events: [] })
      assert.strictEqual((yield* call("oci_resolve", { ref: "app:1.0" }))["digest"], one.digest)
    }))

  it.live("shows first what becomes of a repository or the whole layout, and does that with the token", () =>
    Effect.gen(function*() {
      const { call } = yield* moved()
      const repositories = Effect.map(call("oci_list_repositories"), (answer) => answer["repositories"])
      const web = { to: "3", repository: "web" }
      const shown = yield* call("oci_restore", web)
      assert.deepInclude(shown, { done: false, to_revision: 3 })
      assert.match(String(shown["expires"]), /^\d{4}-/u)
      assert.deepStrictEqual(yield* repositories, ["app", "web"])
      const { expires: _, token, ...told } = shown
      assert.deepStrictEqual(yield* call("oci_restore", { ...web, token }), { ...told, done: true, revision: 5 })
      assert.deepStrictEqual(yield* repositories, ["app"])
      assert.deepStrictEqual(yield* call("oci_restore", web), { to_revision: 3, done: true, events: [] })
      const whole = yield* call("oci_restore", { to: "0" })
      assert.strictEqual(whole["done"], false)
      assert.deepStrictEqual(yield* repositories, ["app"])
      yield* call("oci_restore", { to: "0", token: whole["token"] })
      assert.deepStrictEqual(yield* repositories, [])
    }))

  it.live("shows first what else a commit that is taken back has changed", () =>
    Effect.gen(function*() {
      const { call, one, registry, two } = yield* moved()
      yield* registry.tagManifest("app", one.digest, ["a", "b"])
      yield* registry.deleteManifest("app", two.digest)
      const shown = yield* call("oci_restore", { undo: 5 })
      assert.strictEqual(shown["done"], false)
      assert.deepStrictEqual((yield* call("oci_list_tags", { repository: "app" }))["tags"], ["a", "b"])
      yield* call("oci_restore", { undo: 5, token: shown["token"] })
      assert.deepStrictEqual((yield* call("oci_list_tags", { repository: "app" }))["tags"], [])
    }))

  it.effect("takes a token for what was shown, once, within the hour, and nothing else", () =>
    Effect.gen(function*() {
      const { call, fails, one, registry } = yield* moved()
      const refused = /^INVALID_ARGUMENT: token: unknown, used, expired, or of another call; nothing was changed/u
      const web = { to: "3", repository: "web" }
      const tokenOf = Effect.map(call("oci_restore", web), ({ token }) => token)
      const token = yield* tokenOf
      for (const made of ["", "x", crypto.randomUUID()]) {
        assert.match(yield* fails("oci_restore", { ...web, token: made }), refused)
      }
      assert.match(yield* fails("oci_restore", { to: "0", token }), refused)
      assert.match(yield* fails("oci_restore", { to: "3", token }), refused)
      assert.match(yield* fails("oci_restore", { undo: 4, token }), refused)
      yield* TestClock.adjust("61 minutes")
      assert.match(yield* fails("oci_restore", { ...web, token }), refused)
      const fresh = yield* tokenOf
      yield* registry.tagManifest("web", one.digest, ["new"])
      assert.match(
        yield* fails("oci_restore", { ...web, token: fresh }),
        /^CONFLICT: nothing was changed: .*not what it was when it was looked at: .*web:new/u
      )
      const last = yield* tokenOf
      yield* call("oci_restore", { ...web, token: last })
      yield* call("oci_restore", { undo: 6, token: (yield* call("oci_restore", { undo: 6 }))["token"] })
      assert.match(yield* fails("oci_restore", { ...web, token: last }), refused)
    }))

  it.live("says what it has to be told", () =>
    Effect.gen(function*() {
      const { fails } = yield* moved()
      assert.match(yield* fails("oci_restore"), /^INVALID_ARGUMENT: undo, to: /u)
      assert.match(yield* fails("oci_restore", { undo: 1, to: "1" }), /^INVALID_ARGUMENT: undo, to: /u)
      assert.match(yield* fails("oci_restore", { to: "1", tag: "x" }), /^INVALID_ARGUMENT: tag: /u)
      assert.match(yield* fails("oci_restore", { to: "1", force: true }), /^INVALID_ARGUMENT: force: /u)
      assert.match(yield* fails("oci_restore", { to: "-1" }), /^REFERENCE_INVALID/u)
      assert.match(yield* fails("oci_restore", { undo: 99 }), /^REVISION_UNKNOWN: .*\nHint: oci_history/u)
    }))

  it.live("of a tree of layouts wants to know which", () =>
    Effect.gen(function*() {
      const { call, fails } = yield* moved({ registry: yield* makeMemoryTree, perRepository: true })
      assert.match(yield* fails("oci_restore", { undo: 1 }), /^UNSUPPORTED: .*say which one/u)
      yield* call("oci_restore", { undo: 1, repository: "web" })
      assert.deepStrictEqual((yield* call("oci_list_repositories"))["repositories"], ["app"])
    }))
})
