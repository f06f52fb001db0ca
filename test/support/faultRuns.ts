/**
 * Fails every call that an operation makes, one by one, and holds it to what it owes: a typed error, a layout as before
 * or as after, nothing left behind, and a registry that goes on.
 */
import { assert } from "@effect/vitest"
import { Cause, Effect, Exit, type Scope, Stream } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { seed, stride } from "../../properties/support/share.ts"
import { hasher } from "../../src/node/files/hasher.ts"
import { nodeFs } from "../../src/node/fs/nodeFs.ts"
import { makeDisk } from "../../src/node/index.ts"
import { makeLayoutTree } from "../../src/node/layoutTree.ts"
import { openStores } from "../../src/node/stores.ts"
import { imageManifest } from "../../src/oci/MediaType.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import { isRepository } from "../../src/oci/Reference.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { sharedRegistry, treeRegistry } from "../../src/ops/makeRegistry.ts"
import { bytesOf } from "../mcp/support/images.ts"
import { type Fault, type FaultyFs, faultyFs } from "./faultyFs.ts"
import { leftovers, temporaryFolder } from "./folders.ts"
import { later } from "./later.ts"
import { smallManifest } from "./layouts.ts"

export type Registering = (registry: LayoutRegistry) => Effect.Effect<unknown, RegistryError>

export interface Scenario {
  readonly name: string
  /** The folder that every attempt starts from a copy of. */
  readonly from: Effect.Effect<string, RegistryError, Scope.Scope>
  /** What the registry has done before without faults, as one that has been open for a while has. */
  readonly warm?: Registering
  readonly act: Registering
  /** What changes nothing by itself; what a tool has overwritten is put back all the same, also when the act fails. */
  readonly refused?: Registering
  /** What is answered when the act is repeated after it has happened, besides success. */
  readonly again?: ReadonlyArray<RegistryError["_tag"]>
  /** Whether every repository has a layout of its own. */
  readonly tree?: boolean
}

const openFaulty = Effect.fnUntraced(function*(scenario: Scenario, faulty: FaultyFs, directory: string) {
  const repository = "app"
  const options = { directory, lockWait: 2000 }
  return scenario.tree === true
    ? treeRegistry(yield* makeLayoutTree(faulty.fs, options), hasher)
    : sharedRegistry(yield* openStores(faulty.fs, options, isRepository(repository) ? repository : undefined), hasher)
})

interface Held {
  /** The entries of the index as a multiset, without what our own generation says. */
  readonly entries: ReadonlyArray<string>
  readonly blobs: ReadonlyArray<string>
}

interface Expected {
  readonly before: ReadonlyArray<Held>
  /** As `before`, or with what a refusal puts back. */
  readonly settled: ReadonlyArray<Held>
  readonly after: ReadonlyArray<Held>
}

/** What lies in a layout, read the plain way; a blob that is not what its name says fails the test. */
const held = (directory: string): Held => {
  const index = join(directory, "index.json")
  const document = fs.existsSync(index)
    ? JSON.parse(fs.readFileSync(index, "utf8")) as { manifests: Array<unknown> }
    : undefined
  const folder = join(directory, "blobs", "sha256")
  const blobs = fs.existsSync(folder) ? fs.readdirSync(folder).toSorted() : []
  for (const name of blobs) {
    assert.strictEqual(createHash("sha256").update(fs.readFileSync(join(folder, name))).digest("hex"), name)
  }
  return { entries: (document?.manifests ?? []).map((entry) => JSON.stringify(entry)).toSorted(), blobs }
}

/** Every line names the one before it by its hash, and numbers only grow. */
const assertJournal = (directory: string): void => {
  const path = join(directory, ".ocilayout", "journal", "2", "current.ndjson")
  if (!fs.existsSync(path)) return
  const text = fs.readFileSync(path, "utf8")
  assert.isTrue(text === "" || text.endsWith("\n"))
  let prev = "0".repeat(64)
  let seq = 0
  for (const line of text.split("\n").slice(0, -1)) {
    const [, hash, body = ""] = /^\{"v":2,"h":"([0-9a-f]{64})","e":(.*)\}$/u.exec(line) ?? []
    assert.strictEqual(createHash("sha256").update(body).digest("hex"), hash)
    const record = JSON.parse(body) as { readonly prev: string; readonly seq: number }
    assert.strictEqual(record.prev, prev)
    assert.strictEqual(record.seq, seq + 1)
    prev = hash ?? ""
    seq = record.seq
  }
}

const layoutsIn = (scenario: Scenario, directory: string): ReadonlyArray<string> =>
  scenario.tree === true ? ["app", join("b", "c")].map((name) => join(directory, name)) : [directory]

const copyTo = (template: string, directory: string): void => {
  fs.rmSync(directory, { recursive: true, force: true })
  if (fs.existsSync(template)) fs.cpSync(template, directory, { recursive: true, preserveTimestamps: true })
}

const kinds = { ENOSPC: "full", EACCES: "denied", EROFS: "readOnly", EIO: "device", EMFILE: "tooManyFiles" } as const
const codes = Object.keys(kinds) as ReadonlyArray<keyof typeof kinds>

/** One attempt with one fault; says whether the fault was reached. */
const attempt = Effect.fnUntraced(function*(
  scenario: Scenario,
  template: string,
  expected: Expected,
  fault: Fault & { readonly code: keyof typeof kinds }
) {
  const directory = join(yield* temporaryFolder, "layout")
  copyTo(template, directory)
  const faulty = faultyFs(nodeFs, { root: directory })
  const reached = yield* Effect.scoped(Effect.gen(function*() {
    const registry = yield* openFaulty(scenario, faulty, directory)
    if (scenario.warm !== undefined) yield* scenario.warm(registry)
    faulty.arm(fault)
    const exit = yield* Effect.exit(scenario.act(registry))
    const calls = faulty.calls()
    faulty.arm()
    if (calls.length < fault.at) {
      assert.isTrue(Exit.isSuccess(exit), "without a fault it succeeds")
      return false
    }
    const call = calls[fault.at - 1] ?? ""
    const place = `${fault.code} ${fault.mode ?? "refused"}${
      fault.lasting === true ? ", lasting," : ""
    } at ${fault.at}: ${call}`
    const now = layoutsIn(scenario, directory).map(held)
    assertState(exit, now, expected, fault.code, place)
    layoutsIn(scenario, directory).forEach(assertJournalOrTorn)
    // A name that could not be removed, or was made by a call that said it failed, stays until it is swept, and so does
    // a cancelled session that is out of sight.
    const unknown = fault.lasting === true || /^(?:unlink|rmdir) /u.test(call) ||
      (fault.mode === "done" && call.startsWith("open"))
    if (!unknown) {
      const names = layoutsIn(scenario, directory).flatMap(leftovers)
      assert.deepStrictEqual(names.filter((name) => !name.startsWith("upload.")), [], place)
    }
    yield* assertReadable(scenario, directory, place)

    // The registry that met the fault goes on as if nothing had been.
    const second = yield* Effect.exit(scenario.act(registry))
    if (Exit.isFailure(second)) {
      const error = Cause.findErrorOption(second.cause)
      const tag = error._tag === "Some" ? error.value._tag : Cause.pretty(second.cause)
      assert.isTrue(scenario.again?.some((expected) => expected === tag), `${place}: then ${tag}`)
    }
    assert.deepStrictEqual(layoutsIn(scenario, directory).map(held), expected.after, place)
    layoutsIn(scenario, directory).forEach(assertJournal)
    const later = scenario.tree === true ? "b/c" : "app"
    yield* registry.pushBlob(later, Stream.succeed(bytesOf("{}")))
    yield* registry.pushManifest(later, smallManifest({ annotations: { later: "yes" } }), imageManifest, {
      tags: ["later"]
    })
    yield* assertLeft(faulty, scenario.tree === true ? 2 : 1, place)
    return true
  }))
  yield* assertLeft(faulty, 0, "afterwards")
  return reached
})

/** A registry keeps its index open, and answers just before it lets go of the lock. */
const assertLeft = Effect.fnUntraced(function*(faulty: FaultyFs, limit: number, place: string) {
  for (let wait = 0; faulty.left() > limit && wait < 50; wait++) yield* Effect.sleep(2)
  assert.isAtMost(faulty.left(), limit, `${place}: files left open`)
})

/** A torn line at the end is cut off by the next writer. */
const assertJournalOrTorn = (directory: string): void => {
  const path = join(directory, ".ocilayout", "journal", "2", "current.ndjson")
  if (fs.existsSync(path) && fs.readFileSync(path, "utf8").endsWith("\n")) assertJournal(directory)
}

const assertState = (
  exit: Exit.Exit<unknown, RegistryError>,
  now: ReadonlyArray<Held>,
  { after, before, settled }: Expected,
  code: keyof typeof kinds,
  place: string
): void => {
  const entries = (all: ReadonlyArray<Held>) => all.map(({ entries }) => entries)
  for (const [at, { blobs }] of now.entries()) {
    const old = before[at]?.blobs ?? []
    const next = after[at]?.blobs ?? []
    assert.includeMembers([...old, ...next], [...blobs], place)
    assert.includeMembers([...blobs], old.filter((name) => next.includes(name)), place)
  }
  if (Exit.isSuccess(exit)) {
    assert.deepStrictEqual(now, after, place)
    return
  }
  // Where putting things right failed as well, both are told.
  const errors = exit.cause.reasons.map((reason) =>
    Cause.isFailReason(reason) ? reason.error : assert.fail(`${place}: ${Cause.pretty(exit.cause)}`)
  )
  const [error = assert.fail(`${place}: no reason`)] = errors
  if (error._tag === "OutcomeUnknown") {
    const known = [before, settled, after].map((state) => JSON.stringify(entries(state)))
    assert.include(known, JSON.stringify(entries(now)), place)
    return
  }
  assert.deepInclude({ ...error }, { _tag: "StorageError", code: "STORAGE_ERROR", kind: kinds[code] }, place)
  assert.notMatch(error.message, /undefined|\[object/u)
  const unchanged = [before, settled].map((state) => JSON.stringify(entries(state)))
  assert.include(unchanged, JSON.stringify(entries(now)), `${place}: a StorageError says that nothing was changed`)
}

/** A registry that knows nothing of what happened sees what is there, all of it. */
const assertReadable = Effect.fnUntraced(function*(scenario: Scenario, directory: string, place: string) {
  for (const layout of layoutsIn(scenario, directory)) {
    yield* Effect.scoped(Effect.gen(function*() {
      const registry = yield* makeDisk({ directory: layout, defaultRepository: "app" })
      yield* Effect.mapError(registry.check, (error) => `${place}: ${error.message}`)
      for (const repository of yield* Stream.runCollect(registry.repositories())) {
        for (const tag of yield* Stream.runCollect(registry.tags(repository))) yield* registry.getTag(repository, tag)
      }
    }))
  }
})

/** What was replaced a moment ago is read again and again, so that there would be more calls at first than later. */
const makeReplacedOld = (layout: string): void => {
  const folder = join(layout, ".ocilayout", "replaced")
  const hourAgo = Date.now() / 1000 - 3600
  for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
    fs.utimesSync(join(folder, name), hourAgo, hourAgo)
  }
}

/**
 * Fails every call of an act, one after the other, each on a fresh copy, and in every way that call can fail; one in
 * every `stride` calls where it is not the whole. Every copy is old, so that how many calls there are does not depend on how long it took to make it.
 */
export const assertEveryCall = (scenario: Scenario) => later(60_000)(assertCalls(scenario))

const assertCalls = Effect.fnUntraced(function*(scenario: Scenario) {
  const template = yield* scenario.from
  for (const layout of layoutsIn(scenario, template)) makeReplacedOld(layout)
  const directory = join(yield* temporaryFolder, "layout")
  copyTo(template, directory)
  const before = layoutsIn(scenario, directory).map(held)
  const faulty = faultyFs(nodeFs, { root: directory })
  // Once it is closed, it looks no more at what it has replaced, which would be further calls.
  const calls = yield* Effect.scoped(Effect.gen(function*() {
    const registry = yield* openFaulty(scenario, faulty, directory)
    if (scenario.warm !== undefined) yield* scenario.warm(registry)
    faulty.arm()
    yield* scenario.act(registry)
    return Array.from(faulty.calls())
  }))
  const after = layoutsIn(scenario, directory).map(held)
  copyTo(template, directory)
  const { refused } = scenario
  if (refused !== undefined) {
    yield* Effect.scoped(
      Effect.flatMap(openFaulty(scenario, faulty, directory), (opened) => Effect.flip(refused(opened)))
    )
  }
  const expected = { before, settled: layoutsIn(scenario, directory).map(held), after }
  assert.isAbove(calls.length, 3)
  for (let at = 1 + seed % stride; at <= calls.length; at += stride) {
    const code = codes[(at + Math.floor(at / stride)) % codes.length] ?? "EIO"
    assert.isTrue(yield* attempt(scenario, template, expected, { at, code }), `call ${at}`)
    const call = calls[at - 1] ?? ""
    if (/^(?:write|rename|link|unlink|mkdir|open\(create\)|truncate)/u.test(call)) {
      // What could not be opened for want of room was not: that is asked for again.
      const half = code === "EMFILE" ? "EIO" : code
      yield* attempt(scenario, template, expected, { at, code: half, mode: call.startsWith("write") ? "torn" : "done" })
    }
    if (changes.test(call)) yield* attempt(scenario, template, expected, { at, code, lasting: true })
  }
})

const changes = /^(?:write|sync|rename|link|open\(create\))/u
