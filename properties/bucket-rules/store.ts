/** The store: each request takes effect at once and whole, and what was signed too long ago is refused. */
import { periods, type Without } from "./Rules.ts"
import {
  bytesOf,
  indexOf,
  lastOf,
  type Machine,
  otherOf,
  type Request,
  sorted,
  type State,
  type Status,
  without
} from "./State.ts"

export const perform = (state: State, request: Request, omitted: Without): Status => {
  if (request.age > periods.valid && !omitted.has("signed when sent")) return 403
  switch (request.kind) {
    case "putRecord": {
      const { number, record } = request
      if (state.records[number] !== undefined && !omitted.has("a record is put without a condition")) return 412
      state.records = { ...state.records, [number]: record }
      const inForce = new Set(Object.values(record.condemned).map(({ by }) => by))
      const isTimed = inForce.has(number) || record.floor === number - 1
      const kept = Object.entries(state.ages).filter(([by]) =>
        inForce.has(Number(by)) || record.floor === Number(by) - 1
      )
      state.ages = { ...Object.fromEntries(kept), ...(isTimed && { [number]: 0 }) }
      return 200
    }
    case "putIndex":
      if (request.ifMatch !== bytesOf(state.index) && !omitted.has("the index is put without a condition")) return 412
      state.index = request.index
      state.published = Math.max(state.published, request.index.number)
      return 200
    case "foreign":
      state.index = indexOf(request.bytes)
      if (request.edit) state.edited = true
      return 200
    case "putBlob":
      if (state.blobs[request.digest] !== undefined) return 412
      state.blobs = sorted({ ...state.blobs, [request.digest]: { etag: request.etag, age: 0 } })
      return 200
    case "refresh": {
      const etag = state.blobs[request.digest]?.etag
      if (etag === undefined) return 404
      if (etag !== request.ifMatch) return 412
      const keeps = omitted.has("a refreshed blob keeps its ETag")
      state.blobs = { ...state.blobs, [request.digest]: { etag: keeps ? etag : otherOf(etag), age: 0 } }
      return 200
    }
    case "deleteBlob": {
      const etag = state.blobs[request.digest]?.etag
      if (etag === undefined) return 404
      if (etag !== request.etag && !omitted.has("a blob is deleted without a condition")) return 412
      state.blobs = without(state.blobs, request.digest)
      return 204
    }
    case "removeRecord": {
      const record = state.records[request.number]
      if (record === undefined || request.number >= lastOf(state)) return 204
      if (state.folded[request.number] === undefined) state.folded = { ...state.folded, [request.number]: record }
      state.records = without(state.records, request.number)
      return 204
    }
  }
}

const older = (age: number, most: number): number => Math.min(age + 1, most)

/** A period passes for everybody; ages above what matters are not told apart. */
export const pass = (state: State): void => {
  const expired = periods.valid + 1
  state.ages = Object.fromEntries(Object.entries(state.ages).map(([n, age]) => [n, older(age, periods.twoDays)]))
  state.blobs = Object.fromEntries(
    Object.entries(state.blobs).map(([digest, { age, etag }]) => [digest, { etag, age: older(age, periods.day) }])
  )
  state.late = state.late.flatMap((request) =>
    request.age < periods.valid ? [{ ...request, age: request.age + 1 }] : []
  )
  for (const machine of state.machines) {
    if (machine.at === "end") continue
    machine.headAge = older(machine.headAge, expired)
    const { evidence } = machine
    if (evidence !== undefined) machine.evidence = { ...evidence, age: older(evidence.age, expired) }
    if (machine.pause === undefined) continue
    machine.pause--
    if (machine.pause > 0) continue
    delete machine.pause
    machine.at = "open"
  }
}

export const waits = ({ at }: Machine): boolean => at === "wait"
