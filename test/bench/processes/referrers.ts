/** `referrers.ts <layout>`: how long it takes to open a layout and list the referrers of its first manifest. */
import { Effect, Stream } from "effect"
import process from "node:process"
import { manifestOf, opened, repository } from "../support/load.ts"
import { millis } from "../support/rounds.ts"

const [, , directory = ""] = process.argv
const { digest } = manifestOf(0).descriptor

const milliseconds = await Effect.runPromise(millis(Effect.scoped(
  Effect.flatMap(opened(directory), (registry) => Stream.runDrain(registry.referrers(repository, digest)))
)))
console.log(JSON.stringify({ milliseconds }))
