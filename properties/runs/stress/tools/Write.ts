/** What processes of ours and other tools were asked to make of a name, when, and what they said of it, as data. */
import { existsSync, readFileSync } from "node:fs"

/** A digest, nothing, or something of which only the tool knows what it is. */
export type Value = { readonly digest: string } | "nothing" | "something"

export interface Write {
  /** As in the index. */
  readonly name: string
  readonly value: Value
  /** Whose: `ours`, or the tool's. */
  readonly by: string
  /** The clock of the machine, in nanoseconds. */
  readonly started: bigint
  /** When it was answered, or its process was gone; not known where it is missing. */
  readonly ended?: bigint
  /** Whether it was said that this is done. */
  readonly acknowledged: boolean
  /** Of one of ours: the actor, and the commit. */
  readonly label?: string
  readonly revision?: number
}

/** What a process of ours read of one of the names that are its own. */
export interface Reading {
  readonly name: string
  readonly value: Value
  readonly started: bigint
  readonly ended: bigint
}

/** Lines of a process of ours: a start of its life, a question, an answer. */
export type Line =
  | { readonly born: string }
  | { readonly ask: string; readonly op: string; readonly name: string; readonly digest?: string; readonly at: string }
  | {
    readonly answer: string
    readonly at: string
    readonly digest?: string
    readonly revision?: number
    readonly refused?: string
    readonly message?: string
  }

export const now = (): bigint => process.hrtime.bigint()

export interface Told {
  readonly operations: number
  readonly acknowledged: number
  readonly writes: ReadonlyArray<Write>
  readonly readings: ReadonlyArray<Reading>
  /** How often each refusal was heard. */
  readonly refusals: ReadonlyMap<string, number>
  /** Refusals that nothing explains. */
  readonly failures: ReadonlyArray<string>
}

/** What has been there before, and what another tool has broken. */
const explained = new Set(
  "Conflict IndexInvalid LayoutInvalid ManifestInvalid ManifestUnknown PlanExpired TagExists".split(" ")
)

const valueOf = (digest: string | undefined): Value => digest === undefined ? "nothing" : { digest }

const isWrite = (op: string): boolean => op === "set" || op === "delete"

/** What one process of ours, in all its lives, wrote down. */
export const readTold = (path: string): Told => {
  const lines = existsSync(path)
    ? readFileSync(path, "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line) as Line)
    : []
  const writes: Array<Write> = []
  const readings: Array<Reading> = []
  const refusals = new Map<string, number>()
  const failures: Array<string> = []
  const open = new Map<string, Extract<Line, { readonly ask: string }>>()
  let operations = 0
  let acknowledged = 0
  const unanswered = (ended: bigint | undefined): void => {
    for (const { ask, at, digest, name, op } of open.values()) {
      if (!isWrite(op)) continue
      writes.push({
        name,
        value: valueOf(digest),
        by: "ours",
        started: BigInt(at),
        ...(ended === undefined ? {} : { ended }),
        acknowledged: false,
        label: ask
      })
    }
    open.clear()
  }
  for (const line of lines) {
    if ("born" in line) unanswered(BigInt(line.born))
    else if ("ask" in line) {
      operations++
      open.set(line.ask, line)
    } else {
      const asked = open.get(line.answer)
      if (asked === undefined) throw new Error(`an answer to nothing in ${path}: ${JSON.stringify(line)}`)
      open.delete(line.answer)
      const times = { started: BigInt(asked.at), ended: BigInt(line.at) }
      const { message, refused } = line
      if (refused === undefined) acknowledged++
      else {
        refusals.set(refused, (refusals.get(refused) ?? 0) + 1)
        if (!explained.has(refused)) failures.push(`${asked.op} of ${asked.name} failed: ${refused}: ${message}`)
      }
      if (asked.op === "read" && (refused === undefined || refused === "ManifestUnknown")) {
        readings.push({ name: asked.name, value: valueOf(line.digest), ...times })
      }
      // A refusal of another kind leaves open what has happened.
      if (!isWrite(asked.op) || refused !== undefined && explained.has(refused)) continue
      writes.push({
        name: asked.name,
        value: valueOf(asked.digest),
        by: "ours",
        ...times,
        acknowledged: refused === undefined,
        label: asked.ask,
        ...(line.revision === undefined ? {} : { revision: line.revision })
      })
    }
  }
  unanswered(undefined)
  return { operations, acknowledged, writes, readings, refusals, failures }
}
