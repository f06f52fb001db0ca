/** A tool that takes no lock: it reads the index, adds an entry, and writes what it has, as skopeo, oras and umoci do. */
import { Effect } from "effect"
import type { FsError, LayoutFs } from "../../../src/node/fs/LayoutFs.ts"
import { root } from "./World.ts"

export interface Habits {
  /** Whether it empties the file that is there and fills it, writes over it, or puts another one in its place. */
  readonly writes: "in place" | "over" | "by rename"
  /** Whether it keeps what it does not know of an entry. */
  readonly keepsFields: boolean
  /** Whether the entries come in another order. */
  readonly reorders: boolean
  /** How many calls go by between its reading and its writing, and between the two halves of what it writes. */
  readonly thinks: number
  readonly hesitates: number
}

interface Entry {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>>
}

interface Index {
  readonly schemaVersion: number
  readonly manifests: ReadonlyArray<Entry>
  readonly annotations?: Readonly<Record<string, string>>
}

const path = `${root}/index.json`

const contentOf = (fs: LayoutFs): Effect.Effect<Uint8Array, FsError> =>
  Effect.scoped(Effect.gen(function*() {
    const handle = yield* fs.open(path, { access: "read" })
    const bytes = new Uint8Array((yield* handle.stat).size)
    yield* handle.read(bytes, 0)
    return bytes
  }))

const known = ({ annotations, digest, mediaType, size }: Entry): Entry => ({
  mediaType,
  digest,
  size,
  ...(annotations === undefined ? {} : { annotations })
})

/** Lets so many calls of others go by. */
export const pass = (calls: number): Effect.Effect<void> =>
  Effect.forEach(Array.from({ length: calls }), () => Effect.yieldNow, { discard: true })

/**
 * In two steps, so that a reader in between finds a part. Writing over is one write, as BuildKit does it: what
 * several writes leave may happen to be an index, and could not be told from one that was meant.
 */
const write = (fs: LayoutFs, text: string, { hesitates, writes }: Habits): Effect.Effect<void, FsError> => {
  const bytes = Buffer.from(text)
  const half = bytes.length >> 1
  return Effect.scoped(Effect.gen(function*() {
    const temporary = `${root}/index.json.other`
    const handle = writes === "by rename"
      ? yield* fs.open(temporary, { access: "create" })
      : yield* fs.open(path, { access: "update" })
    if (writes === "in place") yield* handle.truncate(0)
    yield* handle.write(writes === "over" ? bytes : bytes.subarray(0, half), 0)
    yield* pass(hesitates)
    if (writes !== "over") yield* handle.write(bytes.subarray(half), half)
    if (writes === "over") yield* handle.truncate(bytes.length)
    if (writes === "by rename") yield* fs.rename(temporary, path)
  }))
}

/** Sets a name to a manifest that is there. */
export const setEntry = (
  fs: LayoutFs,
  habits: Habits,
  entry: { readonly mediaType: string; readonly digest: string; readonly size: number; readonly refName: string }
): Effect.Effect<void, FsError> =>
  Effect.gen(function*() {
    const { refName, ...descriptor } = entry
    const read = JSON.parse(Buffer.from(yield* contentOf(fs)).toString("utf8")) as Index
    yield* pass(habits.thinks)
    const kept = habits.keepsFields ? read.manifests : read.manifests.map(known)
    const added = { ...descriptor, annotations: { "org.opencontainers.image.ref.name": refName } }
    const rest = kept.filter(({ annotations }) => annotations?.["org.opencontainers.image.ref.name"] !== refName)
    const manifests = [...(habits.reorders ? rest.toReversed() : rest), added]
    yield* write(fs, JSON.stringify({ ...read, manifests }), habits)
  })
