/** `ocilayout serve` as a process, and requests to it. */
import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import process from "node:process"
import { digestOf, utf8 } from "../../../support/images.ts"
import { mainPath } from "../../support/server.ts"

interface Listening {
  readonly url: string
  readonly stdout: () => string
  readonly stderr: () => string
  readonly kill: (signal: NodeJS.Signals) => void
  readonly exit: Effect.Effect<number | string | null>
  readonly pid: number | undefined
}

/** `ocilayout serve` once it says where; fails with how it ended and what it said if it ends instead. */
export const serving = (
  args: ReadonlyArray<string>,
  environment: Record<string, string> = {}
): Effect.Effect<Listening, readonly [code: number | string | null, said: string], Scope.Scope> =>
  Effect.flatMap(
    Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, [mainPath, "serve", ...args], {
          stdio: "pipe",
          // One process starts faster than several, and does the same.
          env: { ...process.env, OCILAYOUT_WORKERS: "1", ...environment }
        })
      ),
      (child) => Effect.sync(() => void child.kill("SIGKILL"))
    ),
    (child) =>
      Effect.callback((resume) => {
        let stdout = ""
        child.stdout.on("data", (chunk) => {
          stdout += String(chunk)
        })
        let stderr = ""
        const exited = new Promise<number | string | null>((resolve) => {
          child.once("close", (code, signal) => {
            resolve(code ?? signal)
            resume(Effect.fail([code ?? signal, stderr]))
          })
        })
        child.stderr.on("data", (chunk) => {
          stderr += String(chunk)
          const url = / at (https?:\S+)\n/u.exec(stderr)?.[1]
          if (url === undefined) return
          resume(Effect.succeed({
            url,
            stdout: () => stdout,
            stderr: () => stderr,
            kill: (signal) => void child.kill(signal),
            exit: Effect.promise(() => exited),
            pid: child.pid
          }))
        })
      })
  )

export const bytes = utf8("hello")
export const blob = digestOf(bytes)
const config = utf8("{}")
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: digestOf(config), size: 2 },
  layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: blob, size: 5 }]
})

export const answered = (url: string, init: RequestInit = {}) => Effect.promise(() => fetch(url, init))

export const pushBlob = (url: string, content: Uint8Array, headers: Record<string, string> = {}) =>
  answered(`${url}/v2/app/blobs/uploads/?digest=${digestOf(content)}`, {
    method: "POST",
    body: Buffer.from(content),
    headers
  })

export const pushImage = Effect.fnUntraced(function*(url: string, tag: string, headers: Record<string, string> = {}) {
  for (const content of [bytes, config]) yield* pushBlob(url, content, headers)
  const { status } = yield* answered(`${url}/v2/app/manifests/${tag}`, {
    method: "PUT",
    body: manifest,
    headers: { ...headers, "content-type": "application/vnd.oci.image.manifest.v1+json" }
  })
  return status
})

export const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`
})
