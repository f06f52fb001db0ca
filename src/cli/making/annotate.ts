/** annotate: other annotations for a manifest. */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { annotate as annotateManifest } from "../../make/artifacts/annotate.ts"
import { mutateImage } from "../../make/images/mutateImage.ts"
import { layerMaker } from "../../node/index.ts"
import { sourceOf } from "../../ops/refs/copySource.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { report } from "../output.ts"
import { locateRef } from "../target.ts"
import { changing, editsOf, made, madeOf, naming, referrers } from "./made.ts"

export const annotate = Command.make("annotate", {
  reference: f.reference,
  annotations: Argument.String("key=value").pipe(
    Argument.withMetavar("key=value"),
    Argument.withDescription("An annotation; KEY= removes it"),
    Argument.variadic({ min: 1 })
  ),
  images: f.off("images", "Of an index, annotate its images too"),
  referrers,
  ...naming,
  where: f.writing,
  wanted: f.wanted
}, ({ annotations, condition, images, reference, referrers, replace, tags, wanted, where }) =>
  report(
    made,
    wanted,
    Effect.gen(function*() {
      const all = yield* editsOf("key=value", annotations)
      const { found, repository, tags: named, target } = yield* changing(yield* locateRef(where, reference), {
        tags,
        replace,
        condition
      })
      const to = { registry: target.registry, repository, tags: named }
      const source = sourceOf(found)
      const result = images
        ? mutateImage(source, to, layerMaker, { annotations: all }, { annotateImages: true, referrers })
        : annotateManifest(source, to, all, { referrers })
      return madeOf(repository, yield* result)
    })
  )).pipe(
    described(
      "Annotate a manifest",
      "An image, index or artifact with other annotations is another manifest, by another digest; the one that it was " +
        "made of stays, and so do tags, unless --tag or --replace says otherwise.",
      [
        ["annotate ./images/example/app:1.0 org.opencontainers.image.vendor=Example --replace", "The tag moves to it"],
        [
          "annotate ./images/example/app:1.0 com.example.team=web --images --replace",
          "An index, and each of its images"
        ],
        ["annotate ./images/example/app:1.0 com.example.note= --tag plain", "Without an annotation, as another tag"]
      ]
    )
  )
