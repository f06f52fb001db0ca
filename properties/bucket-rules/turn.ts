/** Where a machine stands within what it does. */
import { periods, type Without } from "./Rules.ts"
import { type ETag, type Machine, type Rec, type State } from "./State.ts"

const begin = (machine: Machine, ops: Machine["ops"], kept: Partial<Machine> = {}): void => {
  for (const key of Object.keys(machine)) Reflect.deleteProperty(machine, key)
  Object.assign(machine, { ops, at: ops.length === 0 ? "end" : "open", number: 0, headAge: 0, ...kept })
}
export const finish = (machine: Machine): void => begin(machine, machine.ops.slice(1))

/** Begins what it does anew, after some periods. */
export const restart = (machine: Machine, pause = 0): void => {
  const { due, stage } = machine
  begin(machine, machine.ops, {
    ...(stage !== undefined && { stage }),
    ...(due !== undefined && { due }),
    ...(pause > 0 && { at: "wait", pause })
  })
}

export const known = ({ index, record }: Machine): { readonly record: Rec; readonly index: string } => {
  if (record === undefined || index === undefined) throw new Error("a machine decides before it has read")
  return { record, index }
}

/** It knows nothing younger than an hour, and records may have been removed. */
export const fenced = ({ headAge }: Machine, rules: Without): boolean =>
  headAge > periods.valid && !rules.has("a machine that stood still goes on")

export const goTo = (state: State, machine: Machine, number: number): void => {
  const record = state.records[number]
  if (record === undefined) throw new Error(`no record ${number}`)
  Object.assign(machine, { number, record, headAge: 0 })
}

export const see = (machine: Machine, etag: ETag): void => {
  machine.evidence = { etag, age: 0 }
}

/** The ETag that is not condemned by a record. */
export const freshOf = (record: Rec | undefined, digest: string): ETag =>
  record?.condemned[digest]?.etag === "a" ? "b" : "a"

export const isNow = (machine: Machine, record: Rec): void => {
  machine.record = record
  machine.mine ??= { number: machine.number, id: record.id }
  delete machine.draft
  delete machine.refused
  machine.at = "publish"
}

export const created = (machine: Machine, record: Rec, rules: Without): void => {
  machine.number++
  if (!fenced(machine, rules)) return isNow(machine, record)
  machine.record = record
  machine.at = "fence"
}
