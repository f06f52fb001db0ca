/** Checkpoints of a layer as bytes. */
import type { Checkpoint } from "../ports/LayerCodec.ts"
import { Growing, TableCut, Taking } from "./Growing.ts"

export const writeCheckpoints = (checkpoints: ReadonlyArray<Checkpoint>): Uint8Array => {
  const bytes = new Growing()
  bytes.number(checkpoints.length)
  for (const { in: before, out, state } of checkpoints) {
    bytes.number(out)
    bytes.number(before)
    bytes.number(state.length)
    bytes.put(state)
  }
  return bytes.bytes
}

export const readCheckpoints = (bytes: Uint8Array): ReadonlyArray<Checkpoint> => {
  const from = new Taking(bytes)
  try {
    return Array.from({ length: from.number() }, () => ({
      out: from.number(),
      in: from.number(),
      state: from.take(from.number())
    }))
  } catch (error) {
    if (error instanceof TableCut) return []
    throw error
  }
}
