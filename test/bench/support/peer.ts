/** The Go package of the same purpose, under the load that `test/bench/peer` puts on it. */
import { Effect, type Scope } from "effect"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { CommandFailed, exists, run } from "./command.ts"
import { temporaryFolder } from "./folders.ts"

/** From so many mebibytes on, what a run leaves is removed at once. */
const large = 32

const source = fileURLToPath(new URL("../peer", import.meta.url))

interface PeerFigure {
  readonly count: number
  readonly totalMs: number
  readonly meanUs: number
}

export type PeerFigures = ReadonlyMap<string, PeerFigure>

interface PeerLoad {
  /** Tagged manifests in one repository. */
  readonly manifests: number
  /** The size of one large blob. */
  readonly mebibytes: number
}

/** One run in a process of its own, on a new layout. */
export type Peer = (load: PeerLoad) => Effect.Effect<PeerFigures, CommandFailed>

/** The peer in one program, of which there is a load and a server. Removed with the scope. */
interface Built {
  readonly program: string
  readonly folder: string
}

/** Built from a copy, since building settles which versions it needs. Fails with the reason where it cannot be. */
export const buildPeer: Effect.Effect<Built, CommandFailed, Scope.Scope> = Effect.gen(function*() {
  const command = "go"
  if (!exists(command)) return yield* new CommandFailed({ command, message: "there is no Go toolchain" })
  const folder = yield* temporaryFolder
  const copy = join(folder, "source")
  // File by file: what is only readable there has to be writable here.
  mkdirSync(copy)
  for (const name of readdirSync(source)) writeFileSync(join(copy, name), readFileSync(join(source, name)))
  // Where the module is elsewhere, GOFLAGS say so.
  const options = { directory: copy, environment: { GOFLAGS: `${process.env["GOFLAGS"] ?? ""} -mod=mod` } }
  yield* run(command, ["mod", "tidy"], options)
  const program = join(folder, "peer-bench")
  yield* run(command, ["build", "-o", program, "."], options)
  return { program, folder }
})

export const makePeer: Effect.Effect<Peer, CommandFailed, Scope.Scope> = Effect.gen(function*() {
  const { folder, program } = yield* buildPeer
  return ({ manifests, mebibytes }) =>
    Effect.acquireUseRelease(
      Effect.sync(() => mkdtempSync(join(folder, "run-"))),
      (empty) => Effect.map(run(program, [empty, String(manifests), String(mebibytes)]), parsePeer),
      // The many small files of the others stay until the end, as ours do.
      (empty) => mebibytes < large ? Effect.void : Effect.sync(() => rmSync(empty, { recursive: true }))
    )
})

type Line = PeerFigure & { readonly op: string }

/** One JSON line for each measurement. */
export const parsePeer = (printed: string): PeerFigures =>
  new Map(
    printed.split("\n").filter((line) => line !== "").map((line) => {
      const { op, ...figure } = JSON.parse(line) as Line
      return [op, figure]
    })
  )
