/** bundle: images for a machine without a network, without what it has already. */
import { Effect, Option, Schema } from "effect"
import { Command } from "effect/cli"
import {
  applyBundle,
  type BundleTarget,
  inventoryBytes,
  isArchive,
  openArchive,
  parseInventory
} from "../../archive/index.ts"
import { field } from "../../oci/field.ts"
import { InputUnsuitable, LimitExceeded } from "../../oci/OciError.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import { archiveOptions, requireArchive, writeArchive } from "../archives.ts"
import { described } from "../described.ts"
import { type Failure, Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { open } from "../input.ts"
import { Others, shownLeft } from "../others.ts"
import { type Answer, report } from "../output.ts"
import { makeRemotes, type RemoteFlags, remoteFlags, remoteNamed } from "../remote/remotes.ts"
import { locateDestination, type Where } from "../target.ts"
import { progressOf } from "../terminal/progress.ts"
import { counted, sizeOf } from "../terminal/units.ts"
import { itemsOf, savingFlags } from "./archive.ts"
import { Copied, toldOf } from "./copy.ts"
import { shownTransfers } from "./transfer.ts"

export const BundleCreated = Schema.Struct({
  file: Schema.String,
  images: Schema.Array(Schema.String),
  manifests: Schema.Natural,
  blobs: Schema.Natural,
  size: Schema.Natural,
  base: Schema.Natural,
  base_size: Schema.Natural,
  others: Schema.optionalKey(Others)
})

const created: Answer<typeof BundleCreated.Type> = {
  schema: BundleCreated,
  show: ({ base, base_size, blobs, file, images, manifests, others, size }) =>
    `${file} has ${images.length === 0 ? counted(manifests, "manifest") : images.join(" ")} (${
      counted(manifests, "manifest")
    }, ${counted(blobs, "blob")}, ${sizeOf(size)}) and builds on ${counted(base, "blob")}, ${sizeOf(base_size)}${
      shownLeft(others)
    }`
}

/** Digests of an inventory, or of what a machine has that took in an archive. */
const digestsIn = Effect.fnUntraced(function*(file: string): Effect.fn.Return<ReadonlySet<string>, Failure> {
  return yield* Effect.scoped(Effect.gen(function*() {
    if (file !== "-" && (yield* isArchive(file))) {
      const { base, holds } = yield* openArchive({ file })
      return new Set([...base, ...holds])
    }
    const { content } = yield* open(file)
    const tooLarge = new LimitExceeded({ what: "bytes of an inventory", limit: inventoryBytes })
    const bytes = yield* collectBytes(content, (size) => size > inventoryBytes ? Effect.fail(tooLarge) : Effect.void)
    const digests = parseInventory(bytes)
    return digests._tag === "Success"
      ? digests.success
      : yield* new InputUnsuitable({ input: file, reason: `is no inventory: it ${digests.failure}` })
  }))
})

const create = Command.make("create", {
  ...savingFlags,
  have: f.several(
    "have",
    "INVENTORY",
    "What the other side has: what ocilayout inventory printed there, - for standard input, or an earlier bundle or " +
      "archive that it took in; repeat for several"
  )
}, ({ at, file, have, platform, references, referrers, remote, wanted, where }) =>
  report(
    created,
    // The bytes are the answer.
    { ...wanted, quiet: wanted.quiet || file === "-" },
    Effect.gen(function*() {
      const known = yield* Effect.forEach(have, digestsIn)
      const { images, items, left } = yield* itemsOf(references, { at, platform, remote, where })
      const { baseSize, ...written } = yield* writeArchive(file, items, {
        platform: Option.getOrUndefined(platform),
        referrers,
        have: new Set(known.flatMap((digests) => Array.from(digests)))
      })
      return { ...written, images, base_size: baseSize, ...left }
    })
  )).pipe(
    described(
      "Save images without what the other side has",
      "A tar that is an OCI Image Layout with all manifests, and without the configs and layers that --have names. It " +
        "tells in itself which those are, and can be looked at like any archive.",
      [
        ["bundle create june.tar ./images/team/app:1.6 --have site.txt", "What ocilayout inventory printed there"],
        ["bundle create july.tar ./images/team/app:1.7 --have june.tar", "What an earlier bundle brought there"]
      ]
    )
  )

export const BundleApplied = Schema.Struct({
  file: Schema.String,
  images: Schema.Array(Copied),
  base: Schema.Natural,
  revision: Schema.optionalKey(Schema.Natural)
})

const applied: Answer<typeof BundleApplied.Type> = {
  schema: BundleApplied,
  show: ({ images }) => shownTransfers(images)
}

const targetOf = Effect.fnUntraced(function*(where: Where, remote: RemoteFlags, text: string) {
  const place = yield* remoteNamed(text)
  if (place === undefined) {
    const layout = { ...where, layout: Option.some(text) }
    // The names are those of the bundle.
    return (yield* locateDestination(layout, "any")).registry satisfies BundleTarget
  }
  return place.repository === undefined
    ? (yield* (yield* makeRemotes(remote)).open(place.host)) satisfies BundleTarget
    : yield* Effect.fail(new Mistake(`a bundle says itself which repositories it is for; name docker://${place.host}/`))
})

const apply = Command.make("apply", {
  file: f.argument("file", "A bundle, or - for standard input"),
  to: f.argument("to", "A layout, which is made where there is none, or docker://HOST/"),
  where: f.writing,
  remote: remoteFlags,
  wanted: f.wanted
}, ({ file, remote, to, wanted, where }) =>
  report(
    applied,
    wanted,
    Effect.gen(function*() {
      const place = yield* requireArchive(file)
      const { directory, options } = yield* archiveOptions(place, where.defaultRepository)
      const target: BundleTarget = yield* targetOf(where, remote, to)
      const { base, images, revision } = yield* applyBundle(options, target, {
        onProgress: yield* progressOf("applying")
      })
      return {
        file: directory,
        images: images.map(toldOf),
        base,
        ...field("revision", Option.getOrUndefined(revision))
      }
    })
  )).pipe(
    described(
      "Take in a bundle",
      "Looks first whether all is there that the bundle builds on, and changes nothing where something lacks. Then all of " +
        "its images appear in one commit, under the names that they have in it; tags are moved.",
      [
        ["bundle apply june.tar ./images", "Into a layout"],
        [
          "bundle apply june.tar docker://registry.example.com/",
          "Into a registry on the network, one change after the other"
        ]
      ]
    )
  )

export const bundle = Command.make("bundle").pipe(
  Command.withDescription("Images for a machine without a network, without what it has already"),
  Command.withSubcommands([create, apply])
)
