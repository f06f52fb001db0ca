/** What has to be true after a crash: looked at without us, read by us, gone on with by us. */
import { assert } from "@effect/vitest"
import { createHash } from "node:crypto"
import { replay } from "../../../src/layout/evolve.ts"
import { empty } from "../../../src/layout/State.ts"
import { layoutFiles } from "../../../src/node/files/layoutFiles.ts"
import { committed } from "../../../src/node/journal/journalRecord.ts"
import { bytesOfDigest } from "../contents.ts"
import { wholeJournal } from "../journal.ts"
import { sortedEntries, type View } from "./history.ts"
import { type Process, root, type World } from "./World.ts"

const hashes = new WeakMap<Uint8Array, Map<string, string>>()

const hashOf = (algorithm: string, bytes: Uint8Array): string => {
  const known = hashes.get(bytes) ?? new Map<string, string>()
  hashes.set(bytes, known)
  const hash = known.get(algorithm) ?? createHash(algorithm).update(bytes).digest("hex")
  known.set(algorithm, hash)
  return hash
}

const json = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString("utf8"))

/** What any other tool finds, without our recovery: nothing torn, nothing unfinished outside the folder of our own. */
export const checkRaw = (world: World): void => {
  const names = world.list("").filter((name) => name !== ".ocilayout")
  assert.includeMembers(["blobs", "index.json", "oci-layout"], [...names])
  const layout = world.bytes("oci-layout")
  const index = world.bytes("index.json")
  if (layout !== undefined) assert.deepStrictEqual(json(layout), { imageLayoutVersion: "1.0.0" })
  if (index !== undefined) {
    assert.isDefined(layout, "an index without oci-layout")
    assert.isArray((json(index) as { readonly manifests?: unknown }).manifests)
  }
  for (const algorithm of world.list("blobs")) {
    for (const name of world.list(`blobs/${algorithm}`)) {
      const bytes = world.bytes(`blobs/${algorithm}/${name}`)
      assert(bytes !== undefined)
      assert.strictEqual(hashOf(algorithm, bytes), name, "a blob's content")
    }
  }
}

const isPrefix = (prefix: Uint8Array, bytes: Uint8Array): boolean =>
  Buffer.from(bytes).subarray(0, prefix.length).equals(prefix)

/** Blobs, sessions and history of what was acknowledged before the crash, unless the step under way was to end them. */
export const checkKept = (world: World, before: View, after: View): void => {
  for (const digest of before.blobs) {
    if (!after.blobs.has(digest)) continue
    const [algorithm = "", name = ""] = digest.split(":")
    assert.isDefined(world.bytes(`blobs/${algorithm}/${name}`), `the acknowledged blob ${digest}`)
  }
  for (const [at, { bytes, id, over }] of before.sessions.entries()) {
    // Of a session without bytes nothing is lost.
    if (over || bytes.length === 0 || after.sessions[at]?.over !== false) continue
    const data = world.bytes(`.ocilayout/uploads/${id}/data`)
    assert(data !== undefined, `the session ${id}`)
    assert.isTrue(isPrefix(bytes, data), "what was acknowledged of a session")
  }
}

/** What a reader sees: one of these states, whole, with the manifests that its entries name. Answers which. */
export const checkRead = async (world: World, process: Process, states: ReadonlyArray<string>): Promise<string> => {
  const { entries } = await world.run(process.stores.layout.snapshot)
  const found = sortedEntries(entries)
  assert.include([...states], found)
  for (const { descriptor } of entries) {
    if (descriptor === undefined) continue
    const [algorithm = "", name = ""] = descriptor.digest.split(":")
    const stored = world.bytes(`blobs/${algorithm}/${name}`)
    assert.isDefined(stored, "a manifest that an entry names")
    assert.deepStrictEqual(stored, bytesOfDigest.get(descriptor.digest) ?? stored, "a manifest that an entry names")
  }
  return found
}

/**
 * The journal alone leads to what the index says, by a chain without gaps, and says who did it.
 *
 * @param intruded whether anybody but us has changed the index
 */
export const checkJournal = async (world: World, process: Process, intruded: boolean): Promise<void> => {
  const files = layoutFiles(process.fs, root, { durability: "power", symlinks: "refuse" })
  const text = Buffer.from(world.bytes(".ocilayout/journal/2/current.ndjson") ?? []).toString("utf8")
  const lines = await world.run(wholeJournal(files, text))
  const commits = committed(lines).flatMap(({ commits }) => commits)
  assert.deepStrictEqual(commits.map(({ revision }) => revision), commits.map((_, at) => at + 1), "the revisions")
  if (!intruded) assert.notInclude(commits.map(({ actor }) => actor), "foreign", "who has changed the index")
  const state = replay(empty(), commits.flatMap(({ events }) => events))
  const { entries } = await world.run(process.stores.layout.snapshot)
  assert.strictEqual(sortedEntries(state.entries), sortedEntries(entries), "what the journal leads to")
}

/** A day later nothing is left of what was unfinished. */
export const checkSwept = (world: World): void => {
  assert.deepStrictEqual(world.list(".ocilayout/tmp"), [], "temporary files")
  assert.isAtMost(world.list(".ocilayout/replaced").length, 2, "displaced indexes")
  // All marks are names of the file `mark`.
  assert.isAtMost(world.list(".ocilayout/leases").filter((name) => name !== "mark").length, 1, "hours of marks")
}
