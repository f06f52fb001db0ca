/** What all groups share: one build of the peer, and layouts that are made once. */
import { Effect, Result, Scope } from "effect"
import type { Bench } from "./Bench.ts"
import { exists } from "./command.ts"
import { makeLayout } from "./load.ts"
import { makePeer, type PeerFigures } from "./peer.ts"

/** It reads 2,000 ranges of 4 KiB of a blob, one after the other. */
const smallest = 8

export const makeBench = Effect.fnUntraced(
  function*(
    { patient, say, scale }: Pick<Bench, "patient" | "say" | "scale">
  ): Effect.fn.Return<Bench, never, Scope.Scope> {
    const scope = yield* Effect.scope
    const peer = yield* Effect.result(makePeer)
    if (Result.isFailure(peer)) say(`peer: skipped, ${peer.failure.command}: ${peer.failure.message}`)
    const layouts = new Map<number, string>()
    const found = new Map<string, boolean>()
    return {
      scale,
      patient,
      say,
      peer: ({ manifests = 10, mebibytes = smallest }) =>
        Result.isFailure(peer) ? Effect.succeed({}) : Effect.map(peer.success({ manifests, mebibytes }), named),
      layout: Effect.fnUntraced(function*(tags) {
        const known = layouts.get(tags)
        if (known !== undefined) return known
        const made = yield* Scope.provide(makeLayout(tags), scope)
        layouts.set(tags, made)
        return made
      }),
      has: (command) => {
        const known = found.get(command) ?? exists(command)
        if (!known && !found.has(command)) say(`  limit: skipped where it is ${command}, which is not there`)
        found.set(command, known)
        return known
      }
    }
  }
)

const named = (figures: PeerFigures) =>
  Object.fromEntries(Array.from(figures, ([op, { meanUs }]) => [`peer ${op}`, meanUs / 1000]))
