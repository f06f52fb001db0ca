/** What all workers have counted, gathered by the process that has started them for the one that is asked. */
import { Effect } from "effect"
import type { Worker } from "node:cluster"
import process from "node:process"

/** Milliseconds that a worker gets to say what it has counted; what is not there by then is left out. */
const patienceMillis = 1000

/** Between a worker and the process that has started it. */
interface Message {
  readonly metrics: "ask" | "tell" | "told" | "all"
  readonly id: number
  readonly texts: ReadonlyArray<string>
}

const messageIn = (message: unknown): Message | undefined => {
  if (typeof message !== "object" || message === null || !("metrics" in message) || !("id" in message)) return undefined
  const { id, metrics } = message
  const texts: ReadonlyArray<unknown> = "texts" in message && Array.isArray(message.texts) ? message.texts : []
  if (metrics !== "ask" && metrics !== "tell" && metrics !== "told" && metrics !== "all") return undefined
  return typeof id === "number" ? { metrics, id, texts: texts.filter((text) => typeof text === "string") } : undefined
}

/** In the process that has started them: asks all others for one of them. */
export const gatherFor = (workers: ReadonlySet<Worker>): (from: Worker, message: unknown) => void => {
  let next = 0
  const open = new Map<number, { readonly texts: Array<string>; readonly answered: () => void }>()
  return (from, message) => {
    const found = messageIn(message)
    if (found?.metrics === "told") {
      const gathering = open.get(found.id)
      gathering?.texts.push(...found.texts)
      gathering?.answered()
    }
    if (found?.metrics !== "ask") return
    const others = Array.from(workers).filter((worker) => worker !== from && worker.isConnected())
    const id = next++
    const texts: Array<string> = []
    const finish = (): void => {
      clearTimeout(late)
      if (open.delete(id) && from.isConnected()) from.send({ metrics: "all", id: found.id, texts })
    }
    const late = setTimeout(finish, patienceMillis)
    open.set(id, {
      texts,
      answered: () => {
        if (texts.length >= others.length) finish()
      }
    })
    for (const worker of others) worker.send({ metrics: "tell", id, texts: [] })
    if (others.length === 0) finish()
  }
}

/** In a worker: tells what it has counted whenever it is asked, and what the others have. */
export const gatherIn = (own: () => Promise<string>): Effect.Effect<ReadonlyArray<string>> => {
  let next = 0
  const waiting = new Map<number, (texts: ReadonlyArray<string>) => void>()
  process.on("message", (message) => {
    const found = messageIn(message)
    if (found?.metrics === "all") {
      waiting.get(found.id)?.(found.texts)
      waiting.delete(found.id)
    }
    if (found?.metrics !== "tell") return
    own().then((text) => process.send?.({ metrics: "told", id: found.id, texts: [text] }), () => undefined)
  })
  return Effect.callback((resume) => {
    const id = next++
    waiting.set(id, (texts) => resume(Effect.succeed(texts)))
    process.send?.({ metrics: "ask", id, texts: [] })
  })
}
