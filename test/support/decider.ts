/** Decisions as sentences: given what is there or has happened, when a caller asks, this happens or is refused. */
import { assert } from "@effect/vitest"
import { Result, type Schema } from "effect"
import type { Command, IndexLimits, Refusal } from "../../src/layout/Command.ts"
import { decide } from "../../src/layout/decide.ts"
import type { Event } from "../../src/layout/Event.ts"
import { replay } from "../../src/layout/evolve.ts"
import { fromIndex, type State } from "../../src/layout/State.ts"
import type { Repository } from "../../src/oci/Reference.ts"

type History = ReadonlyArray<Event | Schema.JsonObject>

const isEvent = (item: Event | Schema.JsonObject): item is Event => "_tag" in item

/** The state of an index with these entries, after these events. */
export const stateOf = (history: History, defaultRepository?: Repository): State => {
  const entries = history.filter((item): item is Schema.JsonObject => !isEvent(item))
  const bytes = Buffer.byteLength(JSON.stringify(entries))
  return replay(fromIndex(entries, { defaultRepository, bytes }), history.filter(isEvent))
}

export const valuesOf = (state: State): ReadonlyArray<Schema.Json> => state.entries.map(({ value }) => value)

const givenState = (state: State) => ({
  when: (command: Command, limits?: IndexLimits) => {
    const decision = decide(state, command, limits)
    return {
      records: (...events: ReadonlyArray<Event>): void => {
        assert.deepStrictEqual(decision, Result.succeed(events))
      },
      /** What the index says after it, in its order. */
      leaves: (...entries: ReadonlyArray<Schema.Json>): void => {
        assert.deepStrictEqual(valuesOf(replay(state, Result.getOrThrow(decision))), entries)
      },
      isRefused: (error: Refusal): void => {
        assert.deepStrictEqual(decision, Result.fail(error))
      }
    }
  }
})

export const given = (...history: History) => givenState(stateOf(history))

/** As `given`, where bare tags and entries without a name belong to a repository. */
export const givenDefault = (defaultRepository: Repository, ...history: History) =>
  givenState(stateOf(history, defaultRepository))
