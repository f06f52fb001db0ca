/** A server that plays those who lend keys: STS, a container's endpoint, the metadata service of an instance, the portal of sign-ons. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { ConfigProvider, Effect, Redacted, Result, type Scope } from "effect"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage } from "node:http"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { findAccess } from "../../../src/bucket/store/credentials.ts"
import type { Keys } from "../../../src/bucket/store/sign.ts"

/** In milliseconds. */
export const hour = 3_600_000
export const inAnHour = (): string => new Date(Date.now() + hour).toISOString()

export interface Asked {
  /** Method and path, with its query. */
  readonly what: string
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

export interface Told {
  readonly status?: number
  readonly body: string
}

export interface Lenders {
  readonly url: string
  readonly asked: ReadonlyArray<Asked>
}

/** @param answer what is told; 404 where it is nothing */
export const startLenders = (
  answer: (asked: Asked) => Told | undefined | "silence"
): Effect.Effect<Lenders, never, Scope.Scope> =>
  Effect.gen(function*() {
    const all: Array<Asked> = []
    const server = createServer((request, response) => {
      const pieces: Array<Buffer> = []
      request.on("data", (piece: Buffer) => void pieces.push(piece))
      request.on("end", () => {
        const { headers, method = "", url = "" } = request
        const asked = { what: `${method} ${url}`, headers, body: Buffer.concat(pieces).toString() }
        all.push(asked)
        const told = answer(asked)
        if (told === "silence") return
        response.writeHead(told === undefined ? 404 : told.status ?? 200).end(told?.body ?? "")
      })
    })
    yield* Effect.promise(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)))
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
    )
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    return { url: `http://127.0.0.1:${port}`, asked: all }
  })

/** A folder with files in it, which goes with its scope. */
export const folderWith = (files: Readonly<Record<string, string>>): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "aws-"))
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true })
        writeFileSync(join(folder, name), text)
      }
      return folder
    }),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )

/** How the bucket `s3://b` is reached, told in plain text; with `folder`, its files `config` and `credentials` are those of profiles. */
export const accessWith = (environment: Readonly<Record<string, string>>, folder = "/nothing") =>
  findAccess("s3://b").pipe(
    Effect.flatMap(({ endpoint, keys, region }) =>
      Effect.map(Effect.result(keys), (got) => ({ endpoint, region, keys: Result.map(got, plainKeys) }))
    ),
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromUnknown({
        AWS_CONFIG_FILE: join(folder, "config"),
        AWS_SHARED_CREDENTIALS_FILE: join(folder, "credentials"),
        ...environment
      })
    ),
    Effect.provide(NodeHttpClient.layerUndici)
  )

const plainKeys = ({ accessKeyId, secretAccessKey, sessionToken }: Keys): ReadonlyArray<string> => [
  accessKeyId,
  Redacted.value(secretAccessKey),
  ...(sessionToken === undefined ? [] : [Redacted.value(sessionToken)])
]

/** What keys were got, or why none. */
export const keysWith = Effect.fnUntraced(
  function*(environment: Readonly<Record<string, string>>, folder?: string) {
    const { keys } = yield* accessWith(environment, folder)
    return Result.match(keys, {
      onSuccess: (got): ReadonlyArray<string> | string => got,
      onFailure: ({ message }) => message
    })
  }
)
