/** What a tag, a blob and an upload do when they are used by one process after the other. */
import type { Sequential } from "../../support/linearize.ts"
import type { Answer, BlobCall, Condition, TagCall, UploadCall } from "./Call.ts"
import { uploadDigest } from "./contents.ts"
import { garbage } from "./Plan.ts"

/** A tag, and those manifests that are used for it and are there. */
interface TagState {
  readonly target: string | undefined
  readonly there: ReadonlyArray<string>
}

const conditionFaults = (condition: Condition, target: string | undefined, wanted?: string): ReadonlyArray<string> =>
  condition.kind === "digest" && condition.digest !== target
    ? ["Conflict"]
    : condition.kind === "absent" && target !== undefined && target !== wanted
    ? ["TagExists"]
    : []

const withManifest = (there: ReadonlyArray<string>, digest: string): ReadonlyArray<string> =>
  there.includes(digest) ? there : [...there, digest].toSorted()

/** What a call may find wrong; if nothing is, what it leads to and answers. */
interface Use {
  readonly faults: ReadonlyArray<string>
  readonly state: TagState
  readonly digest?: string | undefined
  readonly names?: ReadonlyArray<string>
}

const useTag = ({ target, there }: TagState, call: TagCall): Use => {
  const unknown = (known: boolean) => known ? [] : ["ManifestUnknown"]
  switch (call.op) {
    case "pushManifest":
      return {
        faults: call.tagged ? conditionFaults(call.condition, target, call.digest) : [],
        state: { target: call.tagged ? call.digest : target, there: withManifest(there, call.digest) },
        digest: call.digest
      }
    case "tagManifest":
      return {
        faults: [
          ...unknown(there.includes(call.digest)),
          ...conditionFaults(call.condition, target, call.digest)
        ],
        state: { target: call.digest, there },
        digest: call.digest
      }
    case "deleteManifest":
      return {
        faults: unknown(there.includes(call.digest)),
        state: {
          target: target === call.digest ? undefined : target,
          there: there.filter((digest) => digest !== call.digest)
        },
        digest: call.digest
      }
    case "revert":
      return { faults: [], state: { target: undefined, there: [] }, digest: call.digest }
    case "getManifest":
      return { faults: unknown(there.includes(call.digest)), state: { target, there }, digest: call.digest }
    case "deleteTag":
      return {
        faults: [...unknown(target !== undefined), ...conditionFaults(call.condition, target)],
        state: { target: undefined, there },
        digest: target
      }
    case "getTag":
      return { faults: unknown(target !== undefined), state: { target, there }, digest: target }
    case "isListed":
      return { faults: [], state: { target, there }, names: target === undefined ? [] : [call.tag] }
  }
}

export const tags: Sequential<TagState, TagCall, Answer> = {
  initial: { target: undefined, there: [] },
  step: (before, call, answer) => {
    const { digest, faults, names, state } = useTag(before, call)
    if (answer === undefined) return faults.length > 0 ? before : state
    if (answer.refused !== undefined) return faults.includes(answer.refused) ? before : undefined
    const isRight = answer.digest === digest && answer.names?.join(" ") === names?.join(" ")
    return faults.length === 0 && isRight ? state : undefined
  },
  print: ({ target, there }) => `${target} of ${there.join(" ")}`
}

/** No process deletes blobs; what is garbage from the beginning may be there until it was pushed or mounted. */
export const blobs: Sequential<boolean, BlobCall, Answer> = {
  initial: false,
  step: (there, { blob, digest, op }, answer) => {
    const known = op === "pushBlob" || there
    if (!known && garbage.includes(blob)) return op === "mountBlob" && answer?.refused === undefined
    if (answer === undefined) return known
    if (answer.refused !== undefined) return answer.refused === "BlobUnknown" && !known ? there : undefined
    return known && answer.digest === digest ? true : undefined
  },
  print: String
}

/** How far a session is: what a sender that died had sent last may have arrived in part. */
type UploadState =
  | { readonly _tag: "Open"; readonly least: number; readonly most: number }
  | { readonly _tag: "Committed"; readonly size: number }

/** Another process may be at it whenever it is asked, and then nothing happens. */
export const uploads: Sequential<UploadState, UploadCall, Answer> = {
  initial: { _tag: "Open", least: 0, most: 0 },
  step: (state, call, answer) => {
    if (answer?.refused === "UploadBusy" && call.op !== "resume") return state
    if (state._tag === "Committed") {
      if (answer === undefined || answer.refused === "BlobUploadUnknown") return state
      return call.op === "commit" && answer.digest === uploadDigest(call.id, state.size) ? state : undefined
    }
    const { least, most } = state
    const canBe = (size: number): boolean => least <= size && size <= most
    switch (call.op) {
      case "resume":
        // It may see a part of what another process appends meanwhile.
        return answer === undefined || (answer.size ?? -1) >= least ? state : undefined
      case "append": {
        const end = call.offset + call.length
        if (answer === undefined) {
          return canBe(call.offset) ? { _tag: "Open", least: call.offset, most: end } : state
        }
        const { refused, size = -1 } = answer
        if (refused === "RangeInvalid") {
          return canBe(size) && size !== call.offset ? { _tag: "Open", least: size, most: size } : undefined
        }
        return refused === undefined && canBe(call.offset) && size === end
          ? { _tag: "Open", least: end, most: end }
          : undefined
      }
      case "commit": {
        const done: UploadState = { _tag: "Committed", size: call.size }
        if (answer === undefined) return canBe(call.size) ? done : state
        if (answer.refused === "SizeInvalid") return least === most && least === call.size ? undefined : state
        return answer.digest === uploadDigest(call.id, call.size) && canBe(call.size) ? done : undefined
      }
    }
  },
  print: (state) => JSON.stringify(state)
}
