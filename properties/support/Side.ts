/** A registry that asks can be put to: of this process, or of another one. */
import { Effect } from "effect"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import type { Ask } from "./Ask.ts"
import { perform, type Real } from "./perform.ts"

/** `id`: of the session that was started or resumed. */
type Outcome = { readonly ok: unknown; readonly id?: string | undefined } | { readonly refused: string }

export interface Side {
  readonly ask: (ask: Ask) => Promise<Outcome>
  /** Goes on with a session that another side has started, or resumed. */
  readonly takeUp: (session: number, id: string) => Promise<void>
}

/** @param run how effects are run: on a simulated machine, with its clock */
export const localSide = (
  registry: LayoutRegistry,
  sessions: Real["sessions"] = [],
  run: <A, E>(effect: Effect.Effect<A, E>) => Promise<A> = Effect.runPromise
): Side => ({
  ask: (ask) =>
    run(Effect.match(perform({ registry, sessions }, ask), {
      onSuccess: (ok) => ({ ok, id: idFrom(sessions, ask) }),
      onFailure: ({ _tag }) => ({ refused: _tag })
    })),
  takeUp: async (session, id) => {
    const last = await run(registry.findUpload(id))
    const first = sessions[session]?.first ?? last
    sessions[session] = { first, last }
  }
})

const idFrom = (sessions: Real["sessions"], ask: Ask): string | undefined =>
  ask.op === "pushBlobChunked"
    ? sessions.at(-1)?.first.id
    : ask.op === "pushBlobChunkedResume"
    ? sessions[ask.session]?.first.id
    : undefined

/** What another process is told, and answers one after the other. */
export type Message =
  | { readonly open: string; readonly shared: boolean }
  | { readonly ask: Ask }
  | { readonly takeUp: number; readonly id: string }

export interface OtherProcess extends Side {
  /** Lets it open a directory, and forget the one before. */
  readonly open: (directory: string, shared: boolean) => Promise<void>
  readonly end: () => Promise<void>
}

export const otherProcess = (): OtherProcess => {
  const path = fileURLToPath(new URL("processes/answer.ts", import.meta.url))
  const child = fork(path, { serialization: "advanced", execArgv: [] })
  return {
    open: async (directory, shared) => void await tell(child, { open: directory, shared }),
    ask: async (ask) => await tell(child, { ask }) as Outcome,
    takeUp: async (takeUp, id) => void await tell(child, { takeUp, id }),
    end: async () => {
      const gone = once(child, "exit")
      child.disconnect()
      await gone
    }
  }
}

const tell = (child: ChildProcess, message: Message): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error("the other process ended"))
    child.once("exit", ended)
    child.once("message", (answer) => {
      child.off("exit", ended)
      resolve(answer)
    })
    child.send(message)
  })
