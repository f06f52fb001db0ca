/**
 * A simulated object store: linearizable keys with ETags and conditional requests, one clock for all machines. Before
 * each request a test may say that its answer is lost, before it took effect or after, or that the machine is over.
 */
import { Deferred, Effect, Stream } from "effect"
import { createHash } from "node:crypto"
import {
  type Changed,
  type Dated,
  type ListedObject,
  type ObjectInfo,
  type ObjectStore,
  type Part,
  type Precondition,
  type StoreFault
} from "../../../src/bucket/store/ObjectStore.ts"
import { RemoteError } from "../../../src/oci/OciError.ts"
import { concatenated } from "../../../src/ops/manifests/collectBytes.ts"

/**
 * What becomes of a request: done and answered, lost before or after it is done, lost and done at some later time, or no
 * step of this machine any more.
 */
export type Fate = "answered" | "not sent" | "answer lost" | "late" | "crash"

/** Machines whose requests wait for their turn. */
export interface Turns {
  readonly machine: (fate?: (request: string) => Fate) => ObjectStore
  /** Lets one of those that wait do its request, or one that is late arrive, as a random number below a limit says. */
  readonly next: (random: (limit: number) => number) => Effect.Effect<void>
  /** All that are late arrive. */
  readonly deliver: () => void
}

interface Kept extends ObjectInfo {
  readonly bytes: Uint8Array
}

/** For how long what was signed is taken: milliseconds. */
const validMillis = 15 * 60_000

const md5 = (bytes: Uint8Array): Uint8Array => createHash("md5").update(bytes).digest()

export class Bucket {
  readonly objects = new Map<string, Kept>()
  readonly #uploads = new Map<string, Map<number, Uint8Array>>()
  #ids = 0
  /** Milliseconds since 1970. */
  now = Date.UTC(2026, 0, 1)
  /** The requests that were sent, changing or not, in the order in which they took effect. */
  readonly log: Array<string> = []

  readonly #late: Array<() => void> = []

  /** Machines whose requests a test puts in an order. */
  inTurn(): Turns {
    const waiting: Array<Deferred.Deferred<void>> = []
    const turn = Effect.suspend(() => {
      const mine = Deferred.makeUnsafe<void>()
      waiting.push(mine)
      return Deferred.await(mine)
    })
    return {
      machine: (fate) => this.machine(fate, turn),
      next: (random) =>
        Effect.gen({ self: this }, function*() {
          // Each machine that can go on does, up to its next request.
          yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
          if (this.#late.length > 0 && random(20) === 0) this.#late.splice(random(this.#late.length), 1)[0]?.()
          const [one] = waiting.splice(random(Math.max(1, waiting.length)), 1)
          if (one !== undefined) yield* Deferred.succeed(one, undefined)
        }),
      deliver: () => {
        for (const arrive of this.#late.splice(0)) arrive()
      }
    }
  }

  /**
   * The store as one machine sees it; `fate` is asked before each of its requests, with method and key, and `turn` is
   * waited for.
   */
  machine(fate: (request: string) => Fate = () => "answered", turn: Effect.Effect<void> = Effect.void): ObjectStore {
    let crashed = false
    const request = <A>(what: string, key: string, run: () => A): Effect.Effect<A, StoreFault> =>
      Effect.andThen(
        turn,
        Effect.suspend(() => {
          const name = `${what} ${key}`
          const becomes = crashed ? "crash" : fate(name)
          if (becomes === "crash") {
            crashed = true
            return Effect.never
          }
          const lost = new RemoteError({ host: "bucket", operation: name, passing: true, reason: "no answer came" })
          if (becomes === "not sent") return Effect.fail(lost)
          this.log.push(name)
          this.now += 1
          if (becomes === "late") {
            this.#late.push(() => void run())
            return Effect.fail(lost)
          }
          const value = run()
          return becomes === "answer lost" ? Effect.fail(lost) : Effect.succeed(value)
        })
      )
    const answer = <A>(value: A): Dated<A> => ({ date: this.now, value })
    const change = (
      key: string,
      { condition, relies }: { readonly condition?: Precondition | undefined; readonly relies?: number | undefined },
      apply: () => Changed
    ): Dated<Changed> => {
      if (relies !== undefined && this.now - relies > validMillis) return answer({ _tag: "Expired" })
      const found = this.objects.get(key)
      const holds = condition === undefined ||
        (condition._tag === "Absent" ? found === undefined : found?.etag === condition.etag)
      return answer(holds ? apply() : { _tag: "Conflict" })
    }
    const keep = (key: string, bytes: Uint8Array, etag: string): Changed => {
      this.objects.set(key, { bytes, etag, size: bytes.length, modified: this.now })
      return { _tag: "Done", etag }
    }
    const partsOf = (upload: string): Map<number, Uint8Array> =>
      this.#uploads.get(upload) ?? new Map<number, Uint8Array>()
    return {
      name: "bucket",
      head: (key) => request("HEAD", key, () => answer(this.objects.get(key))),
      get: (key, { unless } = {}) =>
        request("GET", key, () => {
          const found = this.objects.get(key)
          return answer(found !== undefined && found.etag === unless ? "unchanged" as const : found)
        }),
      read: (key, window) =>
        request("GET", key, () => {
          const found = this.objects.get(key)
          if (found === undefined) return undefined
          const { bytes } = found
          const part = window === undefined ? bytes : bytes.subarray(window.offset, window.offset + window.length)
          return { ...found, content: Stream.succeed(part) }
        }),
      put: (key, bytes, options) =>
        request(
          "PUT",
          key,
          () => change(key, options, () => keep(key, bytes.slice(), `"${Buffer.from(md5(bytes)).toString("hex")}"`))
        ),
      remove: (key, { etag, relies } = {}) =>
        request("DELETE", key, () => {
          const found = this.objects.get(key)
          if (found === undefined) return answer<Changed>({ _tag: "Done", etag: "" })
          const condition = etag === undefined ? undefined : { _tag: "Unchanged" as const, etag }
          return change(key, { condition, relies }, () => {
            this.objects.delete(key)
            return { _tag: "Done", etag: "" }
          })
        }),
      list: (prefix, limit = Number.POSITIVE_INFINITY) =>
        request("LIST", prefix, () => {
          const keys = Array.from(this.objects.keys()).filter((key) => key.startsWith(prefix)).toSorted()
          return answer(
            keys.slice(0, limit).flatMap((key): ReadonlyArray<ListedObject> => {
              const found = this.objects.get(key)
              return found === undefined ? [] : [{ ...found, key }]
            })
          )
        }),
      names: (folder) =>
        request("LIST", folder, () => {
          const rest = Array.from(this.objects.keys()).filter((key) => key.startsWith(folder))
            .map((key) => key.slice(folder.length))
          return Array.from(new Set(rest.map((key) => /^[^/]*\/?/u.exec(key)?.[0] ?? ""))).toSorted()
        }),
      begin: (key) =>
        request("POST", key, () => {
          const id = String(this.#ids++)
          this.#uploads.set(id, new Map())
          return id
        }),
      part: (key, upload, number, bytes) =>
        request("PUT part of", key, (): Part => {
          partsOf(upload).set(number, bytes.slice())
          return { number, etag: Buffer.from(md5(bytes)).toString("hex") }
        }),
      complete: (key, upload, parts, options) =>
        request("POST", key, () =>
          change(key, options, () => {
            const pieces = parts.map(({ number }) => partsOf(upload).get(number) ?? new Uint8Array())
            const etag = `"${Buffer.from(md5(concatenated(pieces.map(md5)))).toString("hex")}-${parts.length}"`
            this.#uploads.delete(upload)
            return keep(key, concatenated(pieces), etag)
          })),
      abort: (key, upload) => request("DELETE", key, () => void this.#uploads.delete(upload))
    }
  }
}
