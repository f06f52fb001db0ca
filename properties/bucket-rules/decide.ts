/** What a machine decides on the state it knows, and when it answers. */
import { merge } from "./merge.ts"
import { periods, type Without } from "./Rules.ts"
import {
  indexOf,
  type Machine,
  type Op,
  operation,
  reachable,
  type Rec,
  sorted,
  type State,
  type Tags,
  without
} from "./State.ts"
import { finish, known, restart } from "./turn.ts"

type Write = (change: Partial<Rec>) => void

/** Drafts the record after the one it knows, or goes on to what it has to find out first. */
export const decide = (state: State, machine: Machine, rules: Without): void => {
  const op = operation(machine)
  const { index, record } = known(machine)
  const tags = merge(state, index, record, machine.number, rules)
  const isForeign = JSON.stringify(tags) !== JSON.stringify(record.tags)
  const write: Write = (change) => {
    const { mine, number, ops, stage = "" } = machine
    const own = `${state.machines.indexOf(machine)}.${ops.length}${stage}${op.kind === "tidy" ? number + 1 : ""}`
    const { condemned, floor, hidden } = record
    const next = { tags, condemned, hidden, floor, ...change }
    machine.draft = {
      id: mine === undefined ? own : `${mine.id}f${number + 1}`,
      previous: record.id,
      ...next,
      tags: sorted(next.tags),
      condemned: sorted(next.condemned),
      hidden: sorted(next.hidden),
      ...(isForeign && { took: index })
    }
    machine.at = "create"
  }
  if (machine.mine !== undefined || op.kind === "tidy") {
    if (isForeign) return write({})
    const isPublished = state.index.number === machine.number && state.index.id === record.id
    if (op.kind === "tidy" && machine.mine === undefined && isPublished) return finish(machine)
    machine.at = "publish"
    return
  }
  switch (op.kind) {
    case "read":
      for (const { id, op: seen } of machine.due ?? []) {
        const isDue = "digest" in seen && "tag" in seen && !state.deleted.includes(seen.tag)
        if (isDue && tags[seen.tag] !== seen.digest) state.fault = `a reader does not see ${id}`
      }
      return finish(machine)
    case "delete":
      return tags[op.tag] === undefined ? finish(machine) : write({ tags: without(tags, op.tag) })
    case "deleteBlob":
      return deleteBlob(machine, tags, op.digest, write)
    case "conditionalPush":
      return tags[op.tag] === undefined ? push(machine, tags, op, write, rules) : finish(machine)
    case "tagReachable":
      if (Object.values(record.tags).includes(op.digest)) return write({ tags: { ...tags, [op.tag]: op.digest } })
      return push(machine, tags, op, write, rules)
    case "push":
    case "upload":
      return push(machine, tags, op, write, rules)
    case "retain":
      if (record.floor > 1) return removeRecords(state, machine, record.floor)
      return write({ floor: machine.number })
    case "collect":
      return machine.stage === undefined
        ? condemn(machine, tags, write, rules)
        : removeCondemned(state, machine, tags, write, rules)
    case "putBack":
    case "edit":
      return finish(machine)
  }
}

/** It was published: the answer, and what comes after it. */
export const answer = (state: State, machine: Machine): void => {
  const op = operation(machine)
  const { mine } = machine
  if (op.kind === "collect") {
    if (machine.stage === "forget") return finish(machine)
    machine.stage = "remove"
    return restart(machine)
  }
  if (op.kind === "retain") return restart(machine)
  if (op.kind !== "tidy" && mine !== undefined) {
    state.acknowledged = [...state.acknowledged, { ...mine, op }]
    if (mine.number > state.published) state.fault = "answered before it was published"
  }
  finish(machine)
}

const push = (
  machine: Machine,
  tags: Tags,
  { digest, kind, tag }: { readonly kind: Op["kind"]; readonly tag: string; readonly digest: string },
  write: Write,
  rules: Without
): void => {
  const etag = machine.evidence?.etag
  const { condemned, hidden } = known(machine).record
  const sentence = condemned[digest]
  const pushed = { ...tags, [tag]: digest }
  if (etag === undefined) machine.at = "look"
  else if (hidden[digest] === etag) {
    const mistake = kind === "upload" ? "an upload leaves hidden what it finds" : "a push relies on what is hidden"
    if (rules.has(mistake)) return write({ tags: pushed })
    if (kind !== "upload") return finish(machine)
    write({ tags: pushed, hidden: without(hidden, digest), reveals: digest })
  } else if (sentence?.etag === etag) {
    if (sentence.deleted && kind !== "upload") return finish(machine)
    machine.at = "refresh"
  } else write({ tags: pushed })
}

/** Content that nothing needs: condemned, or hidden where another ETag of it is condemned already. */
const deleteBlob = (machine: Machine, tags: Tags, digest: string, write: Write): void => {
  const etag = machine.evidence?.etag
  const { condemned, hidden } = known(machine).record
  if (etag === undefined) machine.at = "look"
  else if (reachable(tags).has(digest) || [condemned[digest]?.etag, hidden[digest]].includes(etag)) finish(machine)
  else if (condemned[digest] !== undefined) write({ hidden: { ...hidden, [digest]: etag } })
  else write({ condemned: { ...condemned, [digest]: { etag, by: machine.number + 1, deleted: true } } })
}

/** What the collection may not take. */
const needed = (machine: Machine, tags: Tags, rules: Without): ReadonlySet<string> =>
  reachable(rules.has("garbage is computed from the index") ? indexOf(known(machine).index).tags : tags)

const condemn = (machine: Machine, tags: Tags, write: Write, rules: Without): void => {
  const { record } = known(machine)
  const { listed, number } = machine
  if (listed === undefined) {
    machine.at = "list"
    return
  }
  const need = needed(machine, tags, rules)
  const garbage = Object.entries(listed).filter(([digest, { etag }]) => {
    const on = record.condemned[digest]
    return !need.has(digest) && (on === undefined || (rules.has("condemned twice") && on.etag !== etag))
  })
  const gone = garbage.filter(([, { age }]) => age >= periods.day)
  if (rules.has("garbage is removed without being condemned")) {
    machine.todo = gone.map(([digest, { etag }]) => [digest, etag])
    machine.at = "remove"
    return gone.length === 0 ? finish(machine) : undefined
  }
  if (gone.length === 0) {
    if (garbage.length > 0) return restart(machine, periods.day - Math.max(...garbage.map(([, { age }]) => age)))
    machine.stage = "remove"
    return restart(machine)
  }
  const entries = gone.map(([digest, { etag }]) => [digest, { etag, by: number + 1 }] as const)
  write({ condemned: { ...record.condemned, ...Object.fromEntries(entries) } })
}

const removeCondemned = (state: State, machine: Machine, tags: Tags, write: Write, rules: Without): void => {
  const { record } = known(machine)
  const condemned = Object.entries(record.condemned)
  const ageOf = (by: number): number => state.ages[by] ?? periods.twoDays
  if (condemned.length === 0) return finish(machine)
  const need = needed(machine, tags, rules)
  const atOnce = rules.has("what a record condemned is removed at once")
  const isDue = ([, { by }]: (typeof condemned)[number]): boolean =>
    ageOf(by) >= (atOnce ? 0 : periods.day) && ageOf(by) < periods.twoDays - periods.valid
  machine.todo ??= condemned.filter((each) => isDue(each) && !need.has(each[0])).map((
    [digest, { etag }]
  ) => [digest, etag])
  if (machine.todo.length > 0) {
    machine.at = "remove"
    return
  }
  const isEarly = rules.has("forgotten while a DELETE may arrive")
  const forgotten = isEarly ? (atOnce ? 0 : periods.day) : periods.twoDays
  const isOver = ([, { by }]: (typeof condemned)[number]): boolean => ageOf(by) >= forgotten
  const over = condemned.filter(isOver)
  if (over.length === 0) {
    const oldest = Math.max(...condemned.map(([, { by }]) => ageOf(by)))
    return restart(machine, (oldest < periods.day ? periods.day : forgotten) - oldest)
  }
  machine.stage = "forget"
  // The only ETag of it that is on the list now.
  const hidden = Object.entries(record.hidden).filter(([digest]) => over.some(([each]) => each === digest))
  const isBack = rules.has("what was hidden comes back")
  const again = (isBack ? [] : hidden).map(([digest, etag]) =>
    [digest, { etag, by: machine.number + 1, deleted: true as const }] as const
  )
  write({
    condemned: Object.fromEntries([...condemned.filter((each) => !isOver(each)), ...again]),
    hidden: hidden.reduce((left, [digest]) => without(left, digest), record.hidden)
  })
}

/** A day after the floor was raised. */
const removeRecords = (state: State, machine: Machine, floor: number): void => {
  const age = state.ages[floor + 1] ?? periods.day
  if (age < periods.day) return restart(machine, periods.day - age)
  machine.numbers = Object.keys(state.records).map(Number).filter((number) => number < floor)
  if (machine.numbers.length === 0) return finish(machine)
  machine.at = "removeRecord"
}
