/** A large blob on its way in and out, beside the peer and the tools that do nothing but copy or hash. */
import { Effect, type Scope, Stream } from "effect"
import { closeSync, fsyncSync, openSync, rmSync } from "node:fs"
import { join } from "node:path"
import { type Durability, localFiles } from "../../../src/node/index.ts"
import { type ContentDigest, encodedOf } from "../../../src/oci/Digest.ts"
import type { ReadOptions } from "../../../src/ops/api/Content.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import type { Bench, Group } from "../support/Bench.ts"
import { randomFile } from "../support/bigFile.ts"
import { asFast, asMuch, type Case } from "../support/Case.ts"
import { run } from "../support/command.ts"
import { temporaryFolder } from "../support/folders.ts"
import { opened, repository } from "../support/load.ts"
import { type Contestant, type Figures, inTurns, millis, millisOfMany } from "../support/rounds.ts"
import { uploadFile } from "../support/uploadFile.ts"

interface Blob {
  readonly folder: string
  readonly source: string
  readonly digest: ContentDigest
  readonly mebibytes: number
}

/** The range of 4 KiB with this number. */
const rangeOf = (number: number) => ({ offset: number * 4096, end: (number + 1) * 4096 })

const layoutIn = ({ folder }: Blob, durability: Durability): string => join(folder, `layout-${durability}`)

/** Pushed again it would only be verified. */
const forget = (blob: Blob, durability: Durability) =>
  Effect.sync(() => {
    const layout = layoutIn(blob, durability)
    rmSync(join(layout, "blobs", "sha256", encodedOf(blob.digest)), { force: true })
    rmSync(join(layout, ".ocilayout", "leases"), { recursive: true, force: true })
  })

const using = <A>(
  blob: Blob,
  durability: Durability,
  use: (registry: LayoutRegistry) => Effect.Effect<A, unknown, Scope.Scope>
): Effect.Effect<A, unknown> => Effect.scoped(Effect.flatMap(opened(layoutIn(blob, durability), durability), use))

const pushing = (blob: Blob, durability: Durability): Contestant => () =>
  Effect.andThen(
    forget(blob, durability),
    using(blob, durability, (registry) =>
      Effect.map(
        millis(Effect.gen(function*() {
          const { content, size } = yield* localFiles([blob.folder]).read(blob.source)
          yield* registry.pushBlob(repository, content, { digest: blob.digest, size })
        })),
        (time) => ({ [`push ${durability}`]: time })
      ))
  )

const uploading = (blob: Blob, durability: Durability): Contestant => () =>
  Effect.andThen(
    forget(blob, durability),
    using(blob, durability, (registry) =>
      Effect.map(
        millis(uploadFile(blob.source, blob.digest)(registry)),
        (time) => ({ [`chunked ${durability}`]: time })
      ))
  )

const getting = (blob: Blob): Contestant => () =>
  using(
    blob,
    "none",
    Effect.fnUntraced(function*(registry) {
      const drain = (options: ReadOptions) =>
        Effect.scoped(
          Effect.flatMap(registry.getBlob(repository, blob.digest, options), ({ stream }) => Stream.runDrain(stream))
        )
      const verified = yield* millis(drain({ passing: true }))
      const unverified = yield* millis(drain({ verify: false, passing: true }))
      const keptVerified = yield* millis(drain({}))
      const keptUnverified = yield* millis(drain({ verify: false }))
      const ranges = blob.mebibytes * 256
      const range = (number: number) =>
        Effect.scoped(Effect.flatMap(
          registry.getBlobRange(repository, blob.digest, rangeOf(number % ranges)),
          ({ stream }) => Stream.runDrain(stream)
        ))
      // Until the compiler has made of it what it will, as with other short reads.
      yield* millisOfMany(10_000, range)
      return { verified, unverified, keptVerified, keptUnverified, range: yield* millisOfMany(2000, range) }
    })
  )

const hashing = (blob: Blob, has: boolean): Contestant => () =>
  has
    ? Effect.map(millis(run("openssl", ["dgst", "-sha256", blob.source])), (openssl) => ({ openssl }))
    : Effect.succeed({})

const copying = ({ folder, source }: Blob, has: boolean): Contestant => () => {
  if (!has) return Effect.succeed({})
  const copy = join(folder, "copy.bin")
  const copied = Effect.andThen(run("cp", [source, copy]), Effect.sync(() => sync(copy)))
  return Effect.ensuring(
    Effect.map(millis(copied), (cp) => ({ cp })),
    Effect.sync(() => rmSync(copy, { force: true }))
  )
}

const sync = (path: string): void => {
  const file = openSync(path, "r+")
  fsyncSync(file)
  closeSync(file)
}

const measured = Effect.fnUntraced(function*({ has, peer, scale }: Bench) {
  const folder = yield* temporaryFolder
  const source = join(folder, "source.bin")
  const { mebibytes } = scale
  const blob: Blob = { folder, source, mebibytes, digest: yield* randomFile(source, mebibytes) }
  // What others have left to be written must not be written while a contestant is measured.
  const settled = (contestant: Contestant): Contestant => (round) =>
    Effect.andThen(has("sync") ? run("sync", []) : Effect.void, contestant(round))
  const contestants: ReadonlyArray<Contestant> = [
    () => peer({ mebibytes }),
    copying(blob, has("cp")),
    hashing(blob, has("openssl")),
    pushing(blob, "power"),
    uploading(blob, "power"),
    pushing(blob, "none"),
    // What is left of these two is what is got.
    (round) =>
      Effect.flatMap(
        uploading(blob, "none")(round),
        (chunked) => Effect.map(getting(blob)(round), (got) => ({ ...chunked, ...got }))
      )
  ]
  return yield* inTurns(scale.blobRounds, contestants.map(settled))
})

const casesOf = (figures: Figures, mebibytes: number): ReadonlyArray<Case> => {
  const rate = (name: string): number | undefined =>
    figures[name] === undefined ? undefined : mebibytes / figures[name] * 1000
  const micros = (name: string): number | undefined => figures[name] === undefined ? undefined : figures[name] * 1000
  const size = `${mebibytes} MiB`
  const chunked = `upload ${size} in chunks of 8 MiB, committed`
  const unit = "MiB/s"
  return [
    {
      name: `pushBlob ${size} from a file, none`,
      unit,
      ours: rate("push none"),
      peer: rate("peer pushBlob"),
      target: asFast(1, "peer")
    },
    {
      name: `pushBlob ${size} from a file, power; of cp and fsync`,
      unit,
      ours: rate("push power"),
      limit: rate("cp"),
      target: asFast(0.8, "limit")
    },
    {
      name: `${chunked}, none`,
      unit,
      ours: rate("chunked none"),
      peer: rate("peer chunkedUpload"),
      target: asFast(1.5, "peer")
    },
    { name: `${chunked}, power; of cp and fsync`, unit, ours: rate("chunked power"), limit: rate("cp") },
    ...(["passing", "kept"] as const).flatMap((pieces): ReadonlyArray<Case> => [
      {
        name: `getBlob ${size}, verified, pieces ${pieces}; of openssl dgst -sha256`,
        unit,
        ours: rate(pieces === "kept" ? "keptVerified" : "verified"),
        limit: rate("openssl"),
        target: asFast(0.9, "limit")
      },
      {
        name: `getBlob ${size}, unverified, pieces ${pieces}`,
        unit,
        ours: rate(pieces === "kept" ? "keptUnverified" : "unverified"),
        peer: rate("peer getBlob"),
        target: asFast(0.9, "peer")
      }
    ]),
    {
      name: `getBlobRange 4 KiB of ${size}`,
      unit: "µs",
      ours: micros("range"),
      peer: micros("peer getBlobRange"),
      target: asMuch(1.5, "peer")
    }
  ]
}

export const blobs: Group = {
  name: "blobs",
  about: "a large blob on its way in and out",
  run: (bench) => Effect.map(measured(bench), (figures) => casesOf(figures, bench.scale.mebibytes))
}
