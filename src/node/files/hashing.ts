/** Hashes blobs on all processors: this thread and the system's read, workers hash. */
import { Effect, Option, type Scope } from "effect"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { type Algorithm, algorithmOf, type ContentDigest, contentDigest } from "../../oci/Digest.ts"
import type { Hashing } from "../../ops/ports/Upkeep.ts"
import type { FileHandle, FsError } from "../fs/LayoutFs.ts"
import { asStorage } from "./asStorage.ts"
import { hashFile, readBytes } from "./hashFile.ts"
import { ifThere, type LayoutFiles, openRegular } from "./layoutFiles.ts"

/** Up to here a blob is hashed before a worker would have been told of it. */
const smallBytes = 256 * 1024

/** More processors than these are not fed by one thread. */
const mostWorkers = 8

/**
 * What a worker runs. As text, so that it needs no file of its own: the command is one bundle.
 *
 * Pieces are handed over and back, never copied: `{algorithm}` begins a hash, `{piece, count}` adds to it and gives the
 * piece back, `{end}` answers it.
 */
const source = `
const { createHash } = require("node:crypto")
const { parentPort } = require("node:worker_threads")
let hash
parentPort.on("message", ({ algorithm, count, piece }) => {
  if (algorithm !== undefined) hash = createHash(algorithm)
  else if (piece === undefined) parentPort.postMessage(hash.digest("hex"))
  else {
    hash.update(new Uint8Array(piece, 0, count))
    parentPort.postMessage(piece, [piece])
  }
})`

/** A worker and the pieces that go to and fro: while it hashes one, the next is read. */
class HashWorker {
  readonly #worker = new Worker(source, { eval: true })
  readonly #free: Array<ArrayBuffer> = [new ArrayBuffer(readBytes), new ArrayBuffer(readBytes)]
  #waiting: { readonly answered: (answer: unknown) => void; readonly failed: (cause: unknown) => void } | undefined

  constructor() {
    this.#worker.on("message", (answer: unknown) => this.#waiting?.answered(answer))
    this.#worker.on("error", (cause: unknown) => this.#waiting?.failed(cause))
  }

  /** The next answer; a caller that is interrupted while it waits does not use this worker again. */
  #ask(message: object, transfer: ReadonlyArray<ArrayBuffer> = []): Promise<unknown> {
    const answer = new Promise((answered, failed) => {
      this.#waiting = { answered, failed }
    })
    // When no caller waits for it any more, its failure is ignored.
    answer.catch(() => undefined)
    this.#worker.postMessage(message, Array.from(transfer))
    return answer
  }

  readonly hash = Effect.fnUntraced({ self: this }, function*(
    this: HashWorker,
    handle: FileHandle,
    { algorithm, size }: { readonly algorithm: Algorithm; readonly size: number },
    passed: (bytes: number) => Effect.Effect<void>
  ): Effect.fn.Return<ContentDigest, FsError> {
    this.#worker.postMessage({ algorithm }, [])
    let hashing: Promise<unknown> | undefined
    for (let offset = 0; offset < size;) {
      const piece = this.#free.pop() ?? new ArrayBuffer(readBytes)
      const count = yield* handle.read(new Uint8Array(piece, 0, Math.min(readBytes, size - offset)), offset)
      if (hashing !== undefined) yield* this.#takeBack(hashing)
      if (count === 0) break
      hashing = this.#ask({ piece, count }, [piece])
      offset += count
      yield* passed(count)
    }
    if (hashing !== undefined) yield* this.#takeBack(hashing)
    const hex = yield* Effect.promise(() => this.#ask({}))
    return contentDigest(algorithm, String(hex))
  })

  #takeBack(hashing: Promise<unknown>): Effect.Effect<void> {
    return Effect.map(Effect.promise(() => hashing), (piece) => {
      if (piece instanceof ArrayBuffer) this.#free.push(piece)
    })
  }

  readonly end = Effect.asVoid(Effect.promise(() => this.#worker.terminate()))
}

export const makeHashing = Effect.fnUntraced(
  function*(files: LayoutFiles): Effect.fn.Return<Hashing, never, Scope.Scope> {
    const all: Array<HashWorker> = []
    const idle: Array<HashWorker> = []
    yield* Effect.addFinalizer(() => Effect.forEach(all, ({ end }) => end, { concurrency: "unbounded", discard: true }))

    const take = (): HashWorker => {
      const known = idle.pop()
      if (known !== undefined) return known
      const made = new HashWorker()
      all.push(made)
      return made
    }

    const hash: Hashing["hash"] = (digest, passed) => {
      const algorithm = algorithmOf(digest)
      return asStorage(files.root)(Effect.scoped(Effect.gen(function*() {
        const opened = yield* ifThere(openRegular(files, files.blob(digest)))
        if (opened === undefined) return Option.none()
        const { handle, stat: { size } } = opened
        if (size <= smallBytes) {
          const actual = yield* hashFile(handle, size, algorithm)
          yield* passed(size)
          return Option.some(actual)
        }
        const worker = take()
        const actual = yield* worker.hash(handle, { algorithm, size }, passed)
        idle.push(worker)
        return Option.some(actual)
      })))
    }
    return { atOnce: Math.min(availableParallelism(), mostWorkers), hash }
  }
)
