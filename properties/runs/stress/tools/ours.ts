/** `ours.ts <layout> <durability> <seed> <process> <record>`: changes, reads and collects until it is told that this is enough. */
import { Effect, Option, Stream } from "effect"
import { openSync, writeSync } from "node:fs"
import type { Durability } from "../../../../src/node/index.ts"
import type { RegistryError } from "../../../../src/oci/OciError.ts"
import { Actor } from "../../../../src/ops/api/Actor.ts"
import type { LayoutRegistry } from "../../../../src/ops/api/Layout.ts"
import { randomOf } from "../../../support/random.ts"
import { imageOf, partsOf } from "../../../support/tools/images.ts"
import { open } from "../open.ts"
import { ownNames, pool, repository, sharedNames } from "./names.ts"
import { type Line, now } from "./Write.ts"

const [directory = "", durability, seed, process_ = "", recordPath = ""] = process.argv.slice(2)

const enough = new AbortController()
process.once("message", () => enough.abort())
// The process that started it is gone.
const orphaned = (): never => process.exit(1)
process.once("disconnect", orphaned)

const born = now()
const record = openSync(recordPath, "a")
const write = (line: Line): void => void writeSync(record, `${JSON.stringify(line)}\n`)
write({ born: String(born) })

const random = randomOf(Number(seed) + Number(born % 1_000_000_007n))
const own = Array.from({ length: ownNames }, (_, at) => `own-${process_}-${at}`)
let asks = 0

interface Answered {
  readonly digest?: string | undefined
  readonly revision?: Option.Option<number>
}

const ask = (
  { digest, op, tag }: { readonly op: string; readonly tag: string; readonly digest?: string },
  effect: Effect.Effect<Answered, RegistryError>
): Effect.Effect<Answered | undefined> =>
  Effect.suspend(() => {
    const label = `${process_}/${born}/${asks++}`
    write({
      ask: label,
      op,
      name: `${repository}:${tag}`,
      ...(digest === undefined ? {} : { digest }),
      at: String(now())
    })
    return Effect.match(Effect.provideService(effect, Actor, label), {
      onSuccess: ({ digest, revision = Option.none() }) => {
        write({
          answer: label,
          at: String(now()),
          ...(digest === undefined ? {} : { digest }),
          ...(Option.isSome(revision) ? { revision: revision.value } : {})
        })
        return { digest, revision }
      },
      onFailure: (error) => {
        write({ answer: label, at: String(now()), refused: error._tag, message: error.message })
        return undefined
      }
    })
  })

const push = (registry: LayoutRegistry, tag: string) => {
  const image = imageOf(random.once(3) ? random.pick(pool) : `${process_} ${born} ${asks}`)
  return ask(
    { op: "set", tag, digest: image.manifest.digest },
    Effect.gen(function*() {
      for (const { bytes } of partsOf(image)) yield* registry.pushBlob(repository, Stream.succeed(bytes))
      return yield* registry.pushManifest(repository, image.manifest.bytes, image.mediaType, { tags: [tag] })
    })
  )
}

const read = (registry: LayoutRegistry, tag: string) =>
  ask({ op: "read", tag }, Effect.map(registry.getTag(repository, tag), ({ descriptor }) => descriptor))

/** Points a tag at what another one of its own is. */
const retag = (registry: LayoutRegistry, from: string, to: string) =>
  Effect.gen(function*() {
    const found = yield* read(registry, from)
    if (found?.digest === undefined) return
    const { digest } = found
    yield* ask({ op: "set", tag: to, digest }, registry.tagManifest(repository, digest, [to]))
  })

const untag = (registry: LayoutRegistry, tag: string) =>
  ask({ op: "delete", tag }, Effect.map(registry.deleteTag(repository, tag), ({ revision }) => ({ revision })))

const collect = (registry: LayoutRegistry) =>
  ask(
    { op: "collect", tag: "" },
    Effect.gen(function*() {
      const undo = random.once(4) ? { undoWindow: 0 } : {}
      const { id } = yield* registry.planGarbage({ grace: 0, ...undo })
      if (Option.isSome(id)) yield* registry.collectGarbage(id.value)
      return {}
    })
  )

const step = (registry: LayoutRegistry): Effect.Effect<unknown> => {
  const target = random.once(4) ? random.pick(sharedNames) : random.pick(own)
  const drawn = random.below(20)
  if (drawn < 7) return push(registry, target)
  if (drawn < 10) return retag(registry, random.pick(own), target)
  if (drawn < 12) return untag(registry, target)
  if (drawn < 13) return collect(registry)
  if (drawn < 16) {
    const same = random.pick(own)
    return retag(registry, same, same)
  }
  return read(registry, target)
}

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  let registry = yield* open(directory, durability as Durability)
  while (!enough.signal.aborted) {
    // Opened anew it knows nothing from before.
    if (random.once(30)) registry = yield* open(directory, durability as Durability)
    yield* step(registry)
    yield* Effect.sleep(random.below(30))
  }
})))
process.off("disconnect", orphaned)
process.disconnect()
