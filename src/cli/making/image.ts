/** image build, append, mutate, rebase, flatten. */
import { Effect, Option } from "effect"
import { Argument, Command } from "effect/cli"
import { flattenImage } from "../../make/images/flattenImage.ts"
import { buildImage } from "../../make/images/makeImage.ts"
import { mutateImage } from "../../make/images/mutateImage.ts"
import { rebaseImage } from "../../make/images/rebaseImage.ts"
import { layerMaker } from "../../node/index.ts"
import { sourceOf } from "../../ops/refs/copySource.ts"
import { condition } from "../commands/manifest.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { report } from "../output.ts"
import { imageFrom } from "../remote/endpoints.ts"
import { makeRemotes, remoteFlags } from "../remote/remotes.ts"
import { locateRef } from "../target.ts"
import {
  compressFlags,
  compressingOf,
  created,
  createdNow,
  editOf,
  layerFlags,
  layersOf,
  platformOf,
  settingFlags
} from "./imageFlags.ts"
import { changing, made, madeOf, naming, newTarget, referrers } from "./made.ts"

const inputs = (min: number) =>
  Argument.String("input").pipe(
    Argument.withMetavar("folder|tar"),
    Argument.withDescription("A folder, or a tar, compressed or not; - is a tar on standard input. One layer each"),
    Argument.variadic({ min })
  )

const platform = f.text("platform", "OS/ARCH[/VARIANT]", "Of an index, the image for this platform")

const build = Command.make("build", {
  reference: f.argument("reference", "PATH/repository[:tag]"),
  inputs: inputs(0),
  base: f.text("base", "REFERENCE", "The image below: PATH/repository:tag or docker://HOST/REPOSITORY:TAG"),
  platform: f.text("platform", "OS/ARCH[/VARIANT]", "What it is for, linux/amd64 by default; of a base, which one"),
  ...layerFlags,
  ...compressFlags,
  ...settingFlags,
  created: createdNow,
  tags: f.several("tag", "TAG", "A further tag; repeat for several"),
  condition,
  where: f.writing,
  remote: remoteFlags,
  wanted: f.wanted
}, ({ base, condition, inputs, platform, reference, remote, tags, wanted, where, ...given }) =>
  report(
    made,
    wanted,
    Effect.gen(function*() {
      const edit = yield* editOf(given)
      const wantedPlatform = yield* platformOf(platform)
      const layers = yield* layersOf(inputs, { ...given, created: edit.created })
      const target = yield* newTarget(where, reference, { tags, condition })
      const compressing = compressingOf(given)
      if (Option.isNone(base)) {
        const image = { ...edit, platform: wantedPlatform, layers, compressing }
        return madeOf(target.repository, yield* buildImage(target, layerMaker, {}, image))
      }
      const remotes = yield* makeRemotes(remote)
      const basePlatform = Option.getOrUndefined(platform)
      const { source } = yield* imageFrom(where, remotes, base.value, { at: Option.none(), platform: basePlatform })
      const image = { ...edit, layers, compressing }
      return madeOf(
        target.repository,
        yield* buildImage(target, layerMaker, { base: source, basePlatform }, image)
      )
    })
  )).pipe(
    described(
      "Build an image of folders and tars",
      "Each becomes a layer, on a base or on nothing. Names are in the order of their bytes, files are root's, and nothing " +
        "says when it was made unless --created or SOURCE_DATE_EPOCH does: same files, same digest.",
      [
        ["image build ./images/example/site:1.0 ./public --to /srv --entrypoint /bin/serve", "A folder"],
        ["image build ./images/example/app:1.0 ./root --base docker://docker.io/library/alpine:3", "On a base"],
        ["image build ./images/example/app:1.0 layer.tar --compress zstd --level 19", "A tar as it is"]
      ]
    )
  )

const changed = { reference: f.reference, ...naming, platform, where: f.writing, wanted: f.wanted }

const whole = "Of an index, each of its images is changed, and its attestations go along."

const stays = "The image stays as it is, and so do tags, unless --tag or --replace says otherwise."

/** For commands that change a whole index. */
const all = {
  ...changed,
  platform: f.text("platform", "OS/ARCH[/VARIANT]", "Of an index, the image for this platform alone; all by default"),
  referrers
}

const whichOf = (platform: Option.Option<string>, referrers: boolean) => ({
  platform: Option.getOrUndefined(platform),
  referrers
})

const append = Command.make("append", {
  ...all,
  inputs: inputs(1),
  ...layerFlags,
  ...compressFlags,
  ...settingFlags,
  created: createdNow
}, ({ condition, inputs, platform, reference, referrers, replace, tags, wanted, where, ...given }) =>
  report(
    made,
    wanted,
    Effect.gen(function*() {
      const edit = yield* editOf(given)
      const layers = yield* layersOf(inputs, { ...given, created: edit.created })
      const to = yield* changing(yield* locateRef(where, reference), { condition, replace, tags })
      const image = { ...edit, layers, compressing: compressingOf(given) }
      return madeOf(
        to.repository,
        yield* mutateImage(sourceOf(to.found), targetOf(to), layerMaker, image, whichOf(platform, referrers))
      )
    })
  )).pipe(
    described("Make an image with more layers", `Of folders and tars, on top of those that it has. ${whole} ${stays}`, [
      ["image append ./images/example/app:1.0 ./patch --tag 1.0.1", "A folder"]
    ])
  )

const mutate = Command.make(
  "mutate",
  {
    ...all,
    ...settingFlags,
    created,
    setPlatform: f.text("set-platform", "OS/ARCH[/VARIANT]", "What its config says it is for"),
    ...compressFlags,
    recompress: f.off("recompress", "Compress all layers anew; their tars stay the same")
  },
  ({ condition, platform, recompress, reference, referrers, replace, setPlatform, tags, wanted, where, ...given }) =>
    report(
      made,
      wanted,
      Effect.gen(function*() {
        const compressing = compressingOf(given)
        const edit = {
          ...(yield* editOf(given)),
          platform: yield* platformOf(setPlatform),
          compressing,
          recompress: recompress || compressing !== undefined
        }
        const to = yield* changing(yield* locateRef(where, reference), { condition, replace, tags })
        return madeOf(
          to.repository,
          yield* mutateImage(sourceOf(to.found), targetOf(to), layerMaker, edit, whichOf(platform, referrers))
        )
      })
    )
).pipe(
  described(
    "Make an image with other settings",
    "What is asked is changed, and everything else is as it was. --compress and --level compress its layers anew. " +
      `${whole} --annotation is then of the index. ${stays}`,
    [
      ["image mutate ./images/example/app:1.0 --env LOG=debug --user 1000 --replace", "The tag moves to it"],
      ["image mutate ./images/example/app:1.0 --media-types oci --compress zstd --tag zstd", "For newer clients"]
    ]
  )
)

const rebase = Command.make("rebase", {
  ...changed,
  from: f.required("from", "REFERENCE", "The base that it has"),
  to: f.required("to", "REFERENCE", "The base that it is to have: PATH/repository:tag or docker://HOST/REPOSITORY:TAG"),
  remote: remoteFlags
}, ({ condition, from, platform, reference, remote, replace, tags, to: other, wanted, where }) =>
  report(
    made,
    wanted,
    Effect.gen(function*() {
      const remotes = yield* makeRemotes(remote)
      const chosen = Option.getOrUndefined(platform)
      const baseOf = (text: string) => imageFrom(where, remotes, text, { at: Option.none(), platform: chosen })
      const bases = { from: (yield* baseOf(from)).source, to: (yield* baseOf(other)).source, name: nameOf(other) }
      const to = yield* changing(yield* locateRef(where, reference), { condition, replace, tags })
      return madeOf(
        to.repository,
        yield* rebaseImage(sourceOf(to.found), targetOf(to), layerMaker, bases, {}, chosen)
      )
    })
  )).pipe(
    described(
      "Put an image on another base",
      "Its own layers on top of those of the new base; its settings stay. The new base is noted in its annotations. " +
        `Whether it works there is not looked at. ${stays}`,
      [
        ["image rebase ./images/example/app:1.0 --from ./images/base:1 --to ./images/base:2 --tag 1.0-2", "A new base"]
      ]
    )
  )

const flatten = Command.make("flatten", {
  ...changed,
  ...compressFlags,
  ...settingFlags,
  created
}, ({ condition, platform, reference, replace, tags, wanted, where, ...given }) =>
  report(
    made,
    wanted,
    Effect.gen(function*() {
      const edit = { ...(yield* editOf(given)), compressing: compressingOf(given) }
      const to = yield* changing(yield* locateRef(where, reference), { condition, replace, tags })
      return madeOf(
        to.repository,
        yield* flattenImage(sourceOf(to.found), targetOf(to), layerMaker, edit, Option.getOrUndefined(platform))
      )
    })
  )).pipe(
    described(
      "Make an image of one layer",
      `What a container of the image sees: what later layers delete or replace is gone. ${stays}`,
      [
        ["image flatten ./images/example/app:1.0 --tag flat", "With all of its settings"]
      ]
    )
  )

const targetOf = ({ repository, tags, target: { registry } }: Effect.Success<ReturnType<typeof changing>>) => ({
  registry,
  repository,
  tags
})

/** What a base is called where others find it: without the path of a layout of this machine. */
const nameOf = (reference: string): string | undefined => /^docker:\/\/(.+)$/u.exec(reference)?.[1]

export const image = Command.make("image").pipe(
  Command.withDescription("Build images, and make other images of them"),
  Command.withSubcommands([build, append, mutate, rebase, flatten])
)
