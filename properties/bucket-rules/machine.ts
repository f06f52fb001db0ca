/** A machine: which request it sends next, and what it makes of an answer. */
import { answer, decide } from "./decide.ts"
import type { Without } from "./Rules.ts"
import {
  bytesOf,
  digestOf,
  indexOf,
  lastOf,
  type Machine,
  operation,
  otherOf,
  pinned,
  recordAt,
  type Request,
  sorted,
  type State,
  type Status
} from "./State.ts"
import { created, fenced, finish, freshOf, goTo, isNow, known, restart, see } from "./turn.ts"

/** The changing request that a machine sends next; none before it reads. */
export const requestOf = (state: State, machine: Machine): Request | undefined => {
  const by = state.machines.indexOf(machine)
  const { evidence, headAge, index = "", number, record } = machine
  const oldest = Math.max(headAge, evidence?.age ?? 0)
  switch (machine.at) {
    case "create": {
      if (machine.draft === undefined) throw new Error("nothing was drafted")
      const age = machine.mine === undefined ? oldest : 0
      return { by, age, kind: "putRecord", number: number + 1, record: machine.draft }
    }
    case "publish": {
      const { id, tags } = known(machine).record
      return { by, age: 0, kind: "putIndex", ifMatch: index, index: { number, id, tags } }
    }
    case "put":
      return { by, age: headAge, kind: "putBlob", digest: digestOf(machine), etag: freshOf(record, digestOf(machine)) }
    case "refresh":
      if (evidence === undefined) throw new Error("refreshes what it has not seen")
      return { by, age: oldest, kind: "refresh", digest: digestOf(machine), ifMatch: evidence.etag }
    case "remove": {
      const [next] = machine.todo ?? []
      if (next === undefined) throw new Error("nothing to remove")
      return { by, age: headAge, kind: "deleteBlob", digest: next[0], etag: next[1] }
    }
    case "removeRecord":
      return { by, age: 0, kind: "removeRecord", number: machine.numbers?.[0] ?? 0 }
    case "foreign": {
      const edit = operation(machine).kind === "edit"
      const found = indexOf(index)
      const bytes = edit ? bytesOf({ ...found, tags: sorted({ ...found.tags, f: pinned }) }) : index
      return { by, age: 0, kind: "foreign", bytes, edit }
    }
    default:
      return undefined
  }
}

/** A reading request, which is answered at once. */
export const read = (state: State, machine: Machine, rules: Without): void => {
  const tooLate = fenced(machine, rules)
  switch (machine.at) {
    case "open": {
      const { kind } = operation(machine)
      machine.index = bytesOf(state.index)
      if (kind === "putBack" || kind === "edit") {
        machine.at = "foreign"
        return
      }
      if (kind === "read") machine.due ??= state.acknowledged
      machine.at = "head"
      return
    }
    case "head": {
      const trusts = rules.has("a reader trusts the index") && operation(machine).kind === "read"
      goTo(state, machine, trusts ? indexOf(machine.index ?? "").number : lastOf(state))
      return decide(state, machine, rules)
    }
    case "look": {
      if (tooLate) return restart(machine)
      const etag = state.blobs[digestOf(machine)]?.etag
      if (etag !== undefined) {
        see(machine, etag)
        return decide(state, machine, rules)
      }
      // The blob is unknown, unless the client has its bytes.
      if (operation(machine).kind !== "upload") return finish(machine)
      machine.at = "put"
      return
    }
    case "list":
      if (tooLate) return restart(machine)
      machine.listed = state.blobs
      return decide(state, machine, rules)
    case "who": {
      if (tooLate && machine.mine !== undefined) {
        delete machine.draft
        machine.at = "head"
        return
      }
      if (tooLate) {
        machine.at = "fence"
        machine.number++
        return
      }
      const found = state.records[machine.number + 1]
      const isMine = found?.id === machine.draft?.id && !rules.has("a lost answer is decided again")
      if (found !== undefined && isMine) return created(machine, found, rules)
      if (machine.refused === true) return restart(machine)
      if (found === undefined) {
        machine.at = "create"
        return
      }
      goTo(state, machine, machine.number + 1)
      delete machine.draft
      return decide(state, machine, rules)
    }
    case "fence": {
      machine.headAge = 0
      const found = recordAt(state, machine.number)
      if (found === undefined || found.id !== (machine.draft ?? machine.record)?.id) return restart(machine)
      isNow(machine, found)
      if ((state.records[lastOf(state)]?.floor ?? 0) > machine.number) answer(state, machine)
      return
    }
    case "reread": {
      machine.index = bytesOf(state.index)
      const { id, number } = state.index
      const isPublished = number > machine.number || (number === machine.number && id === machine.record?.id)
      return isPublished ? answer(state, machine) : decide(state, machine, rules)
    }
    default:
      throw new Error(`${machine.at} is no reading`)
  }
}

/** What a machine makes of the answer to a changing request; `lost` when there is none. */
export const receive = (state: State, machine: Machine, status: Status | "lost", rules: Without): void => {
  // A request that was refused was sent before, perhaps, and took effect then.
  if (status === 403 && machine.at === "create" && !rules.has("refused is taken for not done")) {
    machine.at = "who"
    machine.refused = true
    return
  }
  if (status === 403) return restart(machine)
  const tooLate = fenced(machine, rules)
  switch (machine.at) {
    case "create": {
      const { draft } = machine
      const isBlind = rules.has("a lost answer is decided again") && status === "lost"
      if (status === 200 && draft !== undefined) {
        created(machine, draft, rules)
        const early = rules.has("answered before the index is published") && machine.mine !== undefined
        return early ? answer(state, machine) : undefined
      }
      machine.at = "who"
      if (!isBlind) return
      delete machine.draft
      if (state.records[machine.number + 1] !== undefined) goTo(state, machine, machine.number + 1)
      return decide(state, machine, rules)
    }
    case "publish":
      if (status === 200) return answer(state, machine)
      machine.at = "reread"
      return
    case "put":
      if (status === "lost") return
      if (status === 412) {
        machine.at = "look"
        return
      }
      if (tooLate) return restart(machine)
      see(machine, freshOf(machine.record, digestOf(machine)))
      return decide(state, machine, rules)
    case "refresh": {
      const { evidence } = machine
      if (tooLate) return restart(machine)
      delete machine.evidence
      if (status === 200 && evidence !== undefined) see(machine, otherOf(evidence.etag))
      return decide(state, machine, rules)
    }
    case "remove": {
      if (status === "lost") return
      machine.todo = (machine.todo ?? []).slice(1)
      if (machine.todo.length > 0) return
      return rules.has("garbage is removed without being condemned")
        ? finish(machine)
        : restart(machine, 1)
    }
    case "removeRecord":
      if (status === "lost") return
      machine.numbers = (machine.numbers ?? []).slice(1)
      return machine.numbers.length === 0 ? finish(machine) : undefined
    case "foreign":
      return finish(machine)
    default:
      throw new Error(`${machine.at} has no answer`)
  }
}
