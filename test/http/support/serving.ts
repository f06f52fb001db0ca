/** The registry's API on a free port, over each store there is, and requests to it. */
import { Effect, type Scope } from "effect"
import { join } from "node:path"
import { type ServeOptions, serveRegistry } from "../../../src/http/index.ts"
import { makeMemory, makeMemoryTree } from "../../../src/memory/index.ts"
import { makeDisk, makeDiskTree } from "../../../src/node/index.ts"
import { contextOf, type LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { temporaryFolder } from "../../support/folders.ts"

export interface Served {
  readonly url: string
  readonly port: number
  readonly registry: LayoutRegistry
}

export const serving = Effect.fnUntraced(function*(
  registry: LayoutRegistry,
  options: Partial<ServeOptions> = {}
): Effect.fn.Return<Served, never, Scope.Scope> {
  const { url } = yield* serveRegistry({
    host: "127.0.0.1",
    port: 0,
    credentials: undefined,
    anonymousPull: false,
    sparse: false,
    metrics: false,
    offers: { push: true, delete: true, deleteBlobs: true },
    ...options
  }).pipe(Effect.provide(contextOf(registry)), Effect.orDie)
  return { url, port: Number(new URL(url).port), registry }
})

/** A registry in memory, served. */
export const inMemory = (options: Partial<ServeOptions> = {}): Effect.Effect<Served, never, Scope.Scope> =>
  Effect.flatMap(Effect.orDie(makeMemory()), (registry) => serving(registry, options))

const inFolder = (open: (directory: string) => Effect.Effect<LayoutRegistry, unknown, Scope.Scope>) =>
  Effect.flatMap(temporaryFolder, (folder) => Effect.orDie(open(join(folder, "layout"))))

/** Every store, each time new and empty. */
export const stores: ReadonlyArray<readonly [string, Effect.Effect<LayoutRegistry, never, Scope.Scope>]> = [
  ["memory", Effect.orDie(makeMemory())],
  ["trees in memory", makeMemoryTree],
  ["a layout", inFolder((directory) => makeDisk({ directory, durability: "none" }))],
  ["a tree of layouts", inFolder((directory) => makeDiskTree({ directory, durability: "none" }))]
]

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Uint8Array
  readonly text: string
  /** The codes of the body, if it has some. */
  readonly codes: ReadonlyArray<string>
}

const codesOf = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/"code":"([A-Z_]+)"/gu), ([, code = ""]) => code)

export interface Sent {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: Uint8Array | string
}

/** One request; `path` may be a `Location`. */
export const send = ({ url }: Pick<Served, "url">, path: string, sent: Sent = {}): Effect.Effect<Answered> =>
  Effect.promise(async () => {
    const { body, ...rest } = sent
    const bodied = body === undefined ? {} : { body: typeof body === "string" ? body : Buffer.from(body) }
    const response = await fetch(new URL(path, url), { ...rest, ...bodied, redirect: "error" })
    const bytes = new Uint8Array(await response.arrayBuffer())
    const text = Buffer.from(bytes).toString()
    return { status: response.status, headers: response.headers, bytes, text, codes: codesOf(text) }
  })

export const locationOf = ({ headers }: Answered): string => headers.get("location") ?? ""

/** A session's location with more in its query. */
export const withQuery = (location: string, query: string): string =>
  `${location}${location.includes("?") ? "&" : "?"}${query}`
