/** Commands between layouts and registries on the network. */
import { assert, describe, it } from "@effect/vitest"
import { hashSync } from "bcryptjs"
import { Effect, Stream } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { makeDisk } from "../../../src/node/index.ts"
import { layerTar } from "../../../src/oci/MediaType.ts"
import { inMemory, type Served } from "../../http/support/serving.ts"
import { answering } from "../../remote/support/remotes.ts"
import { image, index, pushBlob, pushImage, pushManifest, referrerOf, sample } from "../../support/images.ts"
import { json, ocl, temporaryDirectory } from "../support/command.ts"
import { spawnServer } from "../support/server.ts"

const one = image("one", {}, 2)
const other = image("other")
const multi = index([one, other])
const signature = referrerOf(multi, "signature")

const hostOf = ({ url }: Served): string => new URL(url).host

const fill = Effect.fnUntraced(function*({ registry }: Served) {
  for (const part of [one, other]) yield* pushImage(registry, "team/app", part, [part === one ? "v1" : "v2"])
  yield* pushManifest(registry, "team/app", multi, ["latest"])
  yield* pushImage(registry, "team/app", signature)
})

const filled = Effect.tap(inMemory(), fill)

/** The tags of a repository, and what they point at. */
const tagsAt = ({ registry }: Pick<Served, "registry">, repository: string) =>
  Effect.map(
    Stream.runCollect(Stream.mapEffect(registry.tags(repository), (tag) =>
      Effect.map(registry.resolveTag(repository, tag), ({ digest }) =>
        [tag as string, digest as string] as const))),
    (found) =>
      Object.fromEntries(found)
  )

describe("copy", () => {
  it.live("from a registry to a layout and back, and on to another", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryDirectory
      const [from, to] = [yield* filled, yield* inMemory()]
      const layout = join(folder, "images")
      const taken = yield* json(["copy", `docker://${hostOf(from)}/team/app`, `${layout}/app:v1`, "--referrers"])
      assert.deepInclude(taken, { digest: multi.descriptor.digest, manifests: 4, blobs_present: 0, tags: ["v1"] })
      const again = yield* json(["copy", `docker://${hostOf(from)}/team/app`, `${layout}/app:v1`])
      assert.deepInclude(again, { blobs_copied: 0, bytes_copied: 0 })
      const brought = yield* json(["copy", `${layout}/app:v1`, `docker://${hostOf(to)}/mirror/app:v1`, "--referrers"])
      assert.deepInclude(brought, { manifests: 4, tags: ["v1"] })
      assert.notProperty(brought, "revision")
      assert.deepStrictEqual(yield* tagsAt(to, "mirror/app"), { v1: multi.descriptor.digest })
      const across = yield* json(["copy", `docker://${hostOf(to)}/mirror/app:v1`, `docker://${hostOf(from)}/back`])
      assert.deepInclude(across, { tags: ["latest"] })
      const within = yield* json(["copy", `docker://${hostOf(from)}/back`, `docker://${hostOf(from)}/second:v1`])
      assert.deepInclude(within, { blobs_copied: 0, bytes_copied: 0 + one.bytes.length + other.bytes.length })
    }))

  it.live("does not move a tag without being told", () =>
    Effect.gen(function*() {
      const served = yield* filled
      const host = hostOf(served)
      const copy = ["copy", `docker://${host}/team/app:v1`, `docker://${host}/team/app:v2`]
      const refused = yield* ocl(copy)
      assert.strictEqual(refused.code, 4)
      assert.include(refused.err, "v2")
      assert.deepInclude(yield* tagsAt(served, "team/app"), { v2: other.descriptor.digest })
      yield* json([...copy, "--move"])
      assert.deepInclude(yield* tagsAt(served, "team/app"), { v2: one.descriptor.digest })
    }))

  it.live("takes several tags at a time, and sends what they share once", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryDirectory
      const served = yield* inMemory()
      const shared = sample("what all images have", layerTar)
      yield* pushBlob(served.registry, "app", shared)
      for (let at = 0; at < 6; at++) {
        yield* pushImage(served.registry, "app", image(`v${at}`, { layers: [shared.descriptor] }, 0), [`v${at}`])
      }
      const asked: Array<string> = []
      let meet: () => void = () => undefined
      const met = new Promise<void>((resolve) => meet = resolve)
      const proxy = yield* answering((request, response) => {
        const path = request.url ?? ""
        asked.push(`${request.method ?? ""} ${path}`)
        // The first manifests wait for one another: those of one tag at a time would wait for ever.
        const isManifest = request.method === "GET" && path.includes("/manifests/v")
        if (asked.filter((line) => line.startsWith("GET") && line.includes("/manifests/v")).length > 1) meet()
        const forwarded = async () => {
          if (isManifest) await met
          const got = await fetch(new URL(path, served.url), {
            method: request.method ?? "GET",
            headers: { accept: request.headers.accept ?? "*/*" }
          })
          const headers = Object.fromEntries(
            Array.from(got.headers).filter(([name]) => !/^(?:connection|keep-alive)$/u.test(name))
          )
          response.writeHead(got.status, headers).end(new Uint8Array(await got.arrayBuffer()))
        }
        forwarded().catch(() => response.destroy())
      })
      const from = `docker://${new URL(proxy.url).host}/app`
      const copied = yield* json(["copy", from, `${folder}/images/app`, "--all-tags"])
      assert.deepInclude(copied, { manifests: 6, blobs_copied: 7 })
      assert.strictEqual(asked.filter((line) => line === `GET /v2/app/blobs/${shared.descriptor.digest}`).length, 1)
    }), 30_000)

  it.live("takes all tags that fit", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryDirectory
      const served = yield* filled
      const copied = yield* json([
        "copy",
        `docker://${hostOf(served)}/team/app`,
        `${folder}/images/app`,
        "--all-tags",
        "--match",
        "v*"
      ])
      assert.deepStrictEqual(copied["tags"], ["v1", "v2"])
    }))

  it.live.each(
    [
      [["docker://example.com", "x"], 2, /could mean several places/u],
      [["docker://example.com/", "x"], 2, /whole registry/u],
      [["docker://example.com/App", "x"], 2, /not a place/u],
      [["docker://127.0.0.1:1/app", "images:v1"], 7, /ECONNREFUSED/u],
      [["docker://127.0.0.1:1/app", "images:v1", "--at=-1"], 2, /--at is for layouts/u]
    ] as const
  )("refuses %s", ([args, code, reason]) =>
    Effect.gen(function*() {
      const folder = yield* temporaryDirectory
      const { code: ended, err } = yield* ocl(["copy", args[0], join(folder, args[1]), ...args.slice(2)])
      assert.strictEqual(ended, code, err)
      assert.match(err, reason)
    }), 30_000)
})

describe("looking at a registry", () => {
  it.live("lists its repositories and tags, and explains an image", () =>
    Effect.gen(function*() {
      const host = hostOf(yield* filled)
      assert.deepStrictEqual(yield* json(["repositories", `docker://${host}/`]), {
        repositories: ["team/app"],
        unnamed: []
      })
      assert.deepStrictEqual(yield* json(["tags", `docker://${host}/team/app`]), {
        repository: "team/app",
        tags: ["latest", "v1", "v2"]
      })
      const long = yield* json(["ls", `docker://${host}/team/app`, "--long", "--limit", "1"])
      assert.deepInclude(long, { left_out: 2 })
      const inspected = yield* json(["inspect", `docker://${host}/team/app`])
      assert.deepInclude(inspected, {
        repository: "team/app",
        kind: "index",
        digest: multi.descriptor.digest,
        referrers: { "application/vnd.example.signature": 1 }
      })
      const platform = yield* ocl(["inspect", `docker://${host}/team/app:v1`])
      assert.match(platform.out, /linux\/amd64/u)
      const absent = yield* ocl(["inspect", `docker://${host}/team/app:v9`])
      assert.strictEqual(absent.code, 3)
      assert.include(absent.err, `docker://${host}`)
    }))
})

describe("pull and push", () => {
  it.live("keep the name", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryDirectory
      const [from, to] = [yield* filled, yield* inMemory()]
      const layout = ["--layout", join(folder, "images")]
      const pulled = yield* json(["pull", `${hostOf(from)}/team/app:v1`, `${hostOf(from)}/team/app`, ...layout])
      assert.deepStrictEqual((pulled["images"] as Array<{ tags: unknown }>).map(({ tags }) => tags), [["v1"], [
        "latest"
      ]])
      const registry = yield* makeDisk({ directory: join(folder, "images"), mustExist: true })
      assert.deepStrictEqual(yield* tagsAt({ registry }, "team/app"), {
        latest: multi.descriptor.digest,
        v1: one.descriptor.digest
      })
      yield* json(["push", `${hostOf(to)}/team/app:v1`, ...layout])
      assert.deepStrictEqual(yield* tagsAt(to, "team/app"), { v1: one.descriptor.digest })
      // A tag that has moved is moved here as well.
      yield* pushImage(from.registry, "team/app", other, ["v1"])
      yield* json(["pull", `${hostOf(from)}/team/app:v1`, ...layout])
      assert.deepInclude(yield* tagsAt({ registry }, "team/app"), { v1: other.descriptor.digest })
      const exact = `${hostOf(from)}/team/app@${one.descriptor.digest}`
      assert.deepNestedInclude(yield* json(["pull", exact, ...layout]), { "images[0].tags": [] })
    }))
})

describe("sync", () => {
  it.live("makes the tags of one those of the other, and says so before", () =>
    Effect.gen(function*() {
      const [from, to] = [yield* filled, yield* inMemory()]
      yield* pushImage(to.registry, "copy", other, ["v1", "old"])
      const args = ["sync", `docker://${hostOf(from)}/team/app`, `docker://${hostOf(to)}/copy`]
      const before = yield* tagsAt(to, "copy")
      const planned = yield* json([...args, "--delete", "--dry-run"])
      assert.deepStrictEqual(planned["changes"], [
        { tag: "latest", action: "set", to: multi.descriptor.digest },
        { tag: "v1", action: "move", from: other.descriptor.digest, to: one.descriptor.digest },
        { tag: "v2", action: "set", to: other.descriptor.digest },
        { tag: "old", action: "delete", from: other.descriptor.digest }
      ])
      assert.deepStrictEqual(yield* tagsAt(to, "copy"), before)
      const kept = yield* json([...args, "--match", "v*"])
      assert.deepInclude(kept, { dry_run: false, unchanged: 0 })
      assert.deepStrictEqual(Object.keys(yield* tagsAt(to, "copy")), ["old", "v1", "v2"])
      yield* json([...args, "--delete"])
      assert.deepStrictEqual(yield* tagsAt(to, "copy"), yield* tagsAt(from, "team/app"))
      assert.deepInclude(yield* json([...args, "--delete"]), { changes: [], unchanged: 3, blobs_copied: 0 })
    }))
})

describe("login and logout", () => {
  it.live("try a password, keep it, and forget it", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryDirectory
      const served = yield* inMemory({
        credentials: { users: new Map([["ada", hashSync("wonderland", 4)]]), tokens: [] },
        limits: { wrongLogins: 100 }
      })
      yield* fill(served)
      const host = hostOf(served)
      const file = join(folder, "auth.json")
      const run = Effect.fnUntraced(function*(args: ReadonlyArray<string>, input = "") {
        const { child, exit, stderr, stdout } = yield* spawnServer(args, { REGISTRY_AUTH_FILE: file })
        child.stdin.end(input)
        return { code: yield* exit, out: stdout(), err: stderr() }
      })
      const login = ["login", host, "--username", "ada", "--password-stdin"]
      const refused = yield* run(["tags", `docker://${host}/team/app`])
      assert.strictEqual(refused.code, 4)
      assert.match(refused.err, /ocilayout login/u)
      const wrong = yield* run(login, "wrong\n")
      assert.strictEqual(wrong.code, 4, wrong.err)
      assert.notInclude(wrong.err, "wrong\"")
      const right = yield* run(login, "wonderland\n")
      assert.deepStrictEqual([right.code, right.out], [0, `ada at ${host}, kept in ${file}\n`], right.err)
      assert.deepStrictEqual(JSON.parse(readFileSync(file, "utf8")), {
        auths: { [host]: { auth: Buffer.from("ada:wonderland").toString("base64") } }
      })
      assert.strictEqual((yield* run(["tags", `docker://${host}/team/app`])).out, "latest\nv1\nv2\n")
      assert.strictEqual((yield* run(["logout", host])).out, `no longer at ${host}: ${file}\n`)
      assert.strictEqual((yield* run(["logout", host])).out, `no login at ${host} was kept\n`)
    }), 60_000)

  it.live("take a password from nowhere else", () =>
    Effect.gen(function*() {
      const { code, err } = yield* ocl(["login", "example.com", "--username", "ada"])
      assert.strictEqual(code, 2)
      assert.match(err, /--password-stdin/u)
    }))
})
