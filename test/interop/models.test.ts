/** The models of other tools leave a layout as the tools themselves do, down to the bytes of the index and the modes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { imageOf, partsOf } from "../../properties/support/tools/images.ts"
import { runTool, type ToolPlan } from "../../properties/support/tools/ToolPlan.ts"
import { makeDisk } from "../../src/node/index.ts"
import { missingOf, run } from "../support/commands.ts"
import { listing, temporaryFolder } from "../support/folders.ts"
import { toolFs } from "../support/toolFs.ts"

const missing = missingOf("models of tools", ["skopeo", "oras", "regctl", "umoci", "crane"])

/** Before 0.22 the entries of crane say less. */
const hasCrane = (): boolean => {
  if (missing.has("crane")) return false
  const version = run("crane", "version").toString("utf8").trim()
  const isNew = Number(/^v?0\.(\d+)\./u.exec(version)?.[1] ?? 0) >= 22
  if (!isNew) console.info(`models of tools: crane ${version} is older than the one that was traced: skipped`)
  return isNew
}

interface Case {
  readonly command: string
  readonly plan: ToolPlan
  /** What the tool is called with. */
  readonly args: (layout: string, source: string) => ReadonlyArray<string>
  /** Done to both layouts before, by the tool itself. */
  readonly first?: (layout: string, source: string) => ReadonlyArray<string>
}

const skopeo = (note: string, name: string) => (layout: string, source: string): ReadonlyArray<string> => [
  "--insecure-policy",
  "copy",
  "--quiet",
  "--dest-oci-accept-uncompressed-layers",
  `oci:${source}:${note}`,
  `oci:${layout}:${name}`
]
const oras = (note: string, name: string) => (layout: string, source: string): ReadonlyArray<string> => [
  "cp",
  "--from-oci-layout",
  `${source}:${note}`,
  "--to-oci-layout",
  `${layout}:${name}`
]
const regctl = (note: string, name: string) => (layout: string, source: string): ReadonlyArray<string> => [
  "image",
  "copy",
  `ocidir://${source}:${note}`,
  `ocidir://${layout}:${name}`
]
const umociRemove = (name: string) => (layout: string): ReadonlyArray<string> => ["rm", "--image", `${layout}:${name}`]

const cases: Readonly<Record<string, Case>> = {
  "skopeo copy to a new name": {
    command: "skopeo",
    plan: { tool: "skopeo", name: "app:new", note: "c" },
    args: skopeo("c", "app:new")
  },
  "skopeo copy of what is there to its name": {
    command: "skopeo",
    plan: { tool: "skopeo", name: "app:t0", note: "a" },
    args: skopeo("a", "app:t0")
  },
  "skopeo copy to a name that something else has": {
    command: "skopeo",
    plan: { tool: "skopeo", name: "app:t0", note: "b" },
    args: skopeo("b", "app:t0")
  },
  "skopeo copy to a name that something else without another name has": {
    command: "skopeo",
    first: skopeo("b", "app:t0"),
    plan: { tool: "skopeo", name: "app:again", note: "a" },
    args: skopeo("a", "app:again")
  },
  "oras cp to a new name": {
    command: "oras",
    plan: { tool: "oras cp", name: "new", note: "c" },
    args: oras("c", "new")
  },
  "oras cp of what is there": {
    command: "oras",
    plan: { tool: "oras cp", name: "new", note: "a" },
    args: oras("a", "new")
  },
  "oras tag": {
    command: "oras",
    first: oras("c", "new"),
    plan: { tool: "oras tag", from: "new", name: "more" },
    args: (layout) => ["tag", "--oci-layout", `${layout}:new`, "more"]
  },
  "oras manifest delete": {
    command: "oras",
    first: oras("c", "new"),
    plan: { tool: "oras delete", name: "new" },
    args: (layout) => ["manifest", "delete", "--force", "--oci-layout", `${layout}:new`]
  },
  "regctl image copy to a new name": {
    command: "regctl",
    plan: { tool: "regctl copy", name: "new", note: "c" },
    args: regctl("c", "new")
  },
  "regctl image copy of what is there": {
    command: "regctl",
    first: regctl("c", "new"),
    plan: { tool: "regctl copy", name: "new", note: "c" },
    args: regctl("c", "new")
  },
  "regctl image copy over another": {
    command: "regctl",
    first: regctl("c", "new"),
    plan: { tool: "regctl copy", name: "new", note: "d" },
    args: regctl("d", "new")
  },
  "regctl tag delete": {
    command: "regctl",
    first: regctl("c", "new"),
    plan: { tool: "regctl delete", name: "new" },
    args: (layout) => ["tag", "delete", `ocidir://${layout}:new`]
  },
  "umoci tag": {
    command: "umoci",
    plan: { tool: "umoci tag", from: "app:t0", name: "app:more" },
    args: (layout) => ["tag", "--image", `${layout}:app:t0`, "app:more"]
  },
  "umoci tag over another": {
    command: "umoci",
    plan: { tool: "umoci tag", from: "app:t0", name: "app:t1" },
    args: (layout) => ["tag", "--image", `${layout}:app:t0`, "app:t1"]
  },
  "umoci rm": { command: "umoci", plan: { tool: "umoci rm", name: "app:t0" }, args: umociRemove("app:t0") },
  "umoci gc": {
    command: "umoci",
    first: umociRemove("app:t0"),
    plan: { tool: "umoci gc" },
    args: (layout) => ["gc", "--layout", layout]
  },
  "crane layout gc": {
    command: "crane",
    plan: { tool: "crane gc" },
    args: (layout) => ["layout", "gc", layout]
  }
}

/** Two tags of ours, and annotations that no tool knows. */
const prepare = Effect.fnUntraced(function*(layout: string) {
  const registry = yield* makeDisk({ directory: layout })
  for (const [tag, note] of [["t0", "a"], ["t1", "b"]] as const) {
    const image = imageOf(note)
    for (const { bytes } of partsOf(image)) yield* registry.pushBlob("app", Stream.succeed(bytes))
    yield* registry.pushManifest("app", image.manifest.bytes, image.mediaType, { tags: [tag] })
  }
  const index = join(layout, "index.json")
  const document = JSON.parse(fs.readFileSync(index, "utf8")) as {
    readonly annotations: object
    readonly manifests: ReadonlyArray<{ readonly annotations: object }>
  }
  fs.writeFileSync(
    index,
    JSON.stringify({
      ...document,
      annotations: { ...document.annotations, "com.example.index": "kept" },
      manifests: document.manifests.map((entry) => ({
        ...entry,
        "x-field": "lost",
        annotations: { ...entry.annotations, "com.example.entry": "kept" }
      }))
    })
  )
})

const notes = ["a", "b", "c", "d"]

/** All images, under their notes. */
const makeSource = (source: string): Effect.Effect<void> =>
  Effect.forEach(notes, (note) => model(source, { tool: "skopeo", name: note, note }), { discard: true })

const model = (layout: string, plan: ToolPlan): Effect.Effect<void> => {
  fs.mkdirSync(layout, { recursive: true })
  let digits = 1000
  return Effect.orDie(runTool({
    fs: toolFs,
    root: layout,
    pause: () => Effect.void,
    say: () => undefined,
    digits: () => String(digits++),
    alone: (work) => work,
    together: (work) => work
  }, plan))
}

/** The index, its times left out, and for oras the order of its entries; and everything else that lies there. */
const leftIn = (layout: string, inOrder: boolean) => {
  const index = join(layout, "index.json")
  const text = fs.readFileSync(index, "utf8").replaceAll(/(image.created":")[^"]*/gu, "$1")
  const mode = (fs.statSync(index).mode & 0o777).toString(8)
  const files = listing(layout, { except: [".ocilayout", "index.json"] })
  if (inOrder) return { mode, text, files }
  const { manifests, ...rest } = JSON.parse(text) as { readonly manifests: ReadonlyArray<unknown> }
  return {
    mode,
    text: JSON.stringify(rest),
    files,
    manifests: manifests.map((entry) => JSON.stringify(entry)).toSorted()
  }
}

describe("the model of", () => {
  for (const [name, { args, command, first, plan }] of Object.entries(cases)) {
    it.live.skipIf(missing.has(command))(`${name} does what the tool does`, () =>
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        const [source, real, modelled] = [join(folder, "source"), join(folder, "real"), join(folder, "modelled")]
        yield* makeSource(source)
        fs.mkdirSync(real)
        yield* prepare(real)
        if (first !== undefined) run(command, ...first(real, source))
        fs.cpSync(real, modelled, { recursive: true })
        run(command, ...args(real, source))
        yield* model(modelled, plan)
        const isOrdered = command !== "oras"
        assert.deepStrictEqual(leftIn(modelled, isOrdered), leftIn(real, isOrdered))
      }))
  }

  it.live.skipIf(!hasCrane())("crane pull does what the tool does", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const [source, real, modelled] = [join(folder, "source"), join(folder, "real"), join(folder, "modelled")]
      fs.mkdirSync(real)
      yield* prepare(real)
      fs.cpSync(real, modelled, { recursive: true })
      yield* model(source, { tool: "skopeo", name: "c", note: "c" })
      const image = `${yield* registryOfItsOwn}/app:c`
      run("crane", "push", source, image)
      run("crane", "pull", "--format", "oci", "--annotate-ref", image, real)
      yield* model(modelled, { tool: "crane pull", name: image, note: "c" })
      assert.deepStrictEqual(leftIn(modelled, true), leftIn(real, true))
    }))
})

/** crane brings images from registries only, and has one to serve them. */
const registryOfItsOwn = Effect.flatMap(
  Effect.acquireRelease(
    Effect.sync(() => spawn("crane", ["registry", "serve", "--address", "127.0.0.1:0"], { stdio: "pipe" })),
    (child) => Effect.sync(() => child.kill())
  ),
  ({ stderr }) =>
    Effect.callback<string>((resume) => {
      createInterface({ input: stderr }).on("line", (line) => {
        const [, port] = /serving on port (\d+)/u.exec(line) ?? []
        if (port !== undefined) resume(Effect.succeed(`127.0.0.1:${port}`))
      })
    })
)
