/** What the page is answered: all of it as its schemas say, with any layout. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as answers from "../../../src/http/ui/answers.ts"
import { makeMemory, makeMemoryTree } from "../../../src/memory/index.ts"
import { makeDisk } from "../../../src/node/index.ts"
import { buildWorld } from "../../evals/world/build.ts"
import { temporaryFolder } from "../../support/folders.ts"
import { image, index, pushImage, pushManifest } from "../../support/images.ts"
import { later } from "../../support/later.ts"
import { attachment, fillHostile, longLabel, markup, png, turned } from "../../ui/support/hostile.ts"
import { pictured } from "../../ui/support/pictured.ts"
import { asked, changing, shown } from "../support/page.ts"
import { send } from "../support/serving.ts"

const world = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  yield* buildWorld(folder)
  const open = (id: string) => Effect.orDie(makeDisk({ directory: `${folder}/${id}`, durability: "none" }))
  return { prod: yield* shown(yield* open("prod")), apps: yield* shown(yield* open("apps")) }
})

const linesOf = (text: string) =>
  Effect.forEach(
    text.trimEnd().split("\n"),
    (line) =>
      Effect.orDie(Schema.decodeUnknownEffect(answers.VerifyLine)(JSON.parse(line), { onExcessProperty: "error" }))
  )

describe("the page's questions", () => {
  it.live("are answered about a layout with a past", () =>
    Effect.gen(function*() {
      const { apps, prod } = yield* world
      const { repositories } = yield* asked(prod, answers.Repositories, "repositories")
      assert.deepStrictEqual(repositories.map(({ name, tags }) => [name, tags]), [
        ["base/runtime", 4],
        ["charts/shop", 2],
        ["shop/api", 4],
        ["shop/web", 4],
        ["shop/worker", 2]
      ])
      const first = yield* asked(prod, answers.Tags, "tags?repository=shop/api&limit=3")
      assert.deepStrictEqual([first.tags.length, first.next], [3, "1.2.0"])
      const rest = yield* asked(prod, answers.Tags, "tags?repository=shop/api&after=1.2.0")
      assert.deepStrictEqual([rest.tags.map(({ tag }) => tag), rest.next], [["stable"], undefined])
      const [top] = rest.tags
      const { details: [detail, none] } = yield* asked(
        prod,
        answers.Details,
        `details?repository=shop/api&digest=${top?.digest}&digest=nothing`
      )
      assert.deepStrictEqual([detail?.kind, detail?.platforms, detail?.created], [
        "index",
        ["linux/amd64", "linux/arm64"],
        "2024-03-05T08:00:00.000Z"
      ])
      assert.deepStrictEqual(none, { digest: "nothing", platforms: [] })
      const { moves } = yield* asked(prod, answers.Moves, "moves?repository=shop/api")
      assert.deepInclude(moves, { tag: "stable", time: "2024-04-03T13:30:00.000Z", actor: "cli:dana" })
      const whole = yield* asked(prod, answers.Image, "image?repository=shop/api&reference=1.1.0&platform=linux/arm64")
      assert.deepStrictEqual(
        [whole.platform, whole.tags, whole.index?.platforms.map(({ platform }) => platform), whole.attached.length],
        ["linux/arm64", ["1.1.0", "stable"], ["linux/amd64", "linux/arm64"], 1]
      )
      const [sbom] = whole.attached
      const document = yield* asked(prod, answers.Document, `document?repository=shop/api&digest=${sbom?.digest}`)
      assert.isTrue(document.parts.some(({ text = "" }) => text.includes("\n  ")))
      const page = yield* asked(prod, answers.History, "history?limit=2")
      assert.deepStrictEqual([page.commits.map(({ revision }) => revision), page.next], [[37, 36], 36])
      const tag = yield* asked(prod, answers.History, "history?repository=shop/web&tag=prod")
      assert.deepStrictEqual(tag.commits.map(({ actor }) => actor), [
        "cli:dana",
        "mcp:release-bot",
        "cli:dana",
        "cli:dana"
      ])
      const space = yield* asked(prod, answers.Space, "space")
      const runtime = space.repositories.find(({ name }) => name === "base/runtime")
      assert.deepStrictEqual(runtime?.images.map(({ others, tag }) => [tag, others]), [["3.18", 0], ["3.19", 0], [
        "3.20",
        1
      ]])
      const garbage = yield* asked(prod, answers.Garbage, "garbage?untagged=1&undoDays=0")
      assert.deepStrictEqual([garbage.goes, garbage.plan], [[], undefined])
      assert.isAbove(garbage.stays.length, 0)
      const { layers } = yield* asked(apps, answers.Layers, "layers?repository=store/db&reference=2")
      assert.deepStrictEqual(layers.map(({ added, removed, replaced }) => [added, replaced, removed]).at(-1), [0, 0, 1])
      const { files } = yield* asked(apps, answers.Files, "files?repository=store/db&reference=2&path=/etc")
      assert.deepStrictEqual(files.map(({ name, type }) => `${name} ${type}`), [
        "db directory",
        "os-release file",
        "passwd file"
      ])
      const found = yield* asked(apps, answers.Files, "find?repository=store/db&reference=2&name=conf")
      assert.deepStrictEqual(found.files.map(({ name }) => name), ["/etc/db/db.conf"])
      const both = "repository1=store/db&reference1=1&repository2=store/db&reference2=2"
      const diff = yield* asked(apps, answers.Diff, `diff?${both}`)
      assert.deepInclude(diff.files.map(({ change, path }) => `${change} ${path}`), "changed /etc/db/db.conf")
      const lines = yield* asked(apps, answers.TextDiff, `text-diff?${both}&path=/etc/db/db.conf`)
      assert.include(lines.diff, "-port = 5432\n+port = 5433")
    }))

  it.live("are answered while the layout is verified, line by line", () =>
    Effect.gen(function*() {
      const { prod } = yield* world
      const links = yield* linesOf((yield* send(prod, "/ui/api/verify")).text)
      assert.deepStrictEqual([links.some((line) => "finding" in line), links.at(-1)], [false, { done: true }])
      const content = yield* linesOf((yield* send(prod, "/ui/api/verify?level=content")).text)
      assert.deepStrictEqual(content.flatMap((line) => "finding" in line ? [line.finding.code] : []), [
        "BLOB_CORRUPT"
      ])
    }))

  it.live("say in words what is not there", () =>
    Effect.gen(function*() {
      const { apps, prod } = yield* world
      const of = (path: string, served = apps) =>
        Effect.map(send(served, `/ui/api/${path}`), ({ codes: [code], status }) => `${status} ${code}`)
      assert.strictEqual(yield* of("tags"), "400 UNSUPPORTED")
      assert.strictEqual(yield* of("tags?repository=none"), "404 NAME_UNKNOWN")
      assert.strictEqual(yield* of("tags?repository=store/db&limit=-1"), "400 UNSUPPORTED")
      assert.strictEqual(yield* of("details?repository=store/db"), "400 UNSUPPORTED")
      assert.strictEqual(yield* of("image?repository=store/db&reference=3"), "404 MANIFEST_UNKNOWN")
      assert.strictEqual(
        yield* of("image?repository=store/db&reference=1&platform=linux/s390x"),
        "404 PLATFORM_UNKNOWN"
      )
      assert.strictEqual(yield* of("files?repository=store/db&reference=1&path=/none"), "404 PATH_UNKNOWN")
      assert.strictEqual(yield* of("file?repository=store/db&reference=1&path=/etc"), "404 PATH_UNKNOWN")
      assert.strictEqual(yield* of("layers?repository=shop/web&reference=2.1", prod), "422 LAYER_INVALID")
    }))

  it.live("carry what is hostile as text, and no more of it than can be shown", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* fillHostile(registry)
      const served = yield* shown(registry)
      const answer = yield* send(served, "/ui/api/image?repository=hostile&reference=v1")
      assert.isBelow(answer.bytes.length, 100_000)
      const told = yield* asked(served, answers.Image, "image?repository=hostile&reference=v1")
      assert.deepInclude(told.labels, { key: markup, value: turned })
      const long = told.labels.find(({ key }) => key === "long")
      assert.deepStrictEqual([long?.value.length, long?.length], [4000, longLabel])
      const { details: [detail] } = yield* asked(
        served,
        answers.Details,
        `details?repository=hostile&digest=${told.digest}`
      )
      assert.isUndefined(detail?.created)
      const { files } = yield* asked(served, answers.Files, "files?repository=hostile&reference=v1")
      assert.include(files.map(({ name }) => name), `${turned}.svg`)
      const document = yield* asked(
        served,
        answers.Document,
        `document?repository=hostile&digest=${attachment.descriptor.digest}`
      )
      assert.include(document.manifest, JSON.stringify(markup).slice(1, -1))
      const at = (name: string, path: string) =>
        `/ui/api/${name}?repository=hostile&reference=v1&path=${encodeURIComponent(path)}`
      for (const path of [`/${turned}.svg`, "/page.html", "/bytes", "/etc/motd"]) {
        // Only what is a picture by its bytes is sent as one.
        assert.strictEqual((yield* send(served, at("picture", path))).status, 404, path)
        const { headers } = yield* send(served, at("file", path))
        assert.deepStrictEqual(
          [headers.get("content-type"), headers.get("x-content-type-options")],
          ["application/json", "nosniff"]
        )
      }
    }))

  it.live("show pictures so that nothing in them runs", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", pictured, ["v1"])
      const served = yield* shown(registry)
      const path = "repository=app&reference=v1&path=/logo.png"
      const file = yield* asked(served, answers.FileText, `file?${path}`)
      assert.deepStrictEqual([file.form, file.text], ["picture", ""])
      const { bytes, headers } = yield* send(served, `/ui/api/picture?${path}`)
      assert.isTrue(png.equals(bytes))
      assert.deepStrictEqual(
        [headers.get("content-type"), headers.get("content-disposition"), headers.get("content-security-policy")],
        ["image/png", "attachment", "default-src 'none'; frame-ancestors 'none'; sandbox"]
      )
    }))

  it.live("are answered about artifacts, indexes of indexes, and trees of layouts", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemoryTree
      const one = image("one")
      yield* pushImage(registry, "app", one, ["v1"])
      const inner = index([one])
      yield* pushManifest(registry, "app", inner)
      yield* pushManifest(registry, "app", index([inner]), ["nested"])
      const served = yield* shown(registry, {}, { perRepository: true })
      assert.isTrue((yield* asked(served, answers.Session, "session")).perRepository)
      const nested = yield* asked(served, answers.Image, "image?repository=app&reference=nested")
      assert.strictEqual(nested.kind, "index")
      assert.strictEqual((yield* send(served, "/ui/api/history")).status, 400)
      const { commits } = yield* asked(served, answers.History, "history?repository=app")
      assert.strictEqual(commits.length, 3)
      assert.strictEqual((yield* asked(served, answers.Garbage, "garbage?repository=app")).bytes, 0)
      const undo = yield* changing(served, "undo", { revision: 3, repository: "app", dryRun: false })
      assert.strictEqual(undo.status, 200)
      assert.strictEqual((yield* Effect.flip(registry.resolveTag("app", "nested")))._tag, "ManifestUnknown")
    }))

  it.live("free space by a plan that was made before, once", () =>
    Effect.gen(function*() {
      const registry = yield* makeMemory()
      yield* pushImage(registry, "app", image("kept"), ["v1"])
      yield* pushImage(registry, "app", image("gone"), ["v2"])
      yield* registry.deleteTag("app", "v2")
      // What is young stays in any case.
      const served = yield* shown(registry).pipe(later(3 * 24 * 60 * 60 * 1000))
      assert.strictEqual((yield* asked(served, answers.Garbage, "garbage?untagged=1&undoDays=0")).plan, undefined)
      const path = "plan?untagged=1&undoDays=0"
      const made = yield* Effect.orDie(
        Schema.decodeUnknownEffect(answers.Garbage)(JSON.parse((yield* changing(served, path, {})).text))
      )
      assert.isAbove(made.goes.length, 0)
      const collected = yield* changing(served, "collect", { plan: made.plan })
      const freed = yield* Effect.orDie(Schema.decodeUnknownEffect(answers.Collected)(JSON.parse(collected.text)))
      assert.deepStrictEqual([freed.removed, freed.bytes], [made.goes.length, made.bytes])
      assert.include((yield* changing(served, "collect", { plan: made.plan })).text, "\"removed\":0")
      assert.strictEqual((yield* changing(served, "collect", { plan: "0".repeat(32) })).status, 410)
    }))
})
