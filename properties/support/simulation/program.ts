/** What concurrent fibers do, and a tool beside them, in small pools so that they meet. */
import fc from "fast-check"
import type { Condition, TagCall } from "../../runs/stress/Call.ts"
import { manifestDigest } from "../../runs/stress/contents.ts"
import type { Habits } from "./foreign.ts"

export const repository = "app"
export const tagNames = ["t0", "t1"]
export const notesOf = (tag: string): ReadonlyArray<string> => ["a", "b", "c"].map((note) => `${tag} ${note}`)

export interface Program {
  /** What each of them asks, in order. */
  readonly fibers: ReadonlyArray<ReadonlyArray<TagCall>>
  /** A tool that rewrites the index when so many calls have gone by, for another name each time or for the same. */
  readonly foreign: Habits & { readonly waits: ReadonlyArray<number>; readonly moves: boolean } | undefined
  /** How coarse the times of files are. */
  readonly tickNs: bigint
}

const plain = fc.constantFrom<Array<Condition>>({ kind: "none" }, { kind: "none" }, { kind: "none" }, {
  kind: "absent"
})

const callOf = (tag: string): fc.Arbitrary<TagCall> => {
  const of = { repository, tag }
  const manifest = fc.constantFrom(...notesOf(tag)).map((note) => ({ ...of, note, digest: manifestDigest(note) }))
  const ifDigest = manifest.map(({ digest }) => ({ kind: "digest", digest } as const))
  const condition = fc.oneof({ weight: 2, arbitrary: plain }, { weight: 1, arbitrary: ifDigest })
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.tuple(manifest, condition, fc.nat({ max: 4 })).map(([manifest, condition, drawn]): TagCall => ({
        op: "pushManifest",
        tagged: drawn > 0,
        condition,
        ...manifest
      }))
    },
    {
      weight: 2,
      arbitrary: fc.tuple(manifest, condition).map(([manifest, condition]): TagCall => ({
        op: "tagManifest",
        condition,
        ...manifest
      }))
    },
    {
      weight: 2,
      arbitrary: fc.oneof({ weight: 3, arbitrary: fc.constant({ kind: "none" } as const) }, {
        weight: 1,
        arbitrary: ifDigest
      }).map((condition): TagCall => ({
        op: "deleteTag",
        condition,
        ...of
      }))
    },
    { weight: 1, arbitrary: manifest.map((manifest): TagCall => ({ op: "deleteManifest", ...manifest })) },
    { weight: 1, arbitrary: manifest.map((manifest): TagCall => ({ op: "getManifest", ...manifest })) },
    { weight: 3, arbitrary: fc.constant<TagCall>({ op: "getTag", ...of }) },
    { weight: 1, arbitrary: fc.constant<TagCall>({ op: "isListed", ...of }) }
  )
}

/** An operation is so many calls, so that a tool may come at any time of it. */
const calls = fc.nat({ max: 120 })

const call = fc.constantFrom(...tagNames).chain(callOf)

export const program: fc.Arbitrary<Program> = fc.record<Program>({
  fibers: fc.array(fc.array(call, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 4 }),
  foreign: fc.option(
    fc.record({
      writes: fc.constantFrom<Array<Habits["writes"]>>("in place", "over", "by rename"),
      keepsFields: fc.boolean(),
      reorders: fc.boolean(),
      waits: fc.array(calls, { minLength: 1, maxLength: 2 }),
      moves: fc.boolean(),
      thinks: calls,
      hesitates: fc.nat({ max: 20 })
    }),
    { nil: undefined }
  ),
  tickNs: fc.constantFrom(1n, 4_000_000n, 1_000_000_000n)
})
