/** How an image was built, for `history --build`. */
import { Effect, Option, Schema } from "effect"
import { buildSteps } from "../../image/inside/buildSteps.ts"
import { field } from "../../oci/field.ts"
import { Mistake } from "../Failure.ts"
import type { Screen } from "../terminal/Screen.ts"
import { table } from "../terminal/table.ts"
import { sizeOf } from "../terminal/units.ts"
import { openImage } from "./insideImage.ts"

export const BuildStep = Schema.Struct({
  created_by: Schema.optionalKey(Schema.String),
  created: Schema.optionalKey(Schema.String),
  /** What its layer changes; absent where it made none. */
  changes: Schema.optionalKey(Schema.Struct({
    layer: Schema.Natural,
    digest: Schema.String,
    blob: Schema.Natural,
    files: Schema.Natural,
    added: Schema.Natural,
    replaced: Schema.Natural,
    removed: Schema.Natural
  }))
})

export const shownSteps = (screen: Screen, steps: ReadonlyArray<typeof BuildStep.Type>): string =>
  table(
    screen,
    [
      { title: "LAYER", align: "right" },
      { title: "STORED", align: "right" },
      { title: "FILES", align: "right" },
      { title: "ADDED", align: "right" },
      { title: "REPLACED", align: "right" },
      { title: "REMOVED", align: "right" },
      { title: "STEP", cut: true }
    ],
    steps.map(({ changes, created_by: by = "" }) =>
      changes === undefined ? ["", "", "", "", "", "", by] : [
        String(changes.layer),
        sizeOf(changes.blob),
        sizeOf(changes.files),
        String(changes.added),
        String(changes.replaced),
        String(changes.removed),
        by
      ]
    )
  )

export const stepsOf = Effect.fnUntraced(function*(
  where: Parameters<typeof openImage>[0],
  target: Option.Option<string>,
  platform: Option.Option<string>
) {
  if (Option.isNone(target)) return yield* Effect.fail(new Mistake("--build takes an image: PATH/repository:tag"))
  const image = yield* openImage(where, target.value, { at: Option.none(), platform })
  const steps = yield* Effect.fromResult(buildSteps(image))
  return steps.map(({ createdBy, ...step }) => ({ ...step, ...field("created_by", createdBy) }))
})
