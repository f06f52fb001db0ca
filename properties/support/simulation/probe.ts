/** A change that shows that a registry works, and what it leads to. */
import { assert } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { blobs, digestOf, goodDocuments } from "../contents.ts"
import type { Process, World } from "./World.ts"

const extra = goodDocuments[0] ?? assert.fail("no document")

/** Pushes an image under a name that nothing else uses. */
export const change = ({ registry }: Process) =>
  Effect.gen(function*() {
    for (const { bytes } of blobs) yield* registry.pushBlob("recovered", Stream.succeed(bytes))
    yield* registry.pushManifest("recovered", extra.bytes, extra.mediaType, { tags: ["after"] })
  })

/** What the change has pushed is there. */
export const checkChange = (world: World): void => {
  for (const { bytes } of [...blobs, extra]) {
    assert.deepStrictEqual(world.bytes(`blobs/sha256/${digestOf(bytes).slice(7)}`), bytes, "a blob of the change")
  }
}

/** The entries of a view with that of the change. */
export const withChange = (entries: string): string =>
  [...entries.split("\n").filter((line) => line !== ""), `recovered:after ${digestOf(extra.bytes)}`].toSorted().join(
    "\n"
  )
