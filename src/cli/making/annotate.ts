/** annotate: other annotations for a manifest. */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { annotate as annotateManifest } from "../../make/artifacts/annotate.ts"
import { sourceOf } from "../../ops/refs/copySource.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { report } from "../output.ts"
import { locateRef } from "../target.ts"
import { changing, editsOf, made, madeOf, naming } from "./made.ts"

export const annotate = Command.make("annotate", {
  reference: f.reference,
  annotations: Argument.String("key=value").pipe(
    Argument.withMetavar("key=value"),
    Argument.withDescription("An annotation; KEY= removes it"),
    Argument.variadic({ min: 1 })
  ),
  ...naming,
  where: f.writing,
  wanted: f.wanted
}, ({ annotations, condition, reference, replace, tags, wanted, where }) =>
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
      const result = yield* annotateManifest(
        sourceOf(found),
        { registry: target.registry, repository, tags: named },
        all
      )
      return madeOf(repository, result)
    })
  )).pipe(
    described(
      "Annotate a manifest",
      "An image, index or artifact with other annotations is another manifest, by another digest; the one that it was " +
        "made of stays, and so do tags, unless --tag or --replace says otherwise.",
      [
        ["annotate ./images/example/app:1.0 org.opencontainers.image.vendor=Example --replace", "The tag moves to it"],
        ["annotate ./images/example/app:1.0 com.example.note= --tag plain", "Without an annotation, as another tag"]
      ]
    )
  )
