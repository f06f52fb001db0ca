/** An S3 gateway over a folder, as a process that is killed and started again at the same address. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { gatewayCommand, gatewayKeys } from "../../../../test/bucket/support/gateway.ts"
import { freePort } from "../../../../test/support/freePort.ts"

export interface Gateway {
  readonly endpoint: string
  /** The folder that has the bucket's objects. */
  readonly folder: string
  /** With SIGKILL; it is back after so long. */
  readonly kill: (millis: number) => Promise<void>
  readonly end: () => Promise<void>
}

export const bucket = "layouts"

export const startGateway = async (root: string): Promise<Gateway> => {
  const folder = join(root, bucket)
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const isUp = (): Promise<boolean> => fetch(endpoint).then(() => true, () => false)
  const start = async (): Promise<ChildProcess> => {
    const started = spawn(gatewayCommand ?? "versitygw", ["--quiet", "--port", `127.0.0.1:${port}`, "posix", root], {
      env: { ...process.env, ROOT_ACCESS_KEY: gatewayKeys.accessKeyId, ROOT_SECRET_KEY: gatewayKeys.secretAccessKey },
      stdio: "ignore"
    })
    while (!await isUp()) {
      if (started.exitCode !== null) throw new Error("the gateway did not start")
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return started
  }
  let running = await start()
  process.once("exit", () => running.kill("SIGKILL"))
  const stop = async (signal: "SIGKILL" | "SIGTERM"): Promise<void> => {
    const gone = once(running, "exit")
    running.kill(signal)
    await gone
  }
  return {
    endpoint,
    folder,
    kill: async (millis) => {
      await stop("SIGKILL")
      await new Promise((resolve) => setTimeout(resolve, millis))
      running = await start()
    },
    end: () => stop("SIGTERM")
  }
}
