/** Taking back and bringing back: what was changed becomes what it was, and nothing else changes. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import fc from "fast-check"
import { canonical } from "../../src/layout/canonical.ts"
import type { Command } from "../../src/layout/Command.ts"
import { decide } from "../../src/layout/decide.ts"
import { type Entry, fullNameOf } from "../../src/layout/Entry.ts"
import { replay, rewind } from "../../src/layout/evolve.ts"
import { tagged, withDigest } from "../../src/layout/query.ts"
import type { State } from "../../src/layout/State.ts"
import type { Conflict } from "../../src/oci/OciError.ts"
import { commands, defaultRepository, repository, state, stateOf, tag, values } from "../support/indexes.ts"

interface Commit {
  readonly before: State
  readonly after: State
}

/** The commits of a history that changed a name, in their order. */
const commitsOf = (from: State, commands: ReadonlyArray<Command>): ReadonlyArray<Commit> => {
  const commits: Array<Commit> = []
  let before = from
  for (const command of commands) {
    const decision = decide(before, command)
    if (Result.isFailure(decision) || decision.success.every(({ _tag }) => _tag === "BlobDeleted")) continue
    const after = replay(before, decision.success)
    commits.push({ before, after })
    before = after
  }
  return commits
}

/** A name as it is written, without one the digest; and what tells it from others that are written so. */
const written = (entry: Entry): string =>
  `${entry.refName === undefined ? `@${entry.digest}` : `=${entry.refName}`} ${fullNameOf(entry) ?? ""}`

/** As a refusal says it. */
const saidOf = (name: string): string => {
  const [short = "", full = ""] = name.split(" ")
  return full === "" ? short.slice(1) : full
}

/** What the entries say, order aside, under each name. */
const saidBy = ({ entries }: State): ReadonlyMap<string, ReadonlyArray<string>> => {
  const names = Map.groupBy(entries, written)
  return new Map(Array.from(names, ([name, own]) => [name, own.map(({ value }) => canonical(value)).toSorted()]))
}

const digestsOf = (state: State, name: string): string =>
  state.entries
    .filter((entry) => name === written(entry))
    .map(({ digest }) => digest)
    .toSorted()
    .join(" ")

const assertEquivalent = (a: State, b: State): void => {
  const all = ({ entries }: State) => entries.map(({ value }) => canonical(value)).toSorted()
  assert.deepStrictEqual(all(a), all(b))
}

const revert = (commit: Commit, force = false): Command => ({
  _tag: "RevertCommit",
  ...commit,
  force,
  later: new Map(),
  missing: []
})

/** What a command leads to; its events can be taken back like all others. */
const carryOut = (state: State, command: Command): State => {
  const events = Result.getOrThrow(decide(state, command))
  const after = replay(state, events)
  assertEquivalent(rewind(after, events), state)
  return after
}

describe("a commit that is taken back", () => {
  it("leaves what was before it, and what was after it when that is taken back in turn", () => {
    fc.assert(fc.property(state, commands, (before, commands) => {
      for (const commit of commitsOf(before, commands)) {
        const reverted = carryOut(commit.after, revert(commit))
        assertEquivalent(reverted, commit.before)
        const again = carryOut(reverted, revert({ before: commit.after, after: reverted }))
        assertEquivalent(again, commit.after)
      }
    }))
  })

  it("has changed no name but those it changed, and is refused for those that others have changed since", () => {
    const met = new Set<string>()
    fc.assert(fc.property(state, commands, (before, commands) => {
      const commits = commitsOf(before, commands)
      const now = commits.at(-1)?.after ?? before
      for (const [commit, force] of commits.flatMap((one) => [[one, false], [one, true]] as const)) {
        const [then, done, found] = [saidBy(commit.before), saidBy(commit.after), saidBy(now)]
        const changed = Array.from(new Set([...then.keys(), ...done.keys()])).filter((name) =>
          then.get(name)?.join() !== done.get(name)?.join()
        )
        const elsewhere = changed.filter((name) =>
          found.get(name)?.join() !== then.get(name)?.join() &&
          digestsOf(now, name) !== digestsOf(commit.after, name)
        )
        const again = new Set(elsewhere.filter((name) => digestsOf(now, name) === digestsOf(commit.before, name)))
        const conflicts = elsewhere.filter((name) => !again.has(name))
        const decision = decide(now, revert(commit, force))
        if (Result.isFailure(decision)) {
          met.add("refused")
          assert.strictEqual(decision.failure._tag, "Conflict")
          assert.isFalse(force)
          const { names = [] } = decision.failure as Conflict
          assert.sameMembers(Array.from(names), conflicts.map(saidOf))
          assert.isNotEmpty(names)
          continue
        }
        met.add(conflicts.length > 0 ? "forced" : commit.after === now ? "last" : "earlier")
        if (!force) assert.deepStrictEqual(conflicts, [])
        const after = saidBy(carryOut(now, revert(commit, force)))
        for (const name of new Set([...found.keys(), ...after.keys(), ...changed])) {
          const isBroughtBack = changed.includes(name) && (force || !again.has(name))
          assert.deepStrictEqual(after.get(name), isBroughtBack ? then.get(name) : found.get(name), name)
        }
      }
    }))
    assert.sameMembers(Array.from(met), ["refused", "forced", "last", "earlier"])
  })
})

describe("a state that is brought back", () => {
  const states = fc.tuple(values, values, defaultRepository).map(([a, b, repository]) =>
    [stateOf(a, repository), stateOf(b, repository)] as const
  )
  const restore = (target: State, scope: Extract<Command, { _tag: "RestoreNames" }>["scope"]): Command => ({
    _tag: "RestoreNames",
    target,
    scope,
    missing: []
  })

  it("is there again, order aside", () => {
    fc.assert(fc.property(states, ([now, target]) => {
      assertEquivalent(carryOut(now, restore(target, {})), target)
    }))
  })

  it("is there again of one repository, and all others are as they were", () => {
    fc.assert(fc.property(states, repository, ([now, target], repository) => {
      const after = carryOut(now, restore(target, { repository }))
      const parts = (state: State, own: boolean): ReadonlyArray<string> =>
        state.entries.filter(({ name }) => (name._tag !== "Raw" && name.repository === repository) === own)
          .map(({ value }) => canonical(value)).toSorted()
      assert.deepStrictEqual(parts(after, true), parts(target, true))
      assert.deepStrictEqual(parts(after, false), parts(now, false))
    }))
  })

  it("is there again of one tag, no other tag moves, and no manifest of the repository is out of reach", () => {
    fc.assert(fc.property(states, repository, tag, ([now, target], repository, tag) => {
      const after = carryOut(now, restore(target, { repository, tag }))
      const wanted = tagged(target, repository, tag)[0]
      const meant = wanted?.descriptor === undefined ? undefined : wanted.digest
      assert.strictEqual(tagged(after, repository, tag)[0]?.digest, meant)
      for (const { descriptor, name } of now.entries) {
        if (name._tag === "Raw" || descriptor === undefined) continue
        const { digest } = descriptor
        assert.isNotEmpty(withDigest(after, name.repository, digest), digest)
        if (name._tag !== "Tagged" || (name.repository === repository && name.tag === tag)) continue
        const pointers = (state: State) => tagged(state, name.repository, name.tag).map((entry) => entry.digest)
        assert.deepStrictEqual(pointers(after), pointers(now))
      }
    }))
  })
})
