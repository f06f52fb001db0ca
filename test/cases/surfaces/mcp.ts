/** Asks through the MCP server. */
import { Effect } from "effect"
import { join } from "node:path"
import { makeToolCatalog } from "../../../src/mcp/catalog/toolCatalog.ts"
import { callTool } from "../../../src/mcp/requests/callTool.ts"
import { makeDisk, makeDiskTree } from "../../../src/node/index.ts"
import { ocl } from "../../cli/support/command.ts"
import { memoryFiles } from "../../mcp/support/memoryFiles.ts"
import { temporaryFolder } from "../../support/folders.ts"
import { later } from "../../support/later.ts"
import { caseAt, short } from "../given.ts"
import { answering, type Layout, monthMillis, type Question, Refused, type Surface } from "../Surface.ts"
import { copied } from "./library.ts"

type Call = <A>(name: string, args?: Record<string, unknown>) => Effect.Effect<A, Refused>

interface Found {
  readonly ok: boolean
  readonly problems: ReadonlyArray<{ readonly code: string; readonly severity: string }>
}

const codesIn = (call: Call, sparse = false) =>
  Effect.map(
    call<Found>("oci_verify", { limit: 500, ...(sparse ? { sparse } : {}) }),
    ({ problems }) => problems.map(({ code, severity }) => `${severity} ${code}`).toSorted()
  )

const namesIn = Effect.fnUntraced(function*(call: Call) {
  const { repositories, unnamed = [] } = yield* call<{
    readonly repositories: ReadonlyArray<string>
    readonly unnamed?: ReadonlyArray<{ readonly name?: string }>
  }>("oci_list_repositories")
  const each = yield* Effect.forEach(repositories, (repository) =>
    Effect.gen(function*() {
      const { tags } = yield* call<{ readonly tags: ReadonlyArray<string> }>("oci_list_tags", { repository })
      const { untagged } = yield* call<{ readonly untagged: ReadonlyArray<{ readonly digest: string }> }>(
        "oci_list_tags",
        { repository, untagged: true }
      )
      return [
        ...tags.map((tag) => `${repository}:${tag}`),
        ...untagged.map(({ digest }) => `${repository}@${short(digest)}`)
      ]
    }))
  return [...each.flat(), ...unnamed.map(({ name = "" }) => name)].toSorted()
})

const serve = Effect.fnUntraced(function*({ directory, perRepository, symlinks }: Layout, source?: string) {
  const out = join(yield* temporaryFolder, "out")
  const registry = perRepository
    ? yield* makeDiskTree({ directory, symlinks, durability: "none" })
    : yield* makeDisk({ directory, symlinks, durability: "none" })
  const target = yield* makeDisk({ directory: out, durability: "none" })
  const others = source === undefined
    ? []
    : [{ id: "source", path: source, registry: yield* makeDisk({ directory: source }), perRepository: false }]
  const catalogue = makeToolCatalog({
    layouts: [
      { id: "main", path: directory, registry, perRepository },
      { id: "out", path: out, registry: target, perRepository: false },
      ...others
    ],
    mode: "delete",
    files: memoryFiles([])
  })
  const call: Call = <A>(name: string, args: Record<string, unknown> = {}) =>
    Effect.flatMap(callTool(catalogue, { name, args }), ({ content, isError, structuredContent }) => {
      if (isError !== true) return Effect.succeed(structuredContent as A)
      const text = content.map((part) => part.text).join("\n")
      const [, code = "", message = ""] = /^([A-Z_]+): (.*)$/su.exec(text) ?? []
      return Effect.fail(new Refused({ code, message }))
    })
  return { call, out, target }
})

const answer = Effect.fnUntraced(function*(question: Question, layout: Layout) {
  const { directory } = layout
  if (question.asks === "open") {
    // A server that starts would wait for its client: only what is refused is asked for.
    const { code, err } = yield* ocl(["mcp", join(directory, question.path ?? "")])
    return yield* Effect.fail(new Refused({ code: code === 3 ? "LAYOUT_NOT_FOUND" : String(code), message: err }))
  }
  const source = question.asks === "repair" && question.source !== undefined ? caseAt(question.source) : undefined
  const { call, out, target } = yield* serve(layout, source)
  const platform = "platform" in question && question.platform !== undefined ? { platform: question.platform } : {}
  switch (question.asks) {
    case "names":
      return yield* namesIn(call)
    case "resolve":
      return [
        short((yield* call<{ readonly digest: string }>("oci_resolve", { ref: question.ref, ...platform })).digest)
      ]
    case "inspect":
      return JSON.stringify(
        yield* call("oci_inspect_image", { ref: question.ref, ...platform }).pipe(
          // As it says itself.
          Effect.catchIf(
            ({ message }) => message.includes("use oci_get_manifest"),
            () => call("oci_get_manifest", { ref: question.ref })
          )
        )
      )
    case "referrers": {
      const { referrers } = yield* call<{ readonly referrers: ReadonlyArray<{ readonly digest: string }> }>(
        "oci_list_referrers",
        { ref: question.ref }
      )
      return referrers.map(({ digest }) => short(digest))
    }
    case "copy": {
      const { ref, referrers = false, sparse } = question
      yield* call("oci_copy", {
        ref,
        to_layout: "out",
        to_repository: "a",
        tags: ["copied"],
        referrers,
        ...platform,
        ...(sparse === undefined ? {} : { sparse })
      })
      return yield* copied(target, out, directory)
    }
    case "verify":
      return yield* codesIn(call, question.sparse)
    case "findings":
      return JSON.stringify(yield* call("oci_verify"))
    case "repair":
      yield* call("oci_repair", { dry_run: false, ...(source === undefined ? {} : { source: "source" }) })
      return [...(yield* codesIn(call)), ...(yield* namesIn(call))]
    case "collect": {
      const { blobs, bytes, manifests, tags } = yield* call<Readonly<Record<string, number>>>("oci_gc", {
        undo_days: 0,
        untagged: question.untagged ?? false
      }).pipe(later(monthMillis))
      return [`${tags} tags, ${manifests} manifests, ${blobs} blobs, ${bytes} bytes`]
    }
    case "tag":
      yield* call("oci_tag", { ref: question.ref, tags: [question.tag] })
      return yield* namesIn(call)
    case "delete":
      yield* call("oci_delete", { kind: "tag", ref: question.ref })
      return yield* namesIn(call)
  }
})

export const mcp: Surface = {
  name: "MCP",
  ask: (question, layout) => answering(answer(question, layout))
}
