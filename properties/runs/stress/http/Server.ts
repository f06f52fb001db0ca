/** `ocilayout serve` with several workers, which are killed and start again. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Durability } from "../../../../src/node/index.ts"

export interface Server {
  readonly host: string
  /** Kills one of the workers, or the server with all of them; whether there was one. A server that starts is left alone. */
  readonly kill: (whole: boolean, chance: number) => boolean
  readonly end: () => Promise<void>
}

/** The processes that one has started, where Linux tells them. */
const childrenOf = (pid: number): ReadonlyArray<number> => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number)
  } catch {
    return []
  }
}

const killed = (pid: number): boolean => {
  try {
    return process.kill(pid, "SIGKILL")
  } catch {
    return false
  }
}

const main = fileURLToPath(new URL("../../../../src/main.ts", import.meta.url))

/** Waits until the server says where it listens; it can go on saying things. */
const listening = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let said = ""
    child.stderr?.on("data", (chunk) => {
      said += String(chunk)
      const url = / at (http:\S+)\n/u.exec(said)?.[1]
      if (url !== undefined) resolve(new URL(url).host)
    })
    child.once("exit", () => reject(new Error(`the server did not start: ${said}`)))
  })

export const startServer = async (
  { directory, durability, workers }: {
    readonly directory: string
    readonly durability: Durability
    readonly workers: number
  }
): Promise<Server> => {
  const ending = new AbortController()
  let child: ChildProcess
  let isUp = false
  const start = async (port: string): Promise<string> => {
    const args = ["serve", directory, "--listen", port, "--workers", String(workers), "--durability", durability]
    child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "ignore", "pipe"] })
    const url = await listening(child)
    isUp = true
    return url
  }
  const host = await start("0")
  const port = host.slice(host.lastIndexOf(":") + 1)

  /** A server that was killed starts again on the same port. */
  const revive = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
      isUp = false
      if (ending.signal.aborted) return
      // It does not start where the last one still holds the port, or where it is told to end meanwhile.
      await start(port).catch(() => new Promise((resolve) => setTimeout(resolve, 100)))
    }
  }
  const reviving = revive()

  return {
    host,
    kill: (whole, chance) => {
      const pid = child.pid
      if (pid === undefined || !isUp) return false
      const all = childrenOf(pid)
      const one = all[Math.floor(chance * all.length)]
      if (!whole) return one !== undefined && killed(one)
      isUp = false
      // A worker must not outlive its server on a port that another one wants.
      for (const other of all) killed(other)
      return killed(pid)
    },
    end: async () => {
      ending.abort()
      child.kill("SIGTERM")
      await reviving
    }
  }
}
