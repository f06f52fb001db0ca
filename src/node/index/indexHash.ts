/**
 * The SHA-256 of bytes that are mostly what they were the last time: hashing goes on from where they begin to differ.
 */
import { createHash, type Hash } from "node:crypto"

/** Bytes between two places where hashing can go on from. */
const step = 64 * 1024

/** A hash, with the state of the hash function after each step, so that hashing can continue from there. */
export interface SteppedHash {
  /** In hexadecimal. */
  readonly hash: string
  /** After one step, after two, and so on. */
  readonly steps: ReadonlyArray<Hash>
}

/**
 * @param last of bytes that begin with the same
 * @param shared how many of them are the same
 */
export const hashOn = (bytes: Uint8Array, last: SteppedHash | undefined, shared: number): SteppedHash => {
  const steps = last === undefined ? [] : last.steps.slice(0, Math.floor(Math.min(shared, bytes.length) / step))
  const hash = steps.at(-1)?.copy() ?? createHash("sha256")
  let at = steps.length * step
  for (; at + step <= bytes.length; at += step) {
    hash.update(bytes.subarray(at, at + step))
    steps.push(hash.copy())
  }
  return { hash: hash.update(bytes.subarray(at)).digest("hex"), steps }
}
