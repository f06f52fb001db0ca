/** Clients of registries in tests: on the undici that the command uses, and impatient. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Redacted, type Scope } from "effect"
import type { HttpClient } from "effect/http/HttpClient"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { Credentials } from "../../../src/remote/index.ts"
import { makeRemote, type RemoteOptions, type RemoteRegistry } from "../../../src/remote/index.ts"

export const quick = { answerMillis: 5000, idleMillis: 2000, retries: 3, retryMillis: 1, chunkBytes: 1024 }

export const withClient = <A, E, R>(effect: Effect.Effect<A, E, R | HttpClient>) =>
  Effect.provide(effect, NodeHttpClient.layerUndici)

/** The registry behind an address like `http://127.0.0.1:5000`. */
export const remoteAt = (
  { url }: { readonly url: string },
  options: Partial<RemoteOptions> = {}
): Effect.Effect<RemoteRegistry, never, HttpClient> =>
  Effect.orDie(makeRemote({ host: new URL(url).host, timing: quick, ...options }))

export const password = (username: string, secret: string): Credentials => () =>
  Effect.succeed({ _tag: "Password", username, password: Redacted.make(secret) })

export type Handler = (request: IncomingMessage, response: ServerResponse, body: Uint8Array) => void

/** A server that answers what a test says, on a free port of this machine. */
export const answering = (handler: Handler): Effect.Effect<{ readonly url: string }, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = createServer((request, response) => {
        const parts: Array<Buffer> = []
        request.on("data", (part: Buffer) => parts.push(part))
        request.on("end", () => handler(request, response, new Uint8Array(Buffer.concat(parts))))
        request.on("error", () => response.destroy())
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      return { url: `http://127.0.0.1:${port}`, server }
    }),
    ({ server }) =>
      Effect.promise(() => {
        server.closeAllConnections()
        return new Promise((resolve) => server.close(resolve))
      })
  )
