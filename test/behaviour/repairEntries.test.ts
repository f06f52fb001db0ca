/** Entries of an index that are no descriptors, though what they name is there. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeDisk } from "../../src/node/index.ts"
import { verified } from "../support/findings.ts"
import { temporaryFolder } from "../support/folders.ts"
import { ownLayout } from "../support/layouts.ts"

interface Written {
  readonly [field: string]: unknown
  readonly digest: string
}

/** A layout of another tool, with the one entry changed. */
const changed = Effect.fnUntraced(function*(change: (entry: Written) => object) {
  const directory = join(yield* temporaryFolder, "layout")
  const { image } = yield* Effect.scoped(Effect.tap(ownLayout(), (own) =>
    Effect.sync(() => {
      fs.cpSync(own.directory, directory, { recursive: true })
      fs.rmSync(join(directory, ".ocilayout"), { recursive: true })
    })))
  const path = join(directory, "index.json")
  const { annotations: _, ...index } = JSON.parse(fs.readFileSync(path, "utf8")) as {
    readonly annotations?: object
    readonly manifests: ReadonlyArray<Written>
  }
  fs.writeFileSync(path, JSON.stringify({ ...index, manifests: index.manifests.map(change) }))
  return { directory, image, path, registry: yield* makeDisk({ directory, defaultRepository: "app" }) }
})

const sizes = {
  "a negative size": -5,
  "no size": undefined,
  "null as size": null,
  "a text as size": "401",
  "a broken size": 1.5
}
const broken: Readonly<Record<string, (entry: Written) => object>> = {
  ...Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, (entry: Written) => ({ ...entry, size })])),
  "no media type": (entry) => ({ ...entry, mediaType: undefined }),
  "a digest in capital letters": (entry) => ({ ...entry, digest: entry.digest.toUpperCase() }),
  "a digest without its algorithm": (entry) => ({ ...entry, digest: entry.digest.slice("sha256:".length) }),
  "a digest with a space": (entry) => ({ ...entry, digest: `${entry.digest} ` })
}

describe("an entry that is no descriptor", () => {
  it.live.each(Object.entries(broken))("is written as its content says: %s", ([, change]) =>
    Effect.gen(function*() {
      const { directory, image, path, registry } = yield* changed(change)
      const before = fs.readFileSync(path, "utf8")
      const dry = yield* registry.repair({ dryRun: true })
      assert.deepStrictEqual(dry.done.map(({ code }) => code), ["ENTRY_INVALID"])
      assert.strictEqual(fs.readFileSync(path, "utf8"), before)
      const { done, left } = yield* registry.repair()
      assert.deepStrictEqual([done.map(({ code }) => code), left], [["ENTRY_INVALID"], []])
      const { digest, mediaType, size } = yield* registry.resolveTag("app", "v1")
      assert.deepStrictEqual([digest, mediaType, size], [image.digest, image.mediaType, image.bytes.length])
      assert.deepStrictEqual((yield* verified(registry)).findings.filter(({ severity }) => severity === "error"), [])
      assert.isTrue(fs.existsSync(join(directory, "blobs/sha256", digest.slice("sha256:".length))))
    }))

  const others: Readonly<Record<string, (entry: Written) => object>> = {
    "content that is not there": (entry) => ({ ...entry, size: -1, digest: `sha256:${"0".repeat(64)}` }),
    "a digest that is none": (entry) => ({ ...entry, digest: "sha256:../../etc/passwd" }),
    "a blob that is no manifest": (entry) => ({
      ...entry,
      size: -1,
      digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    })
  }
  it.live.each(Object.entries(others))(
    "stays as it is for a person to look at: %s",
    ([, change]) =>
      Effect.gen(function*() {
        const { path, registry } = yield* changed(change)
        const before = fs.readFileSync(path, "utf8")
        const { left } = yield* registry.repair({ codes: ["ENTRY_INVALID"] })
        assert.deepStrictEqual(left.map(({ what }) => what), ["what it names is not there, or is no manifest"])
        assert.strictEqual(fs.readFileSync(path, "utf8"), before)
      })
  )
})
