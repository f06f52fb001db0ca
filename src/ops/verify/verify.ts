/** Looks for everything that is wrong with a layout, or with what a reference needs. */
import { Clock, Effect, Option, Queue, Stream } from "effect"
import { entriesOf, named, names, tagged } from "../../layout/query.ts"
import type { State } from "../../layout/State.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { parseDigest } from "../../oci/Digest.ts"
import { ManifestUnknown, NameUnknown, ReferenceInvalid } from "../../oci/OciError.ts"
import { isTag, parseRepository, type Repository } from "../../oci/Reference.ts"
import type { VerifyError } from "../api/errors.ts"
import { finding } from "../api/findings.ts"
import type { Checked, MaintenanceReads, VerifyOptions, VerifyStep } from "../api/Maintenance.ts"
import { findDescriptor } from "../content/findDescriptor.ts"
import { descriptorsOf } from "../manifests/manifests.ts"
import { indexDoubt } from "../reachability/indexDoubt.ts"
import type { Catalog, Opened } from "../repositories/catalog.ts"
import type { Report } from "./Report.ts"
import { checkContent } from "./verifyContent.ts"
import { checkDockerSave } from "./verifyDockerSave.ts"
import { checkFoundation } from "./verifyFoundation.ts"
import { checkIndex } from "./verifyIndex.ts"
import { checkLinks } from "./verifyLinks.ts"
import { checkSurroundings } from "./verifySurroundings.ts"

/** A layout, and in a tree of them the repository that it is. */
type Layout = Opened & { readonly place: Repository | undefined }

/** Milliseconds between two words about how far the work has got. */
const progressMillis = 50

/** Steps that may wait for their consumer: a slow reader delays the work and takes no memory. */
const waitingSteps = 64

export const makeVerify = (catalog: Catalog): MaintenanceReads["verify"] => (options = {}) =>
  Stream.callback<VerifyStep, VerifyError>(
    (queue) => Queue.into(verifyAll(catalog, options, (step) => Effect.asVoid(Queue.offer(queue, step))), queue),
    { bufferSize: waitingSteps, strategy: "suspend" }
  )

const verifyAll = Effect.fn("Registry.verify")(function*(
  catalog: Catalog,
  options: VerifyOptions,
  tell: (step: VerifyStep) => Effect.Effect<void>
): Effect.fn.Return<void, VerifyError> {
  const { name, reference, repository } = options
  if (repository === undefined && reference !== undefined) {
    return yield* new ReferenceInvalid({ input: reference, reason: "needs the repository that it is in" })
  }
  const counts = counting(tell)
  const asked = repository === undefined ? yield* catalog.layouts : [yield* catalog.open(repository)]
  const layouts = asked.map((layout): Layout => ({ ...layout, place: catalog.shared ? undefined : layout.repository }))
  for (const layout of name === undefined ? layouts : yield* holding(layouts, name)) {
    yield* verifyLayout(layout, options, counts)
  }
  yield* counts.tellNow
})

/** The first layout with an entry of this very name. */
const holding = Effect.fnUntraced(function*(layouts: ReadonlyArray<Layout>, name: string) {
  for (const layout of layouts) {
    if (Option.isSome(named(yield* layout.layout.snapshot, name))) return [layout]
  }
  return yield* new ManifestUnknown({ repository: "", reference: name })
})

const counting = (tell: (step: VerifyStep) => Effect.Effect<void>) => {
  let sum: Checked = { manifests: 0, blobs: 0, bytes: 0 }
  let lastReport = Number.NEGATIVE_INFINITY
  const tellNow = Effect.suspend(() => tell({ _tag: "Checked", ...sum }))
  return {
    tell,
    tellNow,
    looked: ({ blobs = 0, bytes = 0, manifests = 0, more = 0 }: Parameters<Report["looked"]>[0]) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        sum = {
          manifests: sum.manifests + manifests,
          blobs: sum.blobs + blobs,
          bytes: sum.bytes + bytes,
          ...(sum.total === undefined && more === 0 ? {} : { total: (sum.total ?? 0) + more })
        }
        if (now - lastReport < progressMillis) return Effect.void
        lastReport = now
        return tellNow
      })
  }
}

const verifyLayout = Effect.fnUntraced(function*(
  layout: Layout,
  options: VerifyOptions,
  { looked, tell }: ReturnType<typeof counting>
): Effect.fn.Return<void, VerifyError> {
  const { level = "content", name, repository, sparse = false } = options
  const report: Report = {
    level,
    sparse,
    found: (code, particulars) => tell({ _tag: "Found", finding: finding(code, particulars, layout.place) }),
    looked
  }
  const state = yield* checkFoundation(layout, report)
  const whole = repository === undefined && name === undefined
  if (state !== undefined && whole) yield* checkIndex(state, report, layout.place)
  const roots = state === undefined ? [] : yield* rootsOf(layout, state, options)
  const graph = yield* checkLinks(layout, roots, state, report)
  graph.incomplete ||= state === undefined || (yield* indexDoubt(layout.upkeep)) !== undefined
  if (state !== undefined && whole) yield* checkDockerSave(layout, state, report)
  if (whole) yield* checkSurroundings(layout, state, graph, report)
  if (level === "content") yield* checkContent(layout, graph, { state, whole }, report)
})

/** What is to be followed: everything in the index, or what was asked for. */
const rootsOf = Effect.fnUntraced(function*(
  layout: Layout,
  state: State,
  { name, reference, repository }: VerifyOptions
): Effect.fn.Return<ReadonlyArray<Descriptor>, VerifyError> {
  if (repository === undefined) {
    return descriptorsOf(name === undefined ? state.entries : Option.toArray(named(state, name)))
  }
  const opened = { ...layout, repository: yield* Effect.fromResult(parseRepository(repository)) }
  if (Option.isNone(names(state, opened.repository))) return yield* new NameUnknown({ repository: repository })
  if (reference === undefined) return descriptorsOf(entriesOf(state, opened.repository))
  if (!isTag(reference)) {
    return [yield* findDescriptor(opened, state, yield* Effect.fromResult(parseDigest(reference)))]
  }
  const found = descriptorsOf(tagged(state, opened.repository, reference).slice(0, 1))
  return found.length > 0 ? found : yield* new ManifestUnknown({ repository, reference })
})
