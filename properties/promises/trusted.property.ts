/** What is believed of a blob that was read or written before, where the times of files are coarse. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Stream } from "effect"
import fc from "fast-check"
import { repository } from "../../test/support/entries.ts"
import { digestOf, utf8 } from "../../test/support/images.ts"
import { Machine } from "../support/simulation/Machine.ts"
import { type Process, World } from "../support/simulation/World.ts"

const right = utf8("the right bytes")
const wrong = utf8("the wrong bytes")
const digest = digestOf(right)
const path = `blobs/${digest.replace(":", "/")}`

type Step =
  | { readonly do: "read" | "range" | "get" | "retain" | "push" | "upload" | "unlink" }
  /** A tool writes into the file, in place, and syncs nothing. */
  | { readonly do: "write"; readonly bytes: "right" | "wrong" }
  | { readonly do: "wait"; readonly millis: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom("read", "range", "get", "retain", "push", "upload", "unlink") }),
  fc.record({ do: fc.constant("write"), bytes: fc.constantFrom("right", "wrong") }),
  fc.record({ do: fc.constant("wait"), millis: fc.constantFrom(1, 5, 30, 900, 2500) })
)

const write = ({ fs }: Process, bytes: Uint8Array) =>
  Effect.ignore(Effect.scoped(Effect.flatMap(
    fs.open(`/srv/layout/${path}`, { access: "update" }),
    (handle) => handle.write(bytes, 0)
  )))

const upload = ({ stores: { uploads } }: Process) =>
  Effect.scoped(Effect.gen(function*() {
    const { id } = yield* uploads.create(repository("app"))
    yield* Effect.scoped(Effect.flatMap(uploads.exclusive(id), ({ append }) => append(Stream.succeed(right))))
    const session = yield* uploads.exclusive(id)
    assert.strictEqual(yield* session.digest("sha256"), digest)
    yield* session.conclude({ _tag: "UploadCommitted", digest })
  }))

const read = Effect.fnUntraced(function*({ stores: { blobs } }: Process, window?: { offset: number; length: number }) {
  const found = yield* blobs.read(digest, { verify: true, ...(window === undefined ? {} : { window }) })
  if (Option.isNone(found)) return undefined
  const content = Buffer.concat(yield* Stream.runCollect(found.value.content))
  return found.value.verified ? content : undefined
})

const run = async (tickNs: bigint, steps: ReadonlyArray<Step>): Promise<void> => {
  const world = new World(new Machine({ tickNs }))
  const process = await world.open()
  await world.run(process.stores.establish)
  const { blobs } = process.stores
  for (const step of steps) {
    switch (step.do) {
      case "write":
        await world.run(write(process, step.bytes === "right" ? right : wrong))
        break
      case "wait":
        world.machine.advance(step.millis)
        break
      case "push":
        await world.run(blobs.write(Stream.succeed(right), { algorithm: "sha256", digest, size: right.length }))
        break
      case "upload":
        await world.run(upload(process))
        break
      case "unlink":
        await world.run(Effect.ignore(process.fs.unlink(`/srv/layout/${path}`)))
        break
      case "retain": {
        const held = await world.run(blobs.protect(digest))
        const node = world.node(path)
        if (Option.isNone(held)) break
        assert(node?.kind === "file")
        assert.deepStrictEqual(node.durable, node.content, "what a commit names is on the disk")
        break
      }
      default: {
        const window = step.do === "range" ? { offset: 4, length: 5 } : undefined
        const reading = step.do === "get"
          ? Effect.map(blobs.get(digest, 100), Option.getOrUndefined)
          : read(process, window)
        const exit = await world.run(Effect.exit(Effect.scoped(reading)))
        if (Exit.isFailure(exit) || exit.value === undefined) break
        const expected = window === undefined ? right : right.subarray(4, 9)
        assert.strictEqual(Buffer.from(exit.value).toString(), Buffer.from(expected).toString())
      }
    }
  }
  await process.close()
}

/** What was served as verified, and what was acknowledged without having been synced. */
const found: ReadonlyArray<ReadonlyArray<Step>> = (["get", "range", "retain"] as const).flatMap((last) =>
  (["push", "upload"] as const).map((first) => [
    { do: first },
    { do: "write", bytes: "wrong" },
    { do: last }
  ])
)

describe("what is known of a blob", () => {
  for (const tickNs of [1n, 4_000_000n, 1_000_000_000n]) {
    it(`holds for the bytes that are there, with file times of ${tickNs} ns`, async () => {
      const steps = fc.array(step, { maxLength: 12 })
      const examples = found.map((steps): [Array<Step>] => [Array.from(steps)])
      await fc.assert(fc.asyncProperty(steps, (steps) => run(tickNs, steps)), { examples })
    })
  }
})
