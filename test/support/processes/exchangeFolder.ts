/**
 * `exchangeFolder.ts <folder> <link>`: lets a folder and a link to elsewhere take each other's place, over and over,
 * until it is killed: the link stays for a moment, the folder for up to a millisecond. Says so once it has begun.
 */
import { Effect } from "effect"
import { nodeFs } from "../../../src/node/fs/nodeFs.ts"

const [folder = "", link = ""] = process.argv.slice(2)

const exchange = Effect.ignore(nodeFs.exchange(folder, link))

console.log("exchanging")
while (true) {
  Effect.runSync(Effect.andThen(exchange, exchange))
  const until = performance.now() + Math.random()
  while (performance.now() < until);
}
