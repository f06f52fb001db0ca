/** Serves layouts over MCP, on the process's standard input and output or over HTTP. */
import { Console, Context, Effect, Layer, type Scope } from "effect"
import { HttpClient } from "effect/http/HttpClient"
import { lookup } from "node:dns/promises"
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import process from "node:process"
import { applyBundle, saveImages } from "../../archive/index.ts"
import { makeInside } from "../../image/inside/openImage.ts"
import {
  makeToolCatalog,
  type Mode,
  type Registries,
  selectTools,
  type ServedLayout,
  type ServerConfig,
  serveStdio,
  type ToolCatalog
} from "../../mcp/index.ts"
import { folderTar, layerCodec, layerMaker, localFiles, makeDisk, makeDiskTree } from "../../node/index.ts"
import { InputUnsuitable, type RegistryError, RemoteError } from "../../oci/OciError.ts"
import type { LayoutRegistry } from "../../ops/api/Layout.ts"
import { readOnly as forReading } from "../../ops/readOnly.ts"
import { isBucket } from "../../places/Place.ts"
import { onlyHosts } from "../../remote/index.ts"
import { openBucket } from "../buckets.ts"
import { isDirectory, isVacant, type LayoutDirectory, parseDirectories } from "../directories.ts"
import { type Failure, Mistake, orMistake } from "../Failure.ts"
import { keepTended } from "../keepTended.ts"
import { makeOpener } from "../remote/opener.ts"
import { version } from "../version.ts"
import { chatView } from "./chatView.ts"
import { type HttpRequest, parseHttp } from "./httpOptions.ts"
import type { McpOptions } from "./McpOptions.ts"
import { httpNotice, notice } from "./notice.ts"

/** Until standard input ends, or over HTTP until the process is told to stop. */
export const serveMcp = Effect.fn("serveMcp")(
  function*(options: McpOptions) {
    const directories = yield* orMistake(parseDirectories(options.directories))
    const http = yield* orMistake(parseHttp(options, process.env))
    yield* refuseMissing(options.allowedDirectories)
    const served = yield* open(directories, options)
    const catalogue = yield* orMistake(selectTools(makeToolCatalog(served), {
      toolsets: options.toolsets,
      tools: options.tools,
      excluded: options.excludedTools
    }))
    for (const { perRepository, registry } of served.layouts) {
      if (!perRepository) yield* keepTended(registry)
    }
    if (http !== undefined) return yield* listen(catalogue, options, http)
    if (process.stdin.isTTY) {
      const program = { node: process.execPath, script: resolve(process.argv[1] ?? "ocilayout") }
      yield* Console.error(notice(served, options, directories, program))
    }
    yield* serveStdio(catalogue, version, { input: process.stdin, output: process.stdout })
  },
  Effect.scoped,
  // A server that is told to stop has done its work.
  Effect.onInterrupt(() =>
    Effect.sync(() => {
      process.exitCode = 0
    })
  )
)

/** A directory that is not there would allow nothing, without a message. */
const refuseMissing = (directories: ReadonlyArray<string>): Effect.Effect<void, Mistake> => {
  const missing = directories.map((directory) => resolve(directory)).find((directory) => !isDirectory(directory))
  return missing === undefined
    ? Effect.void
    : Effect.fail(new Mistake(`--allowed-dir ${missing} is no directory; make it first, or leave it out`))
}

/** Loaded when it is needed: over standard input and output nothing of it is. */
const listen = Effect.fnUntraced(function*(catalogue: ToolCatalog, options: McpOptions, http: HttpRequest) {
  if (options.allowedDirectories.length > 0) {
    return yield* Effect.fail(
      new Mistake("--allowed-dir is for clients on this machine; over HTTP, content comes inline or in uploads")
    )
  }
  const { serveHttp } = yield* Effect.promise(() => import("../../mcp/sdk/http/serveHttp.ts"))
  const url = yield* Effect.mapError(serveHttp(catalogue, version, http), ({ message }) => new Mistake(message))
  yield* Console.error(httpNotice(url, catalogue.served, options.tokenEnv ?? http))
  return yield* Effect.never
})

/** Nothing is created and nothing locked before the first write. */
const open = Effect.fnUntraced(function*(directories: ReadonlyArray<LayoutDirectory>, options: McpOptions) {
  const [first, ...others] = yield* Effect.forEach(directories, (directory) => openLayout(directory, options))
  if (first === undefined) return yield* Effect.fail(new Mistake("name at least one layout directory"))
  const served: ServerConfig = {
    layouts: [first, ...others],
    mode: modeOf(options),
    confirm: options.confirm,
    inside: makeInside(layerCodec),
    view: chatView(),
    making: { maker: layerMaker, folderTar },
    archives: { take: applyBundle, make: saveImages },
    files: localFiles(options.allowedDirectories.map((directory) => resolve(directory))),
    ...(options.allowedRegistries.length === 0
      ? {}
      : { registries: yield* registriesOf(options.allowedRegistries) })
  }
  return served
})

/** The registries that were named, and nothing else in a private network, whatever they redirect to. */
const registriesOf = Effect.fnUntraced(function*(
  hosts: ReadonlyArray<string>
): Effect.fn.Return<Registries, Mistake, Scope.Scope> {
  const named = hosts.map((host) => host.toLowerCase())
  const { clientLayer } = yield* Effect.promise(() => import("../remote/client.ts"))
  const addresses = (name: string) =>
    Effect.tryPromise(() => lookup(name, { all: true })).pipe(
      Effect.map((found) => found.map(({ address }) => address)),
      Effect.orElseSucceed(() => [])
    )
  const names = named.map((host) => host.replace(/:\d+$/u, ""))
  const { open, source } = yield* makeOpener(
    (unchecked) =>
      Effect.map(
        Layer.build(clientLayer({ insecure: unchecked === undefined ? [] : [unchecked], ca: undefined, named: names })),
        (context) => Context.get(context, HttpClient)
      ),
    // A mirror that registries.conf names is asked only where it was allowed as well.
    (host) =>
      named.includes(host.toLowerCase())
        ? Effect.succeed({ reach: onlyHosts(named, addresses) })
        : Effect.fail(notAllowed(host))
  )
  return {
    hosts: named,
    open: (host, repository, way) =>
      Effect.catchTag(
        (way === "from" ? source : open)(host, repository),
        "Mistake",
        (mistake) => Effect.fail(new InputUnsuitable({ input: host, reason: mistake.message }))
      )
  }
})

const notAllowed = (host: string) =>
  new RemoteError({
    host,
    operation: "a request",
    passing: false,
    reason: "registries.conf leads there, and --allow-registry does not name it; nothing was sent"
  })

const modeOf = ({ allowDelete, readOnly }: McpOptions): Mode => readOnly ? "read" : allowDelete ? "delete" : "write"

const openLayout = Effect.fnUntraced(function*(
  { id, path }: LayoutDirectory,
  options: McpOptions
): Effect.fn.Return<ServedLayout, Failure, Scope.Scope> {
  const { http, perRepository, readOnly } = options
  const registry = yield* isBucket(path) ? openInBucket(path, options) : openOnDisk(path, options)
  return {
    id,
    // Paths of this machine are not told over a network.
    ...(http === undefined ? { path } : {}),
    registry: readOnly ? forReading(registry) : registry,
    perRepository
  }
})

const openInBucket = Effect.fnUntraced(function*(
  path: string,
  { create, defaultRepository, endpoint, perRepository, sse }: McpOptions
): Effect.fn.Return<LayoutRegistry, Failure, Scope.Scope> {
  return (yield* openBucket(path, { defaultRepository, endpoint, sse, perRepository }, !create)).registry
})

const openOnDisk = Effect.fnUntraced(function*(
  path: string,
  { create, defaultRepository, durability, hold, perRepository, symlinks }: McpOptions
): Effect.fn.Return<LayoutRegistry, RegistryError, Scope.Scope> {
  // Nothing is made where something else lies: a mistyped path would become a layout.
  const mustExist = !create || (existsSync(path) && !isVacant(path))
  const common = { directory: path, durability, hold, symlinks, mustExist }
  return perRepository
    ? yield* makeDiskTree(common)
    : yield* makeDisk({ ...common, defaultRepository })
})
