/** index create, add, remove, prune: several images under one name. */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { parsePlatform } from "../../make/documents/platform.ts"
import {
  changeIndex,
  type IndexChange,
  type IndexImage,
  type IndexOptions,
  makeIndex,
  sparseIndex
} from "../../make/indexes/changeIndex.ts"
import { sourceOf } from "../../ops/refs/copySource.ts"
import { condition } from "../commands/manifest.ts"
import { described } from "../described.ts"
import { Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { report } from "../output.ts"
import { imageFrom } from "../remote/endpoints.ts"
import { makeRemotes, remoteFlags } from "../remote/remotes.ts"
import { locateRef, type Named, type Where } from "../target.ts"
import { changing, editsOf, made, madeOf, naming, newTarget, pairsOf, referrers } from "./made.ts"

const images = Argument.String("image").pipe(
  Argument.withMetavar("image"),
  Argument.withDescription(
    "PATH/repository:tag or docker://HOST/REPOSITORY:TAG, and =OS/ARCH[/VARIANT] to say its platform"
  ),
  Argument.variadic({ min: 1 })
)

const annotations = f.several("annotation", "KEY=VALUE", "An annotation of the index; repeat for several")

type RemoteFlags = Parameters<typeof makeRemotes>[0]

const imagesOf = Effect.fnUntraced(function*(where: Where, remote: RemoteFlags, texts: ReadonlyArray<string>) {
  const remotes = yield* makeRemotes(remote)
  return yield* Effect.forEach(
    texts,
    Effect.fnUntraced(function*(text) {
      const [, reference = text, stated] = /^(.+)=([^=]+)$/su.exec(text) ?? []
      const platform = stated === undefined ? undefined : parsePlatform(stated)
      if (stated !== undefined && platform === undefined) {
        return yield* Effect.fail(new Mistake(`${stated} is no platform; write OS/ARCH[/VARIANT]`))
      }
      const { source } = yield* imageFrom(where, remotes, reference, { at: Option.none(), platform: undefined })
      return { source, platform } satisfies IndexImage
    })
  )
})

const create = Command.make("create", {
  reference: f.argument("reference", "PATH/repository[:tag]"),
  images,
  annotations,
  docker: f.off("docker", "A manifest list of Docker, for clients that know no other"),
  tags: f.several("tag", "TAG", "A further tag; repeat for several"),
  condition,
  where: f.writing,
  remote: remoteFlags,
  wanted: f.wanted
}, ({ annotations, condition, docker, images, reference, remote, tags, wanted, where }) =>
  report(
    made,
    wanted,
    Effect.gen(function*() {
      const target = yield* newTarget(where, reference, { tags, condition })
      const options: IndexOptions = {
        annotations: yield* pairsOf("--annotation", annotations),
        mediaTypes: docker ? "docker" : "oci"
      }
      return madeOf(target.repository, yield* makeIndex(target, yield* imagesOf(where, remote, images), options))
    })
  )).pipe(
    described(
      "Make an index of images",
      "In their order, each for the platform that its config states. Of an index, its images are named. What the " +
        "repository has not is brought along.",
      [
        ["index create ./images/app:1.0 ./images/app:1.0-amd64 ./images/app:1.0-arm64", "Two images of the repository"],
        ["index create ./images/app:1.0 docker://registry.example.com/app:1.0 ./images/app:riscv", "And one more"]
      ]
    )
  )

/** Makes another index of what a reference names. */
const change = Effect.fnUntraced(function*(
  target: Named,
  given: Parameters<typeof changing>[1],
  change: IndexChange,
  options: IndexOptions
) {
  const { found, repository, tags } = yield* changing(target, given)
  const to = { registry: target.registry, repository, tags }
  return madeOf(repository, yield* changeIndex(sourceOf(found), to, change, options))
})

const flags = { reference: f.reference, ...naming, where: f.writing, wanted: f.wanted }

const stays = "The index stays as it is, and so do tags, unless --tag or --replace says otherwise."

const add = Command.make(
  "add",
  { ...flags, images, annotations, referrers, remote: remoteFlags },
  ({ annotations, images, reference, referrers, remote, wanted, where, ...naming }) =>
    report(
      made,
      wanted,
      Effect.gen(function*() {
        const edits = { annotations: yield* editsOf("--annotation", annotations), referrers }
        const added = yield* imagesOf(where, remote, images)
        return yield* change(yield* locateRef(where, reference), naming, { add: added }, edits)
      })
    )
).pipe(
  described("Make an index with more images of one", stays, [
    ["index add ./images/app:1.0 ./images/app:1.0-riscv64 --replace", "The tag moves to it"]
  ])
)

const remove = Command.make("remove", {
  ...flags,
  entries: Argument.String("entry").pipe(
    Argument.withMetavar("entry"),
    Argument.withDescription("A digest, which may be shortened to 12 digits, or OS/ARCH[/VARIANT]"),
    Argument.variadic({ min: 1 })
  ),
  annotations,
  referrers
}, ({ annotations, entries, reference, referrers, wanted, where, ...naming }) =>
  report(
    made,
    wanted,
    Effect.gen(function*() {
      const edits = { annotations: yield* editsOf("--annotation", annotations), referrers }
      return yield* change(yield* locateRef(where, reference), naming, { remove: entries }, edits)
    })
  )).pipe(
    described("Make an index with fewer images of one", `Attestations go with the images that they are of. ${stays}`, [
      ["index remove ./images/app:1.0 linux/s390x --replace", "All that is for a platform"]
    ])
  )

const prune = Command.make("prune", {
  ...flags,
  platforms: Flag.String("platform").pipe(
    Flag.withMetavar("OS/ARCH[/VARIANT]"),
    Flag.withDescription("A platform that stays; repeat for several"),
    Flag.atLeast(1)
  ),
  annotations,
  referrers,
  sparseTo: f.text(
    "sparse-to",
    "REFERENCE",
    "Store the index as it is in another layout, PATH/repository:tag, with these images alone"
  )
}, ({ annotations, platforms, reference, referrers, sparseTo, wanted, where, ...naming }) =>
  report(
    made,
    wanted,
    Effect.gen(function*() {
      const target = yield* locateRef(where, reference)
      const edits = { annotations: yield* editsOf("--annotation", annotations), referrers }
      if (Option.isNone(sparseTo)) return yield* change(target, naming, { platforms }, edits)
      if (naming.replace || referrers || annotations.length > 0) {
        return yield* Effect.fail(
          new Mistake("--sparse-to keeps the index as it is: --replace, --referrers and --annotation do not go with it")
        )
      }
      const to = yield* newTarget(where, sparseTo.value, naming)
      const { found } = yield* changing(target, { ...naming, tags: [] })
      return madeOf(to.repository, yield* sparseIndex(sourceOf(found), to, platforms))
    })
  )).pipe(
    described(
      "Make an index for some platforms of one",
      "A new index has the images for these platforms, what attests them, and the digest of the one that it was made of. " +
        "With --sparse-to the index keeps its digest, and so its signatures, and a layout has only some of its images. " +
        stays,
      [
        ["index prune ./images/app:1.0 --platform linux/amd64 --replace", "A smaller index under the same tag"],
        ["index prune ./images/app:1.0 --platform linux/arm64 --sparse-to ./edge/app:1.0", "The same index, in part"]
      ]
    )
  )

export const index = Command.make("index").pipe(
  Command.withDescription("Make indexes: several images under one name"),
  Command.withSubcommands([create, add, remove, prune])
)
