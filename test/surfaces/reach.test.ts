/** Whatever the library can do, both surfaces can: their spans tell which of its operations they have used. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Tracer } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import type { ToolCatalog } from "../../src/mcp/catalog/toolCatalog.ts"
import { callTool } from "../../src/mcp/requests/callTool.ts"
import { complete } from "../../src/mcp/requests/complete.ts"
import { templates } from "../../src/mcp/resources/ResourceUri.ts"
import { makeSubscriptions } from "../../src/mcp/resources/subscriptions.ts"
import { makeMemory } from "../../src/memory/index.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { json, ocl, temporaryDirectory } from "../cli/support/command.ts"
import { stoppedAt } from "../evals/world/clock.ts"
import { layerTar } from "../image/support/layers.ts"
import { catalogueOf, longest } from "../mcp/support/catalogues.ts"
import { tour } from "../mcp/support/tour.ts"

/** The operations of a registry that the work has begun. */
const usedBy = Effect.fnUntraced(function*<E, R>(work: Effect.Effect<void, E, R>) {
  const used = new Set<string>()
  const tracer = Tracer.make({
    span: (options) => {
      const [owner, operation] = options.name.split(".")
      if (owner === "Registry" && operation !== undefined) used.add(operation)
      return new Tracer.NativeSpan(options)
    }
  })
  yield* Effect.provideService(work, Tracer.Tracer, tracer)
  return used
})

type Operation = keyof LayoutRegistry

const operations = Effect.map(Effect.orDie(makeMemory()), (registry) => Object.keys(registry).toSorted())

/** Say only what later ones are about, or go on for as long as a server runs; tests of the surfaces have them. */
const silent: ReadonlyArray<Operation> = ["at", "defaultRepository", "tend"]

/** These are made of others, and have no span of their own. */
const composed = new Set(["get", "resolve", "streamBlob"])

/** What a surface does with others, to the same end. */
type Otherwise = { readonly [Name in Operation]?: ReadonlyArray<Operation> }

const check = Effect.fnUntraced(function*(used: ReadonlySet<string>, otherwise: Otherwise) {
  const made = Object.values(otherwise).flat()
  for (const operation of made) assert.isTrue(used.has(operation), operation)
  const expected = (yield* operations).filter((name) => !silent.some((one) => one === name) && !composed.has(name))
  const missing = expected.filter((name) => !used.has(name) && !Object.hasOwn(otherwise, name))
  assert.deepStrictEqual(missing, [])
  const needless = Object.keys(otherwise).filter((name) => used.has(name))
  assert.deepStrictEqual(needless, [])
})

describe("every operation of a registry", () => {
  it.live("can be reached by the tools of the MCP server", () =>
    Effect.gen(function*() {
      const used = yield* usedBy(Effect.gen(function*() {
        const catalogue = yield* catalogueOf(longest)
        yield* tour(catalogue, () => undefined)
        yield* furtherCalls(catalogue)
        yield* beyondCalls(catalogue)
      }))
      yield* check(used, {
        getTag: ["resolveTag", "getManifest"],
        resolveName: ["nameChoices"],
        getNamed: ["nameChoices", "getBlob"],
        watch: ["startWatch"],
        // A name that fits no grammar is deleted by a tag of its own, and moved in two steps.
        deleteName: ["deleteTag"],
        moveName: ["tagManifest", "deleteTag"]
      })
    }))

  it.live("can be reached by the commands", () =>
    Effect.gen(function*() {
      const used = yield* usedBy(commands)
      yield* check(used, {
        getTag: ["resolveTag", "getManifest"],
        check: ["verify"],
        deleteTag: ["batch"],
        pushBlobChunkedResume: ["findUpload"]
      })
    }))

  it.live("is noticed", () =>
    Effect.gen(function*() {
      const used = yield* usedBy(Effect.gen(function*() {
        yield* ocl(["repositories", yield* temporaryDirectory])
      }))
      assert.isBelow(used.size, 3)
    }))
})

/** When nothing is too young to go any more. */
const later = stoppedAt(new Date(Date.now() + 30 * 24 * 3_600_000).toISOString())

/** What the tour has no need of: it goes on from where that has ended. */
const furtherCalls = Effect.fnUntraced(function*(catalogue: ToolCatalog) {
  const call = (name: string, args: Record<string, unknown>): Effect.Effect<Readonly<Record<string, unknown>>> =>
    Effect.map(callTool(catalogue, { name, args }), ({ structuredContent = {} }) => structuredContent)
  const digest = (yield* call("oci_push_blob", { repository: "app", text: "of no use" }))["digest"]
  yield* call("oci_resolve", { ref: `app@${String(digest).slice(0, 19)}` })
  yield* call("oci_resolve", { ref: "Not A Name" })
  yield* call("oci_delete", { kind: "blob", ref: `app@${String(digest)}` })
  const all = yield* call("oci_resolve", { ref: "app:all" })
  yield* call("oci_delete", { kind: "manifest", ref: `app@${String(all["digest"])}` })
  yield* call("oci_restore", { undo: 3 })
  const upload_id = (yield* call("oci_upload_start", { repository: "app" }))["upload_id"]
  yield* call("oci_upload_start", { repository: "app", upload_id })
  yield* later(Effect.gen(function*() {
    const plan = (yield* call("oci_gc", { untagged: true, undo_days: 0 }))["plan"]
    yield* call("oci_gc", { plan })
  }))
})

/** Clients complete names, and watch by subscribing to resources. */
const beyondCalls = Effect.fnUntraced(function*(catalogue: ToolCatalog) {
  const of = { template: templates.find(({ digests }) => digests === "manifest")?.uriTemplate ?? "" }
  const found = yield* complete(catalogue, {
    of,
    argument: "digest",
    value: "",
    given: { layout: "main", repository: "app" }
  })
  assert.isAbove(found.values.length, 0)
  const subscriptions = yield* makeSubscriptions(catalogue, () => Effect.void)
  yield* subscriptions.subscribe("oci-layout://main")
})

const commands = Effect.gen(function*() {
  const root = yield* temporaryDirectory
  const layout = join(root, "images")
  const app = `${layout}/app`
  const file = (content: string): string => {
    fs.writeFileSync(join(root, "file"), content)
    return join(root, "file")
  }
  const run = (...args: ReadonlyArray<string>) =>
    Effect.map(ocl(args), ({ code, err, out }) => {
      assert.strictEqual(code, 0, `${args.join(" ")}: ${err}`)
      return out.trim()
    })

  yield* run("init", layout)
  const config = yield* json(["blob", "push", app, file("{}")])
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config["digest"], size: 2 },
    layers: []
  }
  const digest = yield* run("manifest", "push", `${app}:1.0`, file(JSON.stringify(manifest)))
  yield* run("tag", "set", `${app}:1.0`, "old", "older")

  yield* run("repositories", layout, "--long")
  yield* run("tags", app, "--long")
  yield* run("resolve", `${app}@${digest.slice(0, 19)}`, "--json")
  yield* run("manifest", "get", `${app}:1.0`)
  yield* run("blob", "get", `${app}@${String(config["digest"])}`)
  yield* run("blob", "get", `${app}@${String(config["digest"])}`, "--offset", "1")
  yield* run("blob", "mount", `${app}@${String(config["digest"])}`, "other")
  yield* run("referrers", `${app}:1.0`)
  yield* run("inspect", `${app}:1.0`)
  yield* run("copy", `${app}:1.0`, `${layout}/copied:1.0`)
  yield* run("complete", `ocilayout blob get ${app}@sha256:`)

  const { id } = yield* json(["upload", "start", app])
  yield* run("upload", "append", `${layout}/${String(id)}`, file("uploaded"))
  yield* run("upload", "list", app)
  yield* run("upload", "cancel", `${layout}/${String(id)}`)

  yield* run("pin", `${app}:1.0`)
  yield* run("pins", layout)
  yield* run("unpin", `${app}:1.0`)
  yield* run("history", layout)
  yield* run("tag", "delete", `${app}:older`)
  yield* run("revert", "3", layout)
  yield* run("restore", `${app}:old`, "--to", "2")
  const tar = layerTar([["etc/motd", "f", "hello\n"]])
  const layer = yield* json(["blob", "push", app, file(tar.toString())])
  const layers = [
    { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: layer["digest"], size: tar.length }
  ]
  yield* run("manifest", "push", `${app}:files`, file(JSON.stringify({ ...manifest, layers })))
  yield* run("files", `${app}:files`)
  yield* run("verify", layout)
  yield* run("repair", layout)
  yield* run("gc", layout, "--untagged", "--yes")

  // An entry under a name that is no reference, as other tools write them.
  const index = JSON.parse(fs.readFileSync(join(layout, "index.json"), "utf8")) as { manifests: Array<object> }
  index.manifests.push({
    ...manifest.config,
    mediaType: manifest.mediaType,
    digest,
    size: JSON.stringify(manifest).length,
    annotations: { "org.opencontainers.image.ref.name": "Not A Name" }
  })
  fs.writeFileSync(join(layout, "index.json"), JSON.stringify(index))
  yield* run("manifest", "get", "--layout", layout, "Not A Name")

  yield* run("tags", app, "--untagged")
  // What is tried here may be refused.
  yield* ocl(["blob", "delete", `${layout}/other@${String(config["digest"])}`, "--dry-run"])
  yield* ocl(["tag", "set", `${layout}/Not A Name`, "Not A Name", "--move"])
  yield* ocl(["tag", "delete", `${layout}/Not A Name`])
  yield* ocl(["blob", "delete", `${app}@${String(config["digest"])}`])
  yield* ocl(["gc", layout, "--plan", "0".repeat(32)])
  yield* ocl(["gc", layout, "--plan", "0".repeat(32), "--dry-run"])
  yield* run("manifest", "delete", `${app}@${digest}`)
  yield* Effect.timeoutOption(ocl(["watch", layout]), "300 millis")
})
