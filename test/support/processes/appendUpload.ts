/**
 * `appendUpload.ts <layout> <repository> <id> <offset> <text> [hold]`: continues an upload session and says how far it
 * has got; with `hold` it keeps the session for itself, as a slow sender does, until it is killed.
 */
import { Effect, Stream } from "effect"
import { makeDisk } from "../../../src/node/index.ts"

const [directory = "", repository = "", id = "", offset = "0", text = "", hold] = process.argv.slice(2)

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const registry = yield* makeDisk({ directory })
  const writer = yield* registry.pushBlobChunkedResume(repository, id)
  const sent = Stream.succeed(new Uint8Array(Buffer.from(text)))
  const held = Stream.drain(Stream.fromEffect(
    Effect.andThen(Effect.sync(() => console.log("holding")), Effect.sleep("1 hour"))
  ))
  console.log(yield* writer.append(Number(offset), hold === undefined ? sent : Stream.concat(sent, held)))
})))
