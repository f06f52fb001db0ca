/** Puts right what verification finds and what can be put right without losing anything. */
import { Clock, Effect, Option, Result, Stream } from "effect"
import { isContentDigest } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import type { RepairError } from "../api/errors.ts"
import { type Finding, type FindingCode, repairOf, type Severity } from "../api/findings.ts"
import type {
  MaintenanceReads,
  MaintenanceWrites,
  Repairable,
  Repaired,
  RepairOptions,
  RepairStep
} from "../api/Maintenance.ts"
import * as limits from "../limits.ts"
import type { Leftovers } from "../ports/Leftovers.ts"
import type { Catalog } from "../repositories/catalog.ts"
import { completeEntry } from "./completeEntry.ts"
import { correctSizes } from "./correctSizes.ts"
import { fetchMissing } from "./fetchMissing.ts"
import { listUnlisted } from "./listUnlisted.ts"
import { rebuildIndex } from "./rebuildIndex.ts"
import { dropDuplicates } from "./repairNames.ts"
import { did, left, type Outcome, type RepairTask } from "./repairTask.ts"

type Action = (job: RepairTask) => Effect.Effect<Outcome, RepairError>

const inOrder = "it is in order by now"

const mend = (what: "marker" | "list"): Action => ({ dryRun, finding: { code }, opened }) =>
  dryRun
    ? Effect.succeed(did(repairOf(code).how))
    : Effect.map(
      opened.upkeep.repairFile(what),
      Option.match({ onNone: () => left(inOrder), onSome: (what) => did(what) })
    )

/** Restores content that is missing under `blobs/`: from its second name, the trash, or the source. */
const fetch: Action = Effect.fnUntraced(function*(job) {
  const { digest } = job.finding
  if (!isContentDigest(digest)) return left("only content of a sha256 or sha512 digest can be fetched")
  return Option.match(yield* fetchMissing(job, digest), {
    onNone: () =>
      left(job.source === undefined ? "no source was given to fetch it from" : "the source does not have it"),
    onSome: (what) => did(what)
  })
})

/** Content that is others' than its name says is moved away first, so that it can be looked at. */
const replace: Action = Effect.fnUntraced(function*(job) {
  const { finding: { code, digest }, opened } = job
  if (!isContentDigest(digest)) return left("only content of a sha256 or sha512 digest can be told to be damaged")
  if (job.dryRun) return did(repairOf(code).how)
  const moved = yield* opened.upkeep.quarantine(digest)
  if (Option.isNone(moved)) {
    return code === "SIZE_MISMATCH" ? yield* correctSizes(job) : left(inOrder)
  }
  const fetched = yield* fetchMissing(job, digest)
  return did([`moved it to ${moved.value}`, ...Option.toArray(fetched)].join("; "))
})

const sweep: Action = Effect.fnUntraced(function*({ dryRun, finding: { code, path }, layout, opened: { leftovers } }) {
  const own = layout === undefined ? path : path.slice(layout.length + 1)
  const gone = dryRun ? yield* removable(leftovers, own) : yield* leftovers.remove(own)
  return Option.match(gone, {
    onNone: () => left("it was touched less than a day ago, or is nothing that may be removed"),
    onSome: (bytes) => did(dryRun ? repairOf(code).how : `removed ${bytes} bytes`)
  })
})

/** The bytes of a leftover that may go now. */
const removable = Effect.fnUntraced(function*(leftovers: Leftovers, path: string) {
  const now = yield* Clock.currentTimeMillis
  const found = Stream.filter(
    leftovers.list,
    ({ changed, path: other, removable }) => other === path && removable && now - changed >= limits.leftoverMillis
  )
  return Option.map(yield* Stream.runHead(found), ({ bytes }) => bytes)
})

/** What can be done, in the order in which it has to be: only a layout that can be read can be changed. */
const actions: ReadonlyMap<FindingCode, Action> = new Map<FindingCode, Action>([
  ["LAYOUT_FILE_MISSING", mend("marker")],
  ["INDEX_INVALID", rebuildIndex],
  ["INDEX_MISSING", rebuildIndex],
  ["INDEX_NO_LIST", mend("list")],
  ["ENTRY_INVALID", completeEntry],
  ["MANIFEST_CORRUPT", replace],
  ["BLOB_CORRUPT", replace],
  ["SIZE_MISMATCH", replace],
  ["MANIFEST_MISSING", fetch],
  ["BLOB_MISSING", fetch],
  ["MANIFEST_HELD", fetch],
  ["BLOB_HELD", fetch],
  ["NAME_TWICE", dropDuplicates],
  ["REFERRER_UNLISTED", listUnlisted],
  ["MANIFEST_UNLISTED", listUnlisted],
  ["LEFTOVER", sweep]
])
const order = Array.from(actions.keys())

export const makeRepair = (
  catalog: Catalog,
  verify: MaintenanceReads["verify"]
): MaintenanceWrites["repair"] =>
  Effect.fn("Registry.repair")(function*(options = {}): Effect.fn.Return<Repaired, RepairError> {
    const { codes, dryRun = false, findings, level = "content" } = options
    const tried = new Set<string>()
    const done: Array<RepairStep> = []
    const leftBehind: Array<RepairStep> = []
    // What is fetched may need more in turn: an index its manifests, those their layers.
    for (let round = 0; round <= limits.walkDepth; round++) {
      const all = findings ?? (yield* found(verify({ level: round === 0 ? level : "links" }), codes))
      const fresh = all.filter((finding) => (codes?.includes(finding.code) ?? true) && !tried.has(keyOf(finding)))
      const before = done.length
      for (const finding of fresh.toSorted((a, b) => order.indexOf(a.code) - order.indexOf(b.code))) {
        tried.add(keyOf(finding))
        // Two findings may tell of the same damage: that a blob is corrupt, and too short.
        if (done.slice(before).some((step) => isSame(step, finding))) continue
        const { done: isDone, revision = Option.none(), what } = yield* act(catalog, finding, options)
        const { code, digest, path } = finding
        ;(isDone ? done : leftBehind).push({ code, path, ...field("digest", digest), what, revision })
      }
      if (dryRun || findings !== undefined || done.length === before) break
    }
    return { done, left: leftBehind }
  })

const keyOf = ({ code, digest = "", path }: Repairable): string => `${code} ${digest} ${path}`

const isSame = (step: RepairStep, { digest, path }: Repairable): boolean =>
  digest !== undefined && step.digest === digest && step.path === path

/** What is worth a repair, or worth telling that there is none. */
const found = (steps: ReturnType<MaintenanceReads["verify"]>, codes: ReadonlyArray<FindingCode> | undefined) =>
  steps.pipe(
    Stream.flatMap((step) => Stream.fromIterable(step._tag === "Found" ? [step.finding] : [])),
    Stream.filter(({ code, repair, severity }) =>
      codes === undefined ? isWorthIt(code, severity, repair.by) : codes.includes(code)
    ),
    Stream.take(limits.repairFindings),
    Stream.runCollect
  )

/** Unlisted manifests of other tools are listed only when their code is asked for. */
const isWorthIt = (code: FindingCode, severity: Severity, by: Finding["repair"]["by"]): boolean =>
  severity !== "info" || (by !== "person" && code !== "MANIFEST_UNLISTED")

const act = (
  catalog: Catalog,
  finding: Repairable,
  { dryRun = false, source }: RepairOptions
): Effect.Effect<Outcome> => {
  const action = actions.get(finding.code)
  if (action === undefined) return Effect.succeed(left(repairOf(finding.code).how))
  const done = Effect.flatMap(
    layoutOf(catalog, finding),
    (place) => place === undefined ? Effect.succeed(left(inOrder)) : action({ finding, ...place, source, dryRun })
  )
  return Effect.map(Effect.result(done), Result.getOrElse((error) => left(error.message)))
}

/** Where something was found. */
const layoutOf = Effect.fnUntraced(function*(catalog: Catalog, { repository }: Repairable) {
  if (repository !== undefined && !catalog.shared) {
    return { opened: yield* catalog.open(repository), layout: repository }
  }
  const [opened] = catalog.shared ? yield* catalog.layouts : []
  return opened === undefined ? undefined : { opened, layout: undefined }
})
