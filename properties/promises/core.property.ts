/** The functional core: what is decided happens, can be taken back, and agrees with what others do meanwhile. */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { TestSchema } from "effect/testing"
import fc from "fast-check"
import { canonical } from "../../src/layout/canonical.ts"
import type { Command } from "../../src/layout/Command.ts"
import { decide } from "../../src/layout/decide.ts"
import { Event } from "../../src/layout/Event.ts"
import { replay, rewind } from "../../src/layout/evolve.ts"
import { type Base, difference, equivalent, merge, saidSince } from "../../src/layout/reconcile.ts"
import { fromIndex, type State } from "../../src/layout/State.ts"
import { command, commands, defaultRepository, putManifest, state, stateOf, values } from "../support/indexes.ts"

/** What was decided, command by command, each on the state before it. */
const history = (from: State, commands: ReadonlyArray<Command>) => {
  const events: Array<Event> = []
  const refused: Array<string> = []
  let after = from
  for (const command of commands) {
    const decision = decide(after, command)
    if (Result.isFailure(decision)) refused.push(decision.failure._tag)
    else {
      events.push(...decision.success)
      after = replay(after, decision.success)
    }
  }
  return { after, events, refused }
}

/** Everything a state says, without how it is arranged. */
const said = ({ digests, entries, repositories }: State) => ({
  values: entries.map(({ value }) => value),
  digests: new Map(Array.from(digests, ([digest, entries]) => [digest, entries.map(({ value }) => value)])),
  repositories: new Map(
    Array.from(repositories, ([repository, { bare, size, tags }]) => [repository, {
      bare,
      size,
      tags: new Map(Array.from(tags, ([tag, entries]) => [tag, entries.map(({ value }) => value)]))
    }])
  )
})

const multiset = ({ entries }: State): ReadonlyArray<string> => entries.map(({ value }) => canonical(value)).toSorted()

const assertEquivalent = (a: State, b: State): void => {
  assert.deepStrictEqual(multiset(a), multiset(b))
  assert.isTrue(equivalent(a, b))
}

describe("events", () => {
  const codec = Schema.toCodecJson(Event)
  const encode = Schema.encodeSync(codec)
  const decode = Schema.decodeUnknownSync(codec)
  const seen = new Set<string>()

  it("of any history survive their JSON", () => {
    fc.assert(fc.property(state, commands, (before, commands) => {
      for (const event of history(before, commands).events) {
        seen.add(event._tag)
        assert.deepStrictEqual(decode(JSON.parse(JSON.stringify(encode(event)))), event)
      }
    }))
    assert.sameMembers(Array.from(seen), ["BlobDeleted", "EntryAdded", "EntryRemoved", "EntryReplaced"])
  })

  it.effect("that nothing but their schema describes survive it too", () =>
    new TestSchema.Asserts(Event).verifyRoundTripEffect())

  it("replayed lead to the state they were decided for, however they are grouped", () => {
    fc.assert(fc.property(state, commands, (before, commands) => {
      const { after, events } = history(before, commands)
      assert.deepStrictEqual(said(replay(before, events)), said(after))
    }))
  })

  it("taken back lead to the state before, up to the order of entries", () => {
    fc.assert(fc.property(state, commands, (before, commands) => {
      const { after, events } = history(before, commands)
      assertEquivalent(rewind(after, events), before)
    }))
  })
})

describe("a state", () => {
  it("that events led to says what its index says when it is read anew", () => {
    fc.assert(fc.property(state, commands, (before, commands) => {
      const { after } = history(before, commands)
      const anew = fromIndex(after.entries.map(({ value }) => value), {
        defaultRepository: after.defaultRepository,
        bytes: after.bytes
      })
      assert.deepStrictEqual(said(after), said(anew))
    }))
  })

  it("counts no fewer bytes than its entries take, in any indentation", () => {
    fc.assert(
      fc.property(defaultRepository, commands, fc.constantFrom(0, 1, 2, 8, "\t"), (repository, commands, indent) => {
        const { after } = history(fromIndex([], { defaultRepository: repository, bytes: 0 }), commands)
        const manifests = after.entries.map(({ value }) => value)
        const around = JSON.stringify({ manifests: [0] }, undefined, indent).length
        const text = JSON.stringify({ manifests }, undefined, indent)
        assert.isAtLeast(after.bytes + around, Buffer.byteLength(text))
      })
    )
  })
})

describe("a decision", () => {
  const answers = new Set<string>()

  it("for several commands is that for each in turn, or none", () => {
    fc.assert(fc.property(state, commands, (before, commands) => {
      const { after, events, refused } = history(before, commands)
      const decision = decide(before, { _tag: "Batch", commands })
      for (const tag of Result.isSuccess(decision) ? ["ok"] : refused) answers.add(tag)
      if (Result.isFailure(decision)) assert.strictEqual(decision.failure._tag, refused[0])
      else {
        assert.deepStrictEqual(refused, [])
        assert.deepStrictEqual(decision.success, events)
        assert.deepStrictEqual(said(replay(before, decision.success)), said(after))
      }
    }))
    assert.sameMembers(Array.from(answers), [
      "ok",
      "BlobUnknown",
      "Conflict",
      "ManifestBlobUnknown",
      "ManifestUnknown",
      "Referenced",
      "TagExists"
    ])
  })

  it("to write what is written already is to do nothing", () => {
    fc.assert(fc.property(state, putManifest, (before, { tags, ...rest }) => {
      const command: Command = { ...rest, tags: tags.map(({ tag }) => ({ tag })), missing: [] }

      const { after } = history(before, [command])
      assert.deepStrictEqual(decide(after, command), Result.succeed([]))
    }))
  })

  it("never lets an index grow over its limits", () => {
    const met = new Set<boolean>()
    fc.assert(fc.property(state, command, fc.nat({ max: 6 }), (before, command, entries) => {
      const decision = decide(before, command, { entries, bytes: Number.MAX_SAFE_INTEGER })
      met.add(Result.isSuccess(decision))
      if (Result.isSuccess(decision)) {
        const after = replay(before, decision.success)
        assert.isAtMost(after.entries.length, Math.max(entries, before.entries.length))
      } else if (decision.failure._tag === "IndexTooLarge" && command._tag !== "Batch") {
        const free = history(before, [command]).after
        assert.isAbove(free.entries.length, entries)
      }
    }))
    assert.strictEqual(met.size, 2)
  })
})

describe("a difference", () => {
  it("leads from one state to the other", () => {
    fc.assert(fc.property(values, values, defaultRepository, (a, b, repository) => {
      const [from, to] = [stateOf(a, repository), stateOf(b, repository)]
      const events = difference(from, to)
      assertEquivalent(replay(from, events), to)
      assertEquivalent(rewind(replay(from, events), events), from)
      assert.strictEqual(events.length === 0, multiset(from).join() === multiset(to).join())
    }))
  })
})

describe("a foreign rewrite", () => {
  /** What each name points at; a nameless entry is named by its digest. */
  const pointers = ({ entries }: State): ReadonlyMap<string, string> => {
    const names = new Map<string, Array<string>>()
    for (const { digest, refName } of entries) {
      const name = refName === undefined ? `nameless ${digest}` : `named ${refName}`
      names.set(name, [...(names.get(name) ?? []), digest])
    }
    return new Map(Array.from(names, ([name, digests]) => [name, digests.toSorted().join(" ")]))
  }

  /** A base, what we made of it, and what another tool did, which edits some entries and forgets fields. */
  const threeWays = fc.record({
    values,
    repository: defaultRepository,
    ours: commands,
    dropped: fc.func(fc.boolean()),
    added: values,
    forgetful: fc.boolean()
  }).map(({ added, dropped, forgetful, ours, repository, values }) => {
    const base = stateOf(values, repository)
    const kept = values.filter((value) => !dropped(canonical(value)))
    const rewritten = forgetful ? kept.map(withoutExtras) : kept
    return { base, ours: history(base, ours).after, theirs: stateOf([...rewritten, ...added], repository) }
  })

  const withoutExtras = (value: Schema.Json): Schema.Json => {
    if (typeof value !== "object" || value === null || !("digest" in value)) return value
    const { annotations, digest, mediaType, size } = value
    return { mediaType, digest, size, ...(annotations === undefined ? {} : { annotations }) } as Schema.Json
  }

  const since = (base: State, ours: State): Base => ({ said: saidSince(base, [difference(base, ours)]) })

  it("hides nothing of ours, and is taken in where it changed something", () => {
    const kinds = new Set<string>()
    fc.assert(fc.property(threeWays, ({ base, ours, theirs }) => {
      const [before, mine, found] = [pointers(base), pointers(ours), pointers(theirs)]
      const merged = pointers(merge(ours, theirs, since(base, ours)).state)
      for (const name of new Set([...before.keys(), ...mine.keys(), ...found.keys()])) {
        const changed = found.get(name) !== before.get(name)
        kinds.add(`${changed ? "theirs" : "left"} ${mine.get(name) === before.get(name) ? "left" : "ours"}`)
        assert.strictEqual(merged.get(name), changed ? found.get(name) : mine.get(name), name)
      }
    }))
    assert.sameMembers(Array.from(kinds), ["theirs ours", "theirs left", "left ours", "left left"])
  })

  it("of what was there is as if it had not been, and of the latest is what it says", () => {
    fc.assert(fc.property(threeWays, ({ base, ours, theirs }) => {
      assert.deepStrictEqual(pointers(merge(ours, base, since(base, ours)).state), pointers(ours))
      assertEquivalent(merge(ours, theirs, since(ours, ours)).state, theirs)
    }))
  })

  it("seen again changes nothing", () => {
    fc.assert(fc.property(threeWays, ({ base, ours, theirs }) => {
      const { state: merged } = merge(ours, theirs, since(base, ours))
      const said = saidSince(base, [difference(base, ours), difference(ours, merged)])
      assert.deepStrictEqual(pointers(merge(merged, theirs, { said }).state), pointers(merged))
    }))
  })
})
