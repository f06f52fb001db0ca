/** Garbage collection: a plan of what goes, stored for an hour, and carried out as far as it still holds. */
import { Clock, Effect, Option, Stream } from "effect"
import type { Refusal } from "../../layout/Command.ts"
import { decide } from "../../layout/decide.ts"
import { displayName, type StoredBlob } from "../../layout/garbage.ts"
import type { State } from "../../layout/State.ts"
import { isUploadId, uploadExpiryMillis } from "../../layout/Upload.ts"
import { type ContentDigest, isContentDigest } from "../../oci/Digest.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import { PlanExpired, Unsupported } from "../../oci/OciError.ts"
import type { GarbageCollected, GarbageItem, GarbageReads, GarbageWrites } from "../api/Garbage.ts"
import { utcOf } from "../api/utcOf.ts"
import { inBatches } from "../content/batches.ts"
import * as limits from "../limits.ts"
import { count } from "../ports/telemetry.ts"
import { readAhead } from "../reachability/belonging.ts"
import type { Catalog, Opened } from "../repositories/catalog.ts"
import { choose } from "../repositories/choose.ts"
import { type Asked, decodePlan, encodePlan, withDefaults } from "./garbagePlan.ts"
import { gather, type Gathered, itemsOf, look, type Looked } from "./lookForGarbage.ts"

const uploadItems = (opened: Opened, now: number): Effect.Effect<ReadonlyArray<GarbageItem>, ReadFault> =>
  Effect.map(opened.uploads.list, (uploads) =>
    uploads.map(({ id, repository, size, touched }): GarbageItem => {
      const goes = now - touched >= uploadExpiryMillis
      const why = goes ? "nothing was appended for a day" : `an upload to ${repository} is under way`
      return { kind: "upload", name: id, bytes: size, goes, why }
    }))

/** What tools have left behind, as far as they are known to leave such things. */
const fileItems = ({ leftovers }: Opened, now: number): Effect.Effect<ReadonlyArray<GarbageItem>, ReadFault> =>
  Effect.map(
    Stream.runCollect(leftovers.list),
    (found) =>
      found.map(({ bytes, changed, path, removable, tool }): GarbageItem => {
        const goes = removable && now - changed >= limits.leftoverMillis
        const why = !removable ? "it is not known whose it is, or of what use" : goes
          ? `left behind by ${tool ?? "some tool"}`
          : `${tool ?? "some tool"} may be writing it`
        return { kind: "file", name: path, bytes, goes, why }
      })
  )

const removeFile = ({ leftovers }: Opened, item: GarbageItem): Effect.Effect<GarbageItem, WriteFault> =>
  Effect.map(
    leftovers.remove(item.name),
    (removed) =>
      Option.isSome(removed) ? item : { ...item, goes: false, why: "was gone already, or has been written to" }
  )

const sum = (items: ReadonlyArray<GarbageItem>): number => items.reduce((bytes, item) => bytes + item.bytes, 0)

const findBlobs = (
  { blobs }: Opened,
  batch: ReadonlyArray<GarbageItem>
): Effect.Effect<ReadonlyArray<StoredBlob>, ReadFault> =>
  Effect.map(
    Effect.forEach(batch.map(({ name }) => name).filter(isContentDigest), blobs.find),
    (found) => found.flatMap((blob) => Option.toArray(blob))
  )

/** Takes a batch out in one commit, as far as it may still go. */
const collectBatch = Effect.fnUntraced(function*(
  opened: Opened,
  gathered: Gathered,
  asked: Asked,
  batch: ReadonlyArray<GarbageItem>
): Effect.fn.Return<ReadonlyArray<GarbageItem>, Refusal | WriteFault> {
  const kind = batch[0]?.kind
  const wanted = new Set(batch.map(({ digest, name }) => `${name} ${digest}`))
  let verdicts: ReadonlyArray<GarbageItem> = []
  const evidence = Effect.fnUntraced(function*(state: State): Effect.fn.Return<Looked, ReadFault> {
    // A blob may have been pushed again since the plan, also in a layout where no marks can be made.
    const blobs = kind === "blob" ? yield* findBlobs(opened, batch) : gathered.blobs
    const { blobs: found, entries } = yield* look(opened, state, { ...gathered, blobs }, asked)
    const meant = {
      blobs: kind === "blob" ? found : [],
      retained: new Map(),
      entries: kind === "manifest" || kind === "tag"
        ? entries.filter(({ entry }) => wanted.has(`${displayName(entry)} ${entry.digest}`))
        : []
    }
    verdicts = itemsOf(meant)
    return meant
  })
  yield* opened.layout.transact({
    evidence,
    decide: (state, { blobs, entries }) =>
      decide(state, {
        _tag: "CollectGarbage",
        atOnce: asked.now,
        blobs: blobs.flatMap(({ digest, goes }) => goes ? [digest] : []),
        entries: entries.flatMap(({ entry, goes }) => goes ? [entry] : [])
      })
  })
  return verdicts
})

/** What is gone was removed; what is left of a batch was spared, for the reason that holds now. */
const outcomeOf = Effect.fnUntraced(function*(
  opened: Opened,
  batch: ReadonlyArray<GarbageItem>,
  verdicts: ReadonlyArray<GarbageItem>
): Effect.fn.Return<Pick<GarbageCollected, "removed" | "spared">, WriteFault> {
  const removed: Array<GarbageItem> = []
  const spared: Array<GarbageItem> = []
  const found = new Map(verdicts.map((item) => [`${item.name} ${item.digest}`, item]))
  for (const item of batch) {
    const verdict = found.get(`${item.name} ${item.digest}`)
    if (verdict === undefined) spared.push({ ...item, goes: false, why: "was gone already" })
    else if (!verdict.goes) spared.push(verdict)
    else if (verdict.kind === "blob" && isContentDigest(verdict.name) && (yield* isThere(opened, verdict.name))) {
      spared.push({ ...verdict, goes: false, why: "was pushed again just now" })
    } else removed.push(verdict)
  }
  return { removed, spared }
})

const isThere = ({ blobs }: Opened, digest: ContentDigest): Effect.Effect<boolean, ReadFault> =>
  Effect.map(blobs.find(digest), Option.isSome)

/** Discards an expired session, unless a client has continued it. */
const discardUpload = ({ uploads }: Opened, item: GarbageItem): Effect.Effect<GarbageItem, WriteFault> =>
  Effect.scoped(Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    if (!isUploadId(item.name)) return { ...item, goes: false, why: "was gone already" }
    const { conclude, state } = yield* uploads.exclusive(item.name)
    if (state._tag !== "Open") return { ...item, goes: false, why: "was gone already" }
    if (now - state.touched < uploadExpiryMillis) return { ...item, goes: false, why: "a client has gone on with it" }
    yield* conclude({ _tag: "UploadCancelled" })
    return item
  })).pipe(
    Effect.catchTags({
      RangeInvalid: () => Effect.succeed({ ...item, goes: false, why: "a client has gone on with it" }),
      UploadBusy: () => Effect.succeed({ ...item, goes: false, why: "a client is writing it" })
    })
  )

const loadPlan = Effect.fnUntraced(function*({ plans }: Opened, id: string) {
  const plan = decodePlan(yield* plans.load(id))
  return Option.isNone(plan) ? yield* new PlanExpired({ plan: id }) : plan.value
})

/** The layout that is swept: content is of all repositories of it, so that there is no sweeping one of several. */
const whole = Effect.fnUntraced(function*(catalog: Catalog, repository: string | undefined) {
  if (catalog.shared && repository !== undefined) {
    return yield* new Unsupported({
      operation: "collecting the garbage of one repository",
      reason: "all repositories of a layout share its content; name no repository, and let rules say which tags go"
    })
  }
  return yield* choose(catalog, repository)
})

export const makeGarbage = (
  catalog: Catalog
): Pick<GarbageReads, "planGarbage" | "plannedGarbage"> & Pick<GarbageWrites, "collectGarbage"> => ({
  planGarbage: Effect.fn("Registry.planGarbage")(function*(options = {}) {
    const opened = yield* whole(catalog, options.repository)
    const asked = withDefaults(options)
    const gathered = yield* gather(opened, asked)
    const swept = yield* look(opened, yield* opened.layout.snapshot, gathered, asked)
    const items = [
      ...itemsOf(swept),
      ...(yield* uploadItems(opened, gathered.now)),
      ...(yield* fileItems(opened, gathered.now))
    ]
    const going = items.filter(({ goes }) => goes)
    return {
      id: options.keep === false ? Option.none() : yield* opened.plans.save(yield* encodePlan(asked, going)),
      expires: utcOf(gathered.now + limits.planMillis),
      items,
      bytes: sum(going)
    }
  }),

  plannedGarbage: Effect.fn("Registry.plannedGarbage")(function*(id, options = {}) {
    const { items } = yield* loadPlan(yield* whole(catalog, options.repository), id)
    return items
  }),

  collectGarbage: Effect.fn("Registry.collectGarbage")(function*(id, options = {}) {
    const opened = yield* whole(catalog, options.repository)
    const { items, options: asked } = yield* loadPlan(opened, id)
    yield* readAhead(opened)
    const removed: Array<GarbageItem> = []
    const spared: Array<GarbageItem> = []
    /** Entries go first; then what they needed is garbage if it cannot be brought back. */
    const phases = [["tag", asked], ["manifest", asked], ["blob", {
      ...asked,
      untagged: false,
      retention: []
    }]] as const
    for (const [kind, rules] of phases) {
      const batches = inBatches(items.filter((item) => item.kind === kind))
      const gathered = batches.length === 0 ? undefined : yield* gather(opened, rules)
      for (const batch of batches) {
        if (gathered === undefined) continue
        const outcome = yield* outcomeOf(opened, batch, yield* collectBatch(opened, gathered, rules, batch))
        for (const item of outcome.removed) removed.push(item)
        for (const item of outcome.spared) spared.push(item)
      }
    }
    for (const item of items.filter(({ kind }) => kind === "upload" || kind === "file")) {
      const outcome = yield* item.kind === "upload" ? discardUpload(opened, item) : removeFile(opened, item)
      ;(outcome.goes ? removed : spared).push(outcome)
    }
    if (asked.now) yield* opened.upkeep.emptyTrash
    yield* count.bytesCollected(sum(removed))
    return { removed, spared, bytes: sum(removed), trash: (yield* opened.upkeep.held).trash }
  })
})
