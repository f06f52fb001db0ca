/** What has to hold after every step, and at the end. */
import { read, receive, requestOf } from "./machine.ts"
import { merge } from "./merge.ts"
import type { Without } from "./Rules.ts"
import { bytesOf, copyOf, lastOf, type Machine, pinned, reachable, type Rec, recordAt, type State } from "./State.ts"
import { pass, perform, waits } from "./store.ts"

const missing: Rec = { id: "missing", previous: "", tags: {}, condemned: {}, hidden: {}, floor: 1 }

/** A sentence for what does not hold. */
export const faultOf = (state: State, rules: Without): string | undefined => {
  if (state.fault !== undefined) return state.fault
  const last = lastOf(state)
  const records = Array.from({ length: last }, (_, k) => recordAt(state, k + 1) ?? missing)
  const ids = new Set(records.map(({ id }) => id))
  if (ids.size < records.length) return "a change is in the history twice"
  for (const [k, record] of records.entries()) {
    const before = records[k - 1]
    if (before === undefined) continue
    if (record.previous !== before.id) return `record ${k + 1} does not follow on record ${k}`
    for (const [digest, etag] of Object.entries(before.hidden)) {
      const stays = [record.hidden[digest], record.condemned[digest]?.etag].includes(etag)
      if (!stays && record.reveals !== digest) return `deleted ${digest} comes back by itself`
    }
  }
  const numbers = new Set(state.acknowledged.map(({ number }) => number))
  if (numbers.size < state.acknowledged.length) return "a revision was given twice"
  for (const { id } of state.acknowledged) if (!ids.has(id)) return `acknowledged ${id} is not in the history`
  const head = state.records[last] ?? missing
  for (const digest of Object.values(head.tags)) {
    const blob = state.blobs[digest]
    if (blob === undefined) return `blob ${digest} is needed and gone`
    if (head.hidden[digest] === blob.etag) return `blob ${digest} is needed and hidden`
  }
  const tags = merge(state, bytesOf(state.index), head, last, rules)
  const won = new Set<string>()
  for (const { id, op } of state.acknowledged) {
    if (!("digest" in op && "tag" in op)) continue
    if (!state.deleted.includes(op.tag) && tags[op.tag] !== op.digest) return `acknowledged ${id} is hidden`
    if (op.kind !== "conditionalPush") continue
    if (won.has(op.tag)) return `tag ${op.tag} was won twice`
    won.add(op.tag)
  }
  if (state.edited && tags["f"] !== pinned && !state.deleted.includes("f")) return "a foreign change is lost"
  const taken = records.filter(({ took }) => took !== undefined).length
  return taken > state.edits ? "a foreign change was taken in twice" : undefined
}

/** At rest: after a tidying and three collections nothing is left over, and nothing is missing. */
export const faultAtRest = (rest: State, rules: Without): string | undefined => {
  const state = copyOf({ ...rest, late: [], losses: 0, crashes: 0 })
  const ops = ["tidy", "collect", "collect", "collect"].map((kind) => ({ kind }) as { kind: "tidy" | "collect" })
  const machine: Machine = { ops, at: "open", number: 0, headAge: 0 }
  state.machines.push(machine)
  for (let step = 0; step < 400; step++) {
    if (machine.at === "end") return leftOver(state)
    const request = requestOf(state, machine)
    if (waits(machine)) pass(state)
    else if (request === undefined) read(state, machine, rules)
    else receive(state, machine, perform(state, request, rules), rules)
    const fault = faultOf(state, rules)
    if (fault !== undefined) return `afterwards ${fault}`
  }
  return "collection does not end"
}

const leftOver = (state: State): string | undefined => {
  const head = state.records[lastOf(state)] ?? missing
  const need = reachable(head.tags)
  for (const digest of Object.keys(state.blobs)) if (!need.has(digest)) return `garbage ${digest} stays for ever`
  if (Object.keys({ ...head.condemned, ...head.hidden }).length > 0) return "condemned or hidden for ever"
  return JSON.stringify(state.index.tags) === JSON.stringify(head.tags) ? undefined : "index.json stays behind"
}
