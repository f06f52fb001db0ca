import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeDisk, makeDiskTree } from "../../src/node/index.ts"
import { knownCommits } from "../../src/ops/history/knownCommits.ts"
import { bytesOf, digestOf, pushImage } from "../mcp/support/images.ts"
import { verified } from "../support/findings.ts"
import { copyOfFixture, fixtureNames, listing, makeOld, temporaryFolder } from "../support/folders.ts"
import { ownLayout } from "../support/layouts.ts"

const pathOf = (digest: string): string => `blobs/sha256/${digest.slice("sha256:".length)}`

/** What is wrong with layouts that other tools wrote, or that were made by hand; all others are in order. */
const expected: Readonly<Record<string, ReadonlyArray<string>>> = {
  "dockeroci-empty": ["warning INDEX_NO_LIST", "info BLOB_UNREFERENCED"],
  "dockeroci-unfinished-upload": ["info LEFTOVER"],
  "hand/bad-layer": ["error BLOB_CORRUPT"],
  "hand/bom": ["error INDEX_INVALID", "info BLOB_UNREFERENCED"],
  "hand/dockeroci-style": ["info LEFTOVER", "info LEFTOVER"],
  "hand/dup-keys": ["warning INDEX_KEY_TWICE"],
  "hand/extra-uploads": ["info LEFTOVER"],
  "hand/layout-version-1.1.0": ["error LAYOUT_FILE_INVALID"],
  "hand/layout-version-2": ["error LAYOUT_FILE_INVALID"],
  "hand/manifests-absent": ["warning INDEX_NO_LIST"],
  "hand/manifests-null": ["warning INDEX_NO_LIST"],
  "hand/mediatype-conflict": ["error MANIFEST_INVALID", "info BLOB_UNREFERENCED"],
  "hand/missing-layer": ["error BLOB_MISSING"],
  "hand/no-oci-layout": ["error LAYOUT_FILE_MISSING"],
  "hand/no-schemaversion": ["warning INDEX_VERSION"],
  "hand/odd-refs": Array.from({ length: 4 }, () => "warning NAME_UNREADABLE"),
  "hand/other-algorithm": ["warning DIGEST_UNSUPPORTED", "warning DIGEST_UNSUPPORTED"],
  "hand/referrers": ["warning SUBJECT_MISSING"],
  "hand/schemaversion-1": ["warning INDEX_VERSION"],
  "hand/traversal": ["error ENTRY_INVALID", "info MANIFEST_UNLISTED", "info BLOB_UNREFERENCED"],
  "hand/upper-hex": ["error ENTRY_INVALID"],
  "hand/wrong-size": ["error SIZE_MISMATCH"],
  "oras-delete": ["warning INDEX_NO_LIST"],
  "oras-tag": ["warning NAME_UNREADABLE"],
  "umoci-badtags": ["warning NAME_UNREADABLE"],
  "umoci-empty": ["warning INDEX_NO_LIST"],
  "umoci-insert": [
    "info MANIFEST_UNLISTED",
    "info MANIFEST_UNLISTED",
    "info MANIFEST_UNLISTED",
    "info BLOB_UNREFERENCED"
  ],
  "umoci-rawlayer": ["info MANIFEST_UNLISTED", "info BLOB_UNREFERENCED"]
}

describe("the layouts of other tools", () => {
  for (const name of fixtureNames()) {
    it.live(`${name} has nothing wrong with it but what it was made for`, () =>
      Effect.gen(function*() {
        const directory = yield* copyOfFixture(name)
        const before = listing(directory, { times: true })
        const registry = name === "dockeroci-per-repository"
          ? yield* makeDiskTree({ directory })
          : yield* makeDisk({ directory, defaultRepository: "app" })
        const { checked, findings } = yield* verified(registry)
        assert.deepStrictEqual(
          findings.map(({ code, severity }) => `${severity} ${code}`),
          expected[name] ?? []
        )
        assert.isTrue(checked.blobs > 0 || checked.manifests === 0)
        assert.deepStrictEqual(listing(directory, { times: true }), before)
      }))
  }
})

type Harm = (directory: string, blob: (digest: string) => string) => void

/** `app:v1` in a layout of ours, damaged. */
const damaged = Effect.fnUntraced(function*(harm: Harm, options: Parameters<typeof ownLayout>[0] = {}) {
  const { directory, image, registry } = yield* ownLayout(options)
  yield* registry.check
  harm(directory, (digest) => join(directory, pathOf(digest)))
  makeOld(directory)
  return { directory, image, found: yield* verified(registry) }
})

const write = (name: string, content: string): Harm => (directory) => fs.writeFileSync(join(directory, name), content)
const remove = (name: string): Harm => (directory) => fs.rmSync(join(directory, name), { recursive: true })

const unneeded = (digest: string) => `info BLOB_UNREFERENCED ${pathOf(digest)}`
const empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
const own = [unneeded(empty)]

describe("a layout whose own files are damaged", () => {
  const cases: Readonly<Record<string, readonly [Harm, ReadonlyArray<string>]>> = {
    "nothing at all": [() => undefined, own],
    "an index that was deleted": [remove("index.json"), ["error INDEX_MISSING index.json"]],
    "an index cut short": [write("index.json", `{"schemaVersion":2,`), ["error INDEX_INVALID index.json"]],
    "an index that is a folder": [
      (directory) => {
        fs.rmSync(join(directory, "index.json"))
        fs.mkdirSync(join(directory, "index.json"))
      },
      ["error INDEX_UNREADABLE index.json"]
    ],
    "an index that is a link": [
      (directory) => {
        fs.renameSync(join(directory, "index.json"), join(directory, "elsewhere.json"))
        fs.symlinkSync("elsewhere.json", join(directory, "index.json"))
      },
      ["error INDEX_UNREADABLE index.json"]
    ],
    "an oci-layout that was deleted": [remove("oci-layout"), ["error LAYOUT_FILE_MISSING oci-layout", ...own]],
    "an empty oci-layout": [write("oci-layout", ""), ["error LAYOUT_FILE_INVALID oci-layout", ...own]],
    "a journal that was cut short": [
      (directory) => fs.appendFileSync(join(directory, ".ocilayout/journal/2/current.ndjson"), "{\"h\":\"12"),
      ["info JOURNAL_TORN .ocilayout/journal", ...own]
    ],
    "a journal with a line taken out": [
      (directory) => {
        const path = join(directory, ".ocilayout/journal/2/current.ndjson")
        const [line = ""] = fs.readFileSync(path, "utf8").split("\n")
        const other = line[10] === "0" ? "1" : "0"
        fs.writeFileSync(path, `${line.slice(0, 10)}${other}${line.slice(11)}\n${line}\n`)
      },
      ["warning JOURNAL_DAMAGED .ocilayout/journal", ...own]
    ],
    "a journal that is a folder": [
      (directory) => {
        fs.rmSync(join(directory, ".ocilayout/journal/2/current.ndjson"))
        fs.mkdirSync(join(directory, ".ocilayout/journal/2/current.ndjson"))
      },
      ["error FILE_UNREADABLE .ocilayout/journal", ...own]
    ],
    "files that only their owner may read": [
      (directory) => fs.chmodSync(join(directory, "index.json"), 0o600),
      ["warning FILE_MODE index.json", ...own]
    ]
  }
  for (const [name, [harm, lines]] of Object.entries(cases)) {
    it.live(name, () =>
      Effect.gen(function*() {
        const { directory, found } = yield* damaged(harm)
        const told = found.lines.filter((line) => !line.startsWith("info BLOB_UNREFERENCED") || own.includes(line))
        assert.deepStrictEqual(told, [...lines])
        const unneeded = found.findings.find(({ code }) => code === "BLOB_UNREFERENCED")
        const doubtful = lines.some((line) => line.startsWith("error INDEX"))
        assert.strictEqual(unneeded?.message.includes("as far as can be told"), doubtful)
        assert.isTrue(fs.existsSync(join(directory, "blobs")))
      }))
  }

  it.live("is read to its beginning where content is, and so is its journal", () =>
    Effect.gen(function*() {
      const { directory, image, registry } = yield* ownLayout({ history: { segmentBytes: 2000 } })
      for (let turn = 0; turn < 20; turn++) {
        yield* registry.tagManifest("app", image.digest, ["v2"])
        yield* registry.deleteTag("app", "v2")
      }
      const folder = join(directory, ".ocilayout/journal/2")
      const [closed = ""] = fs.readdirSync(folder).filter((name) => name.startsWith("before-")).toSorted()
      assert.deepStrictEqual((yield* verified(registry)).lines, own)
      const path = join(folder, closed)
      fs.writeFileSync(path, fs.readFileSync(path, "utf8").replace("library", "somebody"))
      assert.deepStrictEqual((yield* verified(registry, { level: "links" })).lines, own)
      const found = ["warning JOURNAL_DAMAGED .ocilayout/journal", ...own]
      assert.deepStrictEqual((yield* verified(registry)).lines, found)
      // As its remedy says, no write puts an older part right.
      yield* registry.tagManifest("app", image.digest, ["v3"])
      assert.deepStrictEqual((yield* verified(registry)).lines, found)
      assert.strictEqual((yield* registry.resolveTag("app", "v3")).digest, image.digest)
    }))

  const journalLines = (path: string): ReadonlyArray<string> => fs.readFileSync(path, "utf8").trimEnd().split("\n")
  const broken: Readonly<Record<string, (lines: ReadonlyArray<string>) => ReadonlyArray<string>>> = {
    "a line that was changed": ([first = "", second = "", ...rest]) => [first, second.replace("library", "x"), ...rest],
    "a line that was taken out": ([first = "", , ...rest]) => [first, ...rest],
    "its last line twice": (lines) => [...lines, ...lines.slice(-1)]
  }
  it.live.each(Object.entries(broken))(
    "tells and takes back what was done after %s in its journal",
    ([, harm]) =>
      Effect.gen(function*() {
        const { directory, image, registry } = yield* ownLayout()
        const path = join(directory, ".ocilayout/journal/2/current.ndjson")
        for (const tag of ["v2", "v3"]) yield* registry.tagManifest("app", image.digest, [tag])
        fs.writeFileSync(path, harm(journalLines(path)).map((line) => `${line}\n`).join(""))
        const reopened = yield* makeDisk({ directory, defaultRepository: "app" })
        yield* reopened.tagManifest("app", image.digest, ["v4"])
        assert.deepStrictEqual((yield* verified(reopened)).lines, [
          "warning JOURNAL_DAMAGED .ocilayout/journal",
          ...own
        ])
        const { commits, damage } = yield* knownCommits(reopened.history())
        assert.deepStrictEqual(commits.slice(0, 2).map(({ changes }) => changes.map(({ tag }) => String(tag))), [
          ["v4"],
          [
            "v3"
          ]
        ])
        assert.strictEqual(damage?.from, commits.at(-1)?.revision)
        const [last, before] = commits.map(({ revision }) => revision)
        const at = reopened.at({ revision: before ?? 0 })
        assert.strictEqual((yield* Effect.flip(at.resolveTag("app", "v4")))._tag, "ManifestUnknown")
        assert.strictEqual((yield* at.resolveTag("app", "v1")).digest, image.digest)
        yield* reopened.revert(last ?? 0)
        assert.strictEqual((yield* Effect.flip(reopened.resolveTag("app", "v4")))._tag, "ManifestUnknown")
        assert.strictEqual((yield* reopened.resolveTag("app", "v3")).digest, image.digest)
        const early = yield* Effect.flip(reopened.at({ revision: 1 }).resolveTag("app", "v1"))
        assert.strictEqual(early._tag, "HistoryInvalid")
      })
  )

  it.live("is whole where nothing was ever put into it", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryFolder
      const registry = yield* makeDisk({ directory })
      assert.deepStrictEqual(yield* verified(registry), { findings: [], lines: [], checked: nothing })
      fs.writeFileSync(join(directory, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
      assert.deepStrictEqual((yield* verified(registry)).lines, [])
      fs.mkdirSync(join(directory, "blobs/sha256"), { recursive: true })
      fs.writeFileSync(join(directory, pathOf(empty)), "{}")
      assert.deepStrictEqual((yield* verified(registry)).lines, ["error INDEX_MISSING index.json", ...own])
    }))
})

const nothing = { _tag: "Checked", manifests: 0, blobs: 0, bytes: 0 }

/** The image of `ownLayout`. */
const image0 = {
  config: digestOf(bytesOf({ os: "linux", architecture: "amd64" })),
  layer: digestOf(bytesOf("layer one"))
}

describe("blobs that are damaged", () => {
  it.live("are told by what is wrong with them, and by whether they are needed", () =>
    Effect.gen(function*() {
      const { found, image } = yield* damaged((directory) => {
        for (const name of fs.readdirSync(join(directory, "blobs/sha256"))) {
          const path = join(directory, "blobs/sha256", name)
          const bytes = fs.readFileSync(path)
          fs.rmSync(path)
          fs.writeFileSync(path, bytes.map((byte, place) => place === 0 ? byte ^ 1 : byte))
        }
      })
      assert.deepStrictEqual(found.lines, [
        `error MANIFEST_CORRUPT ${pathOf(image.digest)}`,
        ...found.lines.slice(1, 2),
        ...[image.config.digest, image.layers[0]?.digest ?? "", empty].map((digest) =>
          `warning BLOB_CORRUPT ${pathOf(digest)}`
        ).toSorted()
      ])
      assert.match(found.findings[1]?.message ?? "", /^3 blobs .* as far as can be told/u)
      assert.deepStrictEqual(found.findings[0]?.affected, ["app:v1"])
    }))

  it.live("cut short, or gone while only we hold them, are told of all the same", () =>
    Effect.gen(function*() {
      const { found, image } = yield* damaged((directory) => {
        const [config = "", layer = ""] = [image0.config, image0.layer].map((name) => join(directory, pathOf(name)))
        fs.rmSync(layer)
        fs.renameSync(config, `${config}.old`)
        fs.writeFileSync(config, "{")
        fs.rmSync(`${config}.old`)
      })
      assert.deepStrictEqual(found.lines, [
        `error SIZE_MISMATCH ${pathOf(image.config.digest)}`,
        `warning BLOB_HELD ${pathOf(image0.layer)}`,
        ...own
      ])
    }))

  it.live("are links, folders and others' secrets", () =>
    Effect.gen(function*() {
      const harm: Harm = (directory, blob) => {
        fs.renameSync(blob(image0.layer), join(directory, "layer"))
        fs.symlinkSync("../../layer", blob(image0.layer))
        fs.rmSync(blob(empty))
        fs.mkdirSync(blob(empty))
        fs.chmodSync(blob(image0.config), 0o600)
      }
      const refused = yield* damaged(harm)
      assert.deepStrictEqual(refused.found.lines, [
        `error BLOB_NO_FILE ${pathOf(image0.layer)}`,
        `warning BLOB_NO_FILE ${pathOf(empty)}`,
        `warning FILE_MODE ${pathOf(image0.config)}`
      ])
      const followed = yield* damaged(harm, { symlinks: "inside" })
      assert.deepStrictEqual(followed.found.lines, refused.found.lines.slice(1))
    }))

  it.live("are no secrets in a layout that can be read", () =>
    Effect.gen(function*() {
      const { found } = yield* damaged((directory, blob) => {
        fs.chmodSync(directory, 0o700)
        fs.chmodSync(blob(image0.config), 0o600)
      })
      assert.deepStrictEqual(found.lines, own)
    }))
})

describe("a tree of layouts", () => {
  const tree = Effect.gen(function*() {
    const directory = yield* temporaryFolder
    const registry = yield* makeDiskTree({ directory, durability: "none" })
    const image = yield* pushImage(registry, { repository: "app/web", tags: ["v1"] })
    yield* pushImage(registry, { repository: "base", tags: ["v1"] })
    fs.rmSync(join(directory, "app/web", pathOf(image.config.digest)))
    fs.rmSync(join(directory, "base/oci-layout"))
    return { image, registry }
  })

  it.live("is verified as a whole, or by the repository, and every path says whose it is", () =>
    Effect.gen(function*() {
      const { image, registry } = yield* tree
      const all = yield* verified(registry)
      assert.deepStrictEqual(all.lines, [
        `warning BLOB_HELD app/web/${pathOf(image.config.digest)}`,
        "error LAYOUT_FILE_MISSING base/oci-layout"
      ])
      assert.deepStrictEqual(all.findings.map(({ repository }) => String(repository)), ["app/web", "base"])
      assert.deepStrictEqual((yield* verified(registry, { repository: "base" })).lines, all.lines.slice(1))
      const one = yield* verified(registry, { repository: "app/web", reference: "v1" })
      assert.deepStrictEqual(one.lines, all.lines.slice(0, 1))
      assert.deepStrictEqual(one.findings[0]?.affected, ["app/web:v1"])
    }))
})
