/** What a process writes down of what it does: a line before it asks, and one once it was answered. */
import { Effect } from "effect"
import { existsSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import type { Operation } from "../../support/linearize.ts"
import type { Answer, Call } from "./Call.ts"
import { carryOut } from "./carryOut.ts"

type Line =
  | { readonly step: number }
  | { readonly id: string; readonly asked: string; readonly call: Call }
  | { readonly id: string; readonly answered: string; readonly answer: Answer }

export interface Recorder {
  readonly begin: (step: number) => void
  /** Asks the registry, and answers what it was told. */
  readonly ask: (registry: LayoutRegistry, call: Call) => Effect.Effect<Answer>
}

/** The clock is the same for all processes, and does not jump. */
const now = (): string => String(process.hrtime.bigint())

/** What is written is in the hands of the system at once: it survives the death of the process. */
export const makeRecorder = (path: string): Recorder => {
  const life = nextStep(path)
  const file = openSync(path, "a")
  const write = (line: Line): void => void writeSync(file, `${JSON.stringify(line)}\n`)
  let asks = 0
  return {
    begin: (step) => write({ step }),
    ask: (registry, call) =>
      Effect.suspend(() => {
        const id = `${life}.${asks++}`
        write({ id, asked: now(), call })
        return Effect.tap(
          carryOut(registry, call),
          (answer) => Effect.sync(() => write({ id, answered: now(), answer }))
        )
      })
  }
}

const linesIn = (path: string): ReadonlyArray<Line> =>
  existsSync(path)
    ? readFileSync(path, "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line) as Line)
    : []

/** Where a process that was killed goes on: what it had begun is not begun again. */
export const nextStep = (path: string): number =>
  linesIn(path).reduce((next, line) => "step" in line ? Math.max(next, line.step + 1) : next, 0)

/** The operations in a file; those that were under way at a death have no answer. */
export const readOperations = (path: string): ReadonlyArray<Operation<Call, Answer>> => {
  const operations = new Map<string, Operation<Call, Answer>>()
  for (const line of linesIn(path)) {
    if ("call" in line) operations.set(line.id, { call: line.call, asked: BigInt(line.asked) })
    if (!("answer" in line)) continue
    const asked = operations.get(line.id)
    if (asked === undefined) throw new Error(`an answer to nothing in ${path}: ${JSON.stringify(line)}`)
    operations.set(line.id, { ...asked, answered: BigInt(line.answered), answer: line.answer })
  }
  return Array.from(operations.values())
}

/** Those of all processes that wrote down what they did in a folder. */
export const recordsIn = (folder: string): ReadonlyArray<Operation<Call, Answer>> =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".ndjson") && name !== "end.ndjson")
    .flatMap((name) => readOperations(join(folder, name)))
