/** `worker.ts <layout> <durability> <plan> <record>`: carries out the steps of a plan that no other worker has begun yet. */
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import type { Durability } from "../../../src/node/index.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import type { Call, Condition } from "./Call.ts"
import { collect } from "./collect.ts"
import { blobDigest, layerOf, manifestDigest } from "./contents.ts"
import { isInBucket, open } from "./open.ts"
import type { Step } from "./Plan.ts"
import { makeRecorder, nextStep } from "./record.ts"

const [directory = "", durability, planPath = "", recordPath = ""] = process.argv.slice(2)

/** How many steps are under way at once: what waits together is committed together. */
const callers = 2

/** The process that started it is gone. */
const orphaned = (): never => process.exit(1)
process.once("disconnect", orphaned)

const steps = JSON.parse(readFileSync(planPath, "utf8")) as ReadonlyArray<Step>
const first = nextStep(recordPath)
const recorder = makeRecorder(recordPath)

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const registry = yield* open(directory, durability as Durability)
  yield* Effect.forEach(
    steps.slice(first),
    (step, at) => {
      recorder.begin(first + at)
      process.send?.(first + at)
      return carryOutStep(registry, step)
    },
    { concurrency: callers, discard: true }
  )
})))
process.off("disconnect", orphaned)
process.disconnect()

/** A layout on a disk answers; the store of one in a bucket may be away, and then there is no answer. */
function answered<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A | undefined> {
  return isInBucket(directory) ? Effect.orElseSucceed(effect, () => undefined) : Effect.orDie(effect)
}

function carryOutStep(registry: LayoutRegistry, step: Step) {
  const ask = (call: Call) => recorder.ask(registry, call)
  const { repository } = step

  const conditionOf = (
    { repository, tag }: { readonly repository: string; readonly tag: string },
    unless: "nothing" | "exists" | "moved"
  ): Effect.Effect<Condition> =>
    unless === "moved"
      ? Effect.map(
        ask({ op: "getTag", repository, tag }),
        ({ digest }) => digest === undefined ? { kind: "absent" } : { kind: "digest", digest }
      )
      : Effect.succeed({ kind: unless === "exists" ? "absent" : "none" })

  const pushLayer = (note: string) => {
    const blob = layerOf(note)
    return ask({ op: "pushBlob", repository, blob, digest: blobDigest(blob) })
  }

  /** One of the sessions there are, and how far it is. */
  const findSession = (pick: number) =>
    Effect.gen(function*() {
      const open = (yield* answered(registry.uploads(repository))) ?? []
      const id = open[pick % open.length]?.id
      if (id === undefined) return undefined
      const { size } = yield* ask({ op: "resume", repository, id })
      return size === undefined ? undefined : { id, size }
    })

  return Effect.gen(function*() {
    switch (step.does) {
      case "push":
      case "pushUntagged": {
        const { note, tag } = step
        const tagged = step.does === "push"
        const condition = yield* conditionOf(step, tagged ? step.unless : "nothing")
        yield* pushLayer(note)
        return yield* ask({
          op: "pushManifest",
          repository,
          tag,
          tagged,
          condition,
          note,
          digest: manifestDigest(note)
        })
      }
      case "undo": {
        const { note, tag } = step
        const of = { repository, tag, note, digest: manifestDigest(note) }
        yield* pushLayer(note)
        const { revision } = yield* ask({ op: "pushManifest", tagged: true, condition: { kind: "none" }, ...of })
        if (revision === undefined) return undefined
        return yield* ask({ op: "revert", revision, ...of })
      }
      case "collect":
        return yield* answered(collect(registry))
      case "retag": {
        const { note, tag } = step
        const condition = yield* conditionOf(step, step.unless)
        return yield* ask({ op: "tagManifest", repository, tag, condition, note, digest: manifestDigest(note) })
      }
      case "untag": {
        const found = yield* conditionOf(step, step.unless)
        const condition = found.kind === "absent" ? { kind: "none" as const } : found
        return yield* ask({ op: "deleteTag", repository, tag: step.tag, condition })
      }
      case "deleteManifest":
      case "getManifest": {
        const { does, note, tag } = step
        return yield* ask({ op: does, repository, tag, note, digest: manifestDigest(note) })
      }
      case "getTag":
        return yield* ask({ op: "getTag", repository, tag: step.tag })
      case "list":
        return yield* ask({ op: "tags", repository })
      case "pushBlob":
      case "getBlob":
        return yield* ask({ op: step.does, repository, blob: step.blob, digest: blobDigest(step.blob) })
      case "mountBlob":
        return yield* ask({
          op: "mountBlob",
          repository,
          to: step.to,
          blob: step.blob,
          digest: blobDigest(step.blob)
        })
      case "startUpload": {
        const begun = yield* answered(registry.pushBlobChunked(repository))
        if (begun === undefined) return undefined
        return yield* ask({ op: "append", repository, id: begun.id, offset: 0, length: step.length })
      }
      case "continueUpload": {
        const session = yield* findSession(step.pick)
        if (session === undefined) return undefined
        return yield* ask({ op: "append", repository, id: session.id, offset: session.size, length: step.length })
      }
      case "finishUpload": {
        const session = yield* findSession(step.pick)
        if (session === undefined) return undefined
        return yield* ask({ op: "commit", repository, ...session })
      }
    }
  })
}
