/** `answer.ts`: a process with a registry of its own, which answers what it is asked by its parent. */
import { Effect, Exit, Scope } from "effect"
import { makeDisk, makeDiskTree } from "../../../src/node/index.ts"
import { localSide, type Message, type Side } from "../Side.ts"

interface Opened {
  readonly side: Side
  readonly scope: Scope.Closeable
}

let opened: Opened | undefined

const open = async (directory: string, shared: boolean): Promise<void> => {
  if (opened !== undefined) await Effect.runPromise(Scope.close(opened.scope, Exit.void))
  const scope = Effect.runSync(Scope.make())
  const options = { directory, durability: "none" } as const
  const registry = shared ? makeDisk(options) : makeDiskTree(options)
  opened = { side: localSide(await Effect.runPromise(Effect.provideService(registry, Scope.Scope, scope))), scope }
}

const carryOut = async (message: Message): Promise<unknown> => {
  if ("open" in message) return open(message.open, message.shared)
  if (opened === undefined) throw new Error("nothing has been opened")
  return "ask" in message ? opened.side.ask(message.ask) : opened.side.takeUp(message.takeUp, message.id)
}

process.on("message", async (message: Message) => {
  const answer = await carryOut(message)
  process.send?.(answer ?? null)
})

// What keeps an eye on the layout would keep this process for as long.
process.once("disconnect", () => process.exit())
