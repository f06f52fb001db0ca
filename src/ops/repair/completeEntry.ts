/** Writes into an entry of the index what its content says of it, where only the entry is wrong. */
import { Effect, Option, Result, type Schema } from "effect"
import type { EntryReplaced } from "../../layout/Event.ts"
import type { State } from "../../layout/State.ts"
import { type ContentDigest, isContentDigest } from "../../oci/Digest.ts"
import { readDescriptor } from "../../oci/readDescriptor.ts"
import type { RepairError } from "../api/errors.ts"
import * as limits from "../limits.ts"
import { damaged } from "../manifests/damage.ts"
import { asManifest } from "../reachability/unlisted.ts"
import { did, left, type Outcome, type RepairTask } from "./repairTask.ts"
import { replaceEntries } from "./replaceEntries.ts"

/** What an entry has to say of a manifest. */
interface Known extends Schema.JsonObject {
  readonly mediaType: string
  readonly digest: ContentDigest
  readonly size: number
}

export const completeEntry = Effect.fnUntraced(function*(
  { dryRun, finding: { digest: written = "" }, opened }: RepairTask
): Effect.fn.Return<Outcome, RepairError> {
  const digest = meant(written)
  const read = digest === undefined ? undefined : yield* damaged(opened.blobs.get(digest, limits.manifestBytes))
  const bytes = read !== undefined && Result.isSuccess(read) ? Option.getOrUndefined(read.success) : undefined
  const manifest = bytes === undefined ? undefined : asManifest(bytes)
  if (digest === undefined || bytes === undefined || manifest === undefined) {
    return left("what it names is not there, or is no manifest")
  }
  const known: Known = { mediaType: manifest.mediaType, digest, size: bytes.length }
  const more = "more is wrong with it than that"
  if (dryRun) {
    const events = completions(yield* opened.layout.snapshot, written, known)
    return events.length > 0 ? did("write what its content says of it into the index") : left(more)
  }
  const { events, revision } = yield* opened.layout.transact({
    evidence: () => Effect.void,
    decide: (state) => Result.succeed(completions(state, written, known))
  })
  return events.length > 0 ? did("wrote what its content says of it into the index", revision) : left(more)
})

/** The digest that a text means, whose spelling need not be right. */
const meant = (written: string): ContentDigest | undefined => {
  const text = written.trim().toLowerCase()
  const whole = text.includes(":") ? text : `sha256:${text}`
  return isContentDigest(whole) ? whole : undefined
}

const completions = (
  state: State,
  written: string,
  { digest, mediaType, size }: Known
): ReadonlyArray<EntryReplaced> =>
  replaceEntries(state, written, (value, isDescriptor) => {
    if (isDescriptor) return undefined
    // A media type that is there may be more than the manifest itself says.
    const own = typeof value["mediaType"] === "string" && value["mediaType"] !== "" ? value["mediaType"] : mediaType
    const to = { ...value, mediaType: own, digest, size }
    return Result.isSuccess(readDescriptor(to)) ? to : undefined
  })
