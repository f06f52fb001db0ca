/** Whatever lies under the name of a blob, once it has been pushed it is there, and survives the power. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import fc from "fast-check"
import { blobs, digestOf, goodDocuments } from "../support/contents.ts"
import { runs } from "../support/share.ts"
import { chanceOf } from "../support/simulation/chance.ts"
import { crash } from "../support/simulation/Disk.ts"
import { Machine } from "../support/simulation/Machine.ts"
import { type Process, restarted, root, World } from "../support/simulation/World.ts"

/** What a foreign program may have left: as long as the blob or not, its bytes or others, and never synced. */
const leftover = (bytes: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.constant(bytes),
    fc.constant(new Uint8Array(bytes.length)),
    fc.nat({ max: bytes.length }).map((length) => bytes.slice(0, length)),
    fc.uint8Array({ minLength: bytes.length, maxLength: bytes.length })
  )

/** Writes a file as a tool does that syncs nothing. */
const leave = async (world: World, { fs }: Process, path: string, bytes: Uint8Array): Promise<void> => {
  for (const folder of ["blobs", "blobs/sha256"]) {
    await world.run(Effect.ignore(fs.makeDirectory(`${root}/${folder}`, 0o755)))
  }
  await world.run(Effect.scoped(Effect.flatMap(
    fs.open(`${root}/${path}`, { access: "create" }),
    (handle) => handle.write(bytes, 0)
  )))
}

const inOnePiece = ({ registry }: Process, bytes: Uint8Array) =>
  Effect.asVoid(registry.pushBlob("app", Stream.succeed(bytes)))

/** What `careless` appends, which syncs nothing, `process` makes a blob. */
const inChunks = ({ registry }: Process, bytes: Uint8Array, careless: Process) =>
  Effect.gen(function*() {
    const { id } = yield* registry.pushBlobChunked("app")
    const half = bytes.length >> 1
    const first = yield* careless.registry.pushBlobChunkedResume("app", id)
    yield* first.append(0, Stream.succeed(bytes.subarray(0, half)))
    const second = yield* careless.registry.pushBlobChunkedResume("app", id)
    yield* second.append(half, Stream.succeed(bytes.subarray(half)))
    const last = yield* registry.pushBlobChunkedResume("app", id)
    yield* last.commit(digestOf(bytes))
  })

const pushes = { "in one piece": inOnePiece, "in chunks": inChunks }

describe.each(Object.entries(pushes))("a blob that is pushed %s", (_, push) => {
  it("takes the place of what is there, and lasts", async () => {
    const content = fc.constantFrom(
      ...[...blobs, ...goodDocuments].map(({ bytes }) => bytes).filter(({ length }) => length > 0)
    )
    const property = fc.asyncProperty(
      content.chain((bytes) => fc.tuple(fc.constant(bytes), leftover(bytes))),
      fc.nat(),
      async ([bytes, left], seed) => {
        const world = new World(new Machine())
        const process = await world.open()
        const careless = await world.open("none")
        // Something else has made the layout before.
        await world.run(process.registry.pushBlob("app", Stream.succeed(Buffer.from("first"))))
        const path = `blobs/sha256/${digestOf(bytes).slice(7)}`
        await leave(world, process, path, left)
        await world.run(push(process, bytes, careless))
        assert.deepStrictEqual(Buffer.from(world.bytes(path) ?? []), Buffer.from(bytes))
        const cut = restarted(crash(world.machine.disk, "adversarial", chanceOf(seed)), { names: 1e6, nowNs: 0n })
        assert.deepStrictEqual(Buffer.from(cut.bytes(path) ?? []), Buffer.from(bytes), "after a power cut")
      }
    )
    await fc.assert(property, { numRuns: runs })
  })
})
