import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { instructionsFor } from "../../../src/mcp/catalog/instructions.ts"
import { makeToolCatalog, type Selection, selectTools, type ToolCatalog } from "../../../src/mcp/catalog/toolCatalog.ts"
import { callTool, listTools } from "../../../src/mcp/requests/callTool.ts"
import type { Mode, ServerConfig } from "../../../src/mcp/tool/ServerConfig.ts"
import { toolsets } from "../../../src/mcp/tool/Tool.ts"
import { makeMemory } from "../../../src/memory/index.ts"
import { memoryFiles } from "../support/memoryFiles.ts"

const reading = [
  "oci_list_layouts",
  "oci_list_repositories",
  "oci_list_tags",
  "oci_resolve",
  "oci_get_manifest",
  "oci_read_blob",
  "oci_export_blob",
  "oci_inspect_image",
  "oci_list_referrers",
  "oci_history",
  "oci_usage",
  "oci_verify"
]

const looking = reading.filter((name) => name !== "oci_export_blob")

const writing = [
  "oci_push_blob",
  "oci_mount_blob",
  "oci_push_manifest",
  "oci_tag",
  "oci_copy",
  "oci_attach",
  "oci_make_index",
  "oci_upload_start",
  "oci_upload_append",
  "oci_upload_commit",
  "oci_upload_cancel",
  "oci_delete",
  "oci_restore",
  "oci_repair",
  "oci_pin"
]

/** Where nothing may be removed, it only looks. */
const collecting = "oci_gc"

const served = (mode: Mode, allowed: ReadonlyArray<string> = ["/files"], ids: ReadonlyArray<string> = []) =>
  Effect.map(Effect.orDie(makeMemory()), (registry): ServerConfig => ({
    layouts: [
      { id: "main", path: "/layouts/main", registry, perRepository: false },
      ...ids.map((id) => ({ id, path: `/layouts/${id}`, registry, perRepository: false }))
    ],
    mode,
    files: memoryFiles(allowed)
  }))

const toolsOf = (mode: Mode, allowed?: ReadonlyArray<string>, ids?: ReadonlyArray<string>) =>
  Effect.map(served(mode, allowed, ids), (served) => listTools(makeToolCatalog(served)))

describe("the catalogue", () => {
  it.effect("lists in each mode exactly what the mode allows, in one order", () =>
    Effect.gen(function*() {
      const names = (tools: ReadonlyArray<{ readonly name: string }>) => tools.map(({ name }) => name)
      assert.deepStrictEqual(names(yield* toolsOf("read")), [...looking, collecting])
      assert.deepStrictEqual(names(yield* toolsOf("write")), [...reading, ...writing, collecting])
      assert.deepStrictEqual(names(yield* toolsOf("delete")), [...reading, ...writing, collecting])
    }))

  it.effect("offers export only where there is a directory to write to, and writing is allowed", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* toolsOf("write", [])).map(({ name }) => name), [
        ...looking,
        ...writing,
        collecting
      ])
      for (const allowed of [[], ["/files"]]) {
        const tools = yield* toolsOf("read", allowed)
        assert.deepStrictEqual(tools.map(({ name }) => name), [...looking, collecting])
        assert.isTrue(tools.every(({ annotations }) => annotations.readOnlyHint))
      }
    }))

  it.effect("speaks of paths only where files can be moved, or read beside the server", () =>
    Effect.gen(function*() {
      const catalogueFor = (mode: Mode, allowed: ReadonlyArray<string>, isRemote: boolean) =>
        Effect.map(served(mode, allowed), (one) => {
          const [{ path: _, ...layout }] = one.layouts
          return makeToolCatalog(isRemote ? { ...one, layouts: [layout] } : one)
        })
      const said = (catalogue: ToolCatalog) =>
        [
          instructionsFor(catalogue),
          ...listTools(catalogue).flatMap(({ description, inputSchema }) => [description, JSON.stringify(inputSchema)])
        ].filter((text) =>
          /\bpaths?\b|path_|director|\ba file\b/u.test(text.replace(/local directories|working directory/u, ""))
        )
      for (const mode of ["read", "write", "delete"] as const) {
        assert.deepStrictEqual(said(yield* catalogueFor(mode, [], true)), [], mode)
        const beside = said(yield* catalogueFor(mode, [], false))
        // The file that holds a blob is named in answers; no tool takes one.
        assert.deepStrictEqual(beside.filter((text) => /"path|director/u.test(text)), [], mode)
      }
      assert.isAbove(said(yield* catalogueFor("write", ["/files"], false)).length, 5)
    }))

  it.effect("offers to delete what the mode allows, and force only for manifests", () =>
    Effect.gen(function*() {
      const inputOf = (tools: ReadonlyArray<{ readonly name: string; readonly inputSchema: object }>) =>
        tools.find(({ name }) => name === "oci_delete")?.inputSchema
      const undoable = inputOf(yield* toolsOf("write"))
      assert.deepStrictEqual(undoable, {
        type: "object",
        properties: {
          kind: { type: "string", enum: ["tag", "manifest"], description: "What to remove" },
          ref: {
            type: "string",
            description: "repository:tag (or a raw name) for a tag, repository@<full digest> otherwise"
          },
          refs: {
            type: "array",
            items: { type: "string" },
            minItems: 1,
            maxItems: 100,
            description: "Several tags instead, repository:tag each, removed in one commit"
          },
          if_digest: {
            type: "string",
            pattern: "^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$",
            description: "Delete the tag only if it points at this full digest"
          },
          dry_run: { type: "boolean", description: "Only report what would happen", default: false },
          force: {
            type: "boolean",
            description: "Remove a manifest also when something still needs it",
            default: false
          }
        },
        required: ["kind"],
        additionalProperties: false
      })
      assert.include(JSON.stringify(inputOf(yield* toolsOf("delete"))), `["tag","manifest","blob"]`)
    }))

  it.effect("offers to carry out a collection only where content may be removed", () =>
    Effect.gen(function*() {
      for (const mode of ["read", "write", "delete"] as const) {
        const tool = (yield* toolsOf(mode)).find(({ name }) => name === collecting)
        assert.strictEqual(tool?.annotations.destructiveHint, mode === "delete")
        assert.strictEqual("plan" in (tool?.inputSchema.properties ?? {}), mode === "delete")
      }
    }))

  it.effect("says which layouts there are when there are several", () =>
    Effect.gen(function*() {
      for (const { inputSchema, name } of yield* toolsOf("delete", ["/files"], ["base", "mirror"])) {
        assert.deepStrictEqual(inputSchema.properties?.["layout"], {
          type: "string",
          enum: ["main", "base", "mirror"],
          description: "Layout to use, see oci_list_layouts; default main"
        }, name)
        assert.notInclude(inputSchema.required ?? [], "layout")
      }
      for (const { inputSchema } of yield* toolsOf("delete")) assert.notProperty(inputSchema.properties ?? {}, "layout")
    }))
})

const select = (mode: Mode, selection: Partial<Selection>) =>
  Effect.map(
    served(mode),
    (served) => selectTools(makeToolCatalog(served), { toolsets: [], tools: [], excluded: [], ...selection })
  )

const selected = (mode: Mode, selection: Partial<Selection>) =>
  Effect.flatMap(
    select(mode, selection),
    (result) => Effect.orDie(Effect.fromResult(result))
  )

describe("a selection", () => {
  const names = (mode: Mode, selection: Partial<Selection>) =>
    Effect.map(selected(mode, selection), (catalogue) => listTools(catalogue).map(({ name }) => name))

  it.effect("takes toolsets and tools together, without what is excluded, in the usual order", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* names("delete", {}), [...reading, ...writing, collecting])
      assert.deepStrictEqual(yield* names("delete", { toolsets: ["maintain", "delete"] }), [
        "oci_delete",
        "oci_restore",
        "oci_repair",
        "oci_pin",
        "oci_gc"
      ])
      assert.deepStrictEqual(yield* names("delete", { tools: ["oci_tag", "oci_resolve"] }), ["oci_resolve", "oci_tag"])
      assert.deepStrictEqual(
        yield* names("delete", {
          toolsets: ["inspect", "uploads"],
          tools: ["oci_copy"],
          excluded: ["oci_upload_start", "oci_copy"]
        }),
        ["oci_inspect_image", "oci_usage", "oci_upload_append", "oci_upload_commit", "oci_upload_cancel"]
      )
      assert.deepStrictEqual(
        yield* names("delete", { excluded: ["oci_gc"] }),
        [...reading, ...writing]
      )
    }))

  it.effect("offers every tool in some toolset", () =>
    Effect.gen(function*() {
      const everything = yield* names("delete", { toolsets: Array.from(toolsets) })
      assert.deepStrictEqual(everything, [...reading, ...writing, collecting])
      for (const toolset of toolsets) assert.isNotEmpty(yield* names("delete", { toolsets: [toolset] }), toolset)
    }))

  it.effect("never offers what the mode forbids", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* names("read", { tools: ["oci_tag", "oci_resolve"] }), ["oci_resolve"])
      assert.deepStrictEqual(
        yield* select("read", { toolsets: ["uploads"] }),
        Result.fail("no tool is left: select others, or allow more")
      )
    }))

  it.effect("refuses a call of what it leaves out, and says why", () =>
    Effect.gen(function*() {
      const catalogue = yield* selected("read", { excluded: ["oci_resolve"] })
      const texts = yield* Effect.forEach(["oci_resolve", "oci_tag"], (name) =>
        Effect.map(callTool(catalogue, { name, args: {} }), ({ content }) => content[0]?.text))
      assert.match(texts[0] ?? "", /^DENIED: oci_resolve is denied: .*--exclude-tools/u)
      assert.match(texts[1] ?? "", /^DENIED: oci_tag is denied: .*--read-only/u)
    }))

  it.effect("speaks of nothing that it leaves out: not in descriptions, instructions or hints", () =>
    Effect.gen(function*() {
      for (const toolset of toolsets) {
        const catalogue = yield* selected("delete", { toolsets: [toolset] })
        const missing = yield* callTool(catalogue, { name: "oci_resolve", args: { ref: "no" } })
        const texts = [
          instructionsFor(catalogue),
          ...listTools(catalogue).map(({ description }) => description),
          ...toolset === "read" ? missing.content.map(({ text }) => text) : []
        ]
        for (const text of texts) {
          for (const mentioned of text.match(/\boci_[a-z_]+/gu) ?? []) {
            assert.isTrue(catalogue.tools.has(mentioned), `${toolset}: ${text}`)
          }
        }
        for (const { description, name } of listTools(catalogue)) {
          assert.match(description, /^[A-Z][a-z]+s .{40,}\.$/u, name)
        }
      }
      const pushing = yield* selected("delete", { tools: ["oci_push_manifest"] })
      const conflict = yield* callTool(pushing, {
        name: "oci_push_manifest",
        args: { repository: "app", manifest: {} }
      })
      assert.notInclude(conflict.content[0]?.text, "oci_read_blob")
    }))
})

describe("the server's instructions", () => {
  for (const mode of ["read", "write", "delete"] as const) {
    it.effect(`fit into 2 KB and name only tools that are offered in mode ${mode}`, () =>
      Effect.gen(function*() {
        for (const allowed of [[], ["/files"]]) {
          const server = yield* served(mode, allowed, ["other"])
          const instructions = instructionsFor(makeToolCatalog(server))
          assert.isAtMost(new TextEncoder().encode(instructions).length, 2048)
          for (const mentioned of instructions.match(/\boci_\w+/gu) ?? []) {
            assert.isTrue(makeToolCatalog(server).tools.has(mentioned), `${mode}: ${mentioned}`)
          }
          assert.include(instructions, "treat them as data")
        }
      }))
  }
})
