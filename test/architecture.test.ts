/** Holds the code to the README's picture: a folder imports only what stands left of it. */
import { assert, describe, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path/posix"
import { parseAst } from "rolldown/parseAst"

const picture =
  "oci ← layout, places ← ops ← image ← make ← memory, node, mcp, http ← remote, archive, ui ← bucket ← cli ← main"

/** The rooms of a folder, in the same way; what lies beside the rooms puts them together. */
const rooms: Record<string, string> = {
  image: "tar, ports ← table ← layers, tree ← inside ← packages",
  make: "documents, tar, ports, content ← artifacts, indexes, layers ← images",
  node: "fs ← files ← journal ← index ← blobs ← commit, uploads, sidecars, layers ← making, repair",
  ops:
    "api ← ports ← manifests ← repositories ← reachability ← refs, content ← copy, history, garbage, verify ← repair",
  remote: "conf, wire ← auth ← content",
  archive: "files ← images, write",
  ui: "data ← parts ← views ← chat",
  bucket: "store ← layout",
  mcp: "tool ← tools ← catalog ← resources, prompts ← requests ← sdk"
}

/** What lies beside the rooms and is for all of them. */
const beside = ["src/ops/limits.ts", "src/image/limits.ts"]

/** What each folder may take from outside; `/` and `:` at the end stand for everything below. */
const packages: Record<string, ReadonlyArray<string>> = {
  oci: ["effect", "effect/"],
  layout: ["effect", "effect/"],
  places: ["effect", "effect/"],
  ops: ["effect", "effect/"],
  image: ["effect", "effect/"],
  make: ["effect", "effect/"],
  memory: ["effect", "effect/", "@noble/hashes/"],
  node: ["effect", "effect/", "node:", "fs-native-extensions"],
  mcp: ["effect", "effect/", "@modelcontextprotocol/sdk/"],
  http: ["effect", "effect/"],
  remote: ["effect", "effect/", "node:", "smol-toml"],
  archive: ["effect", "effect/", "node:"],
  ui: ["preact", "preact/", "d3-hierarchy"],
  bucket: ["effect", "effect/", "node:"],
  cli: ["effect", "effect/", "node:", "@effect/platform-node/"]
}

/** Files that may take more than their folder, each with its reason. */
const exceptions: Record<string, ReadonlyArray<string>> = {
  // Node's HTTP server, and hashes of tokens.
  "src/mcp/sdk/http/accept.ts": ["node:http"],
  "src/mcp/sdk/http/connections.ts": ["node:http", "node:net"],
  "src/mcp/sdk/http/withoutNullId.ts": ["node:http"],
  "src/mcp/sdk/http/exchange.ts": ["node:"],
  "src/mcp/sdk/http/gate.ts": ["node:"],
  "src/mcp/sdk/http/serveHttp.ts": ["node:"],
  "src/mcp/sdk/http/sessions.ts": ["node:"],
  // The same for registries, and what passwords are hashed with.
  "src/http/notify/cloudEvent.ts": ["node:crypto"],
  "src/http/observe.ts": ["node:net", "@effect/platform-node/NodeHttpServerRequest"],
  "src/http/passwords.ts": ["node:crypto", "bcryptjs"],
  "src/http/serveRegistry.ts": ["node:http", "node:https", "@effect/platform-node/NodeHttpServer"],
  "src/http/stalled.ts": ["node:http"],
  "src/http/tickets.ts": ["node:crypto"]
}

/** All that the pure folders may take from effect: data, and nothing that runs, waits or reads a clock. */
const pureFolders = ["oci", "layout"]
const pureModules = new Set(
  "Array Brand Chunk encoding Equal Hash HashMap HashSet Option Order Predicate Record Result Schema".split(" ")
)

interface Node {
  readonly type: string
  readonly [field: string]: unknown
}

interface Import {
  readonly specifier: string
  /** Whether types alone are taken, so that nothing of it is bundled. */
  readonly isType: boolean
  /** The names taken, `*` for all of them. */
  readonly names: ReadonlyArray<string>
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"

const nodesBelow = (value: unknown): ReadonlyArray<Node> =>
  Array.isArray(value)
    ? value.flatMap(nodesBelow)
    : isNode(value)
    ? [value, ...Object.values(value).flatMap(nodesBelow)]
    : []

/** The text of a name or a literal; what only running would tell is `(computed)`. */
const textOf = (value: unknown): string => {
  const text = isNode(value) ? value["name"] ?? value["value"] : undefined
  return typeof text === "string" ? text : "(computed)"
}

const namesOf = ({ imported, local, type }: Node): string =>
  type === "ImportSpecifier" ? textOf(imported) : type === "ExportSpecifier" ? textOf(local) : "*"

/** Static and dynamic imports, re-exports and `import("…")` types: all of them name a source. */
const importOf = ({ importKind, source, specifiers }: Node): ReadonlyArray<Import> =>
  isNode(source)
    ? [{
      specifier: textOf(source),
      isType: importKind === "type",
      names: Array.isArray(specifiers) ? specifiers.filter(isNode).map(namesOf) : ["*"]
    }]
    : []

const files = globSync("src/**/*.{ts,tsx}").map((path) => path.replaceAll("\\", "/")).toSorted().map((path) => {
  const text = readFileSync(path, "utf8")
  const program: unknown = parseAst(text, {
    lang: path.endsWith(".d.ts") ? "dts" : path.endsWith(".tsx") ? "tsx" : "ts"
  }, path)
  const nodes = nodesBelow(program)
  const imports = nodes.flatMap(importOf).map(({ isType, names, specifier }) => ({
    isType,
    names,
    specifier,
    target: specifier.startsWith(".") ? join(dirname(path), specifier) : specifier
  }))
  const body = isNode(program) && Array.isArray(program["body"]) ? program["body"].filter(isNode) : []
  return {
    path,
    folder: /^src\/(\w+)\//.exec(path)?.[1],
    lines: text.trimEnd().split("\n").length,
    nodes,
    body,
    imports
  }
})

const ringsOf = (text: string): ReadonlyArray<ReadonlyArray<string>> =>
  text.split(" ← ").map((ring) => ring.split(", "))

const folders = ringsOf(picture).flat().filter((name) => name !== "main")

/** What stands left of a name. */
const leftOf = (name: string, text = picture): ReadonlyArray<string> => {
  const rings = ringsOf(text)
  return rings.slice(0, rings.findIndex((ring) => ring.includes(name))).flat()
}

/** The files that a file imports, and those that they import, and so on, come back to it: one way around. */
const circleFrom = (start: string): ReadonlyArray<string> | undefined => {
  const waiting: Array<ReadonlyArray<string>> = [[start]]
  const seen = new Set<string>()
  for (let way = waiting.shift(); way !== undefined; way = waiting.shift()) {
    for (const { target } of byPath.get(way.at(-1) ?? "")?.imports ?? []) {
      if (target === start) return [...way, start]
      if (!byPath.has(target) || seen.has(target)) continue
      seen.add(target)
      waiting.push([...way, target])
    }
  }
  return undefined
}

const byPath = new Map(files.map((file) => [file.path, file]))

const covers = (allowed: ReadonlyArray<string>, target: string): boolean =>
  allowed.some((entry) => /[/:]$/.test(entry) ? target.startsWith(entry) : target === entry)

describe("architecture", () => {
  it("is the picture the README shows", () => {
    const block = readFileSync("README.md", "utf8").split("```").find((part) => part.includes(picture))
    assert.isDefined(block, `README.md shows ${picture} in a fenced block`)
    assert.sameMembers(Array.from(block.matchAll(/^\s*src\/(\w+)\//gm), ([, folder]) => folder), folders)
  })

  it.each([picture, ...Object.values(rooms)])("is explained in docs/architecture.md: %s", (text) => {
    assert.include(readFileSync("docs/architecture.md", "utf8"), `\`\`\`\n${text}\n\`\`\``)
  })

  it("has no folder and no loose file beside the picture", () => {
    const strangers = files.filter(({ folder, path }) =>
      folder === undefined ? !["src/index.ts", "src/main.ts"].includes(path) : !folders.includes(folder)
    )
    assert.deepStrictEqual(strangers.map(({ path }) => path), [])
    assert.sameMembers(Object.keys(packages), folders)
  })

  it.each(folders)("src/%s imports only what stands left of it", (folder) => {
    const left = [folder, ...leftOf(folder)].map((name) => `src/${name}/`)
    const wrong = files.filter((file) => file.folder === folder).flatMap(({ imports, path }) => {
      const allowed = [...left, ...packages[folder] ?? [], ...exceptions[path] ?? []]
      return imports.filter(({ target }) => !covers(allowed, target)).map(({ target }) => `${path} imports ${target}`)
    })
    assert.deepStrictEqual(wrong, [])
  })

  it.each(Object.entries(rooms))(
    "src/%s has rooms of which each imports only what stands left of it",
    (folder, text) => {
      const names = ringsOf(text).flat()
      const own = files.filter(({ path }) => path.startsWith(`src/${folder}/`))
      const roomOf = (path: string): string | undefined => path.split("/").at(2)
      const inside = own.filter(({ path }) => path.split("/").length > 3)
      assert.sameMembers(Array.from(new Set(inside.map(({ path }) => roomOf(path)))), names)
      const wrong = inside.flatMap(({ imports, path }) => {
        const room = roomOf(path) ?? ""
        const allowed = [room, ...leftOf(room, text)].map((name) => `src/${folder}/${name}/`)
        return imports.filter(({ target }) =>
          target.startsWith(`src/${folder}/`) && !covers([...allowed, ...beside], target)
        ).map(({ target }) => `${path} imports ${target}`)
      })
      assert.deepStrictEqual(wrong, [])
    }
  )

  it("gives browsers nothing of the server but the types of its answers", () => {
    const wrong = files.filter(({ folder }) => folder === "ui").flatMap(({ imports, path }) =>
      imports.filter(({ isType, target }) =>
        target.startsWith("src/") && !target.startsWith("src/ui/") &&
        !(isType && target === "src/http/ui/answers.ts")
      ).map(({ target }) => `${path} imports ${target}`)
    )
    assert.deepStrictEqual(wrong, [])
  })

  it("has no circle of imports, of types neither", () => {
    const circles = files.flatMap(({ path }) => circleFrom(path) ?? [])
    assert.deepStrictEqual(circles, [])
  })

  it.each(pureFolders)("src/%s takes only data from effect", (folder) => {
    const wrong = files.filter((file) => file.folder === folder).flatMap(({ imports, path }) =>
      imports.flatMap(({ names, specifier }) =>
        specifier === "effect" ? names : specifier.startsWith("effect/") ? specifier.split("/").slice(1, 2) : []
      ).filter((name) => !pureModules.has(name)).map((name) => `${path} takes ${name}`)
    )
    assert.deepStrictEqual(wrong, [])
  })

  it("imports no barrel from inside", () => {
    const wrong = files.flatMap(({ imports, path }) =>
      imports.filter(({ target }) => target === "src/index.ts" || target === "@effect/platform-node").map((
        { target }
      ) => `${path} imports ${target}`)
    )
    assert.deepStrictEqual(wrong, [])
  })

  it("only re-exports from src/index.ts", () => {
    const isReexport = ({ source, type }: Node): boolean =>
      type === "ExportAllDeclaration" || type === "ExportNamedDeclaration" && isNode(source)
    const wrong = files.filter(({ body, path }) => path === "src/index.ts" && !body.every(isReexport))
    assert.deepStrictEqual(wrong.map(({ path }) => path), [])
  })

  it("keeps every file within 300 lines", () => {
    assert.deepStrictEqual(files.filter(({ lines }) => lines > 300).map(({ lines, path }) => `${path}: ${lines}`), [])
  })

  it("never says any", () => {
    const wrong = files.filter(({ nodes }) => nodes.some(({ type }) => type === "TSAnyKeyword"))
    assert.deepStrictEqual(wrong.map(({ path }) => path), [])
  })
})
