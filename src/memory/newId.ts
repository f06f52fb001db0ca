/** Unique names. */
import { Effect, Random } from "effect"
import { isUploadId, type UploadId } from "../layout/Upload.ts"

const digit = Effect.map(Random.nextIntBetween(0, 15), (value) => value.toString(16))

export const newId: Effect.Effect<UploadId> = Effect.flatMap(
  Effect.all(Array.from({ length: 32 }, () => digit)),
  (digits) => {
    const id = digits.join("")
    return isUploadId(id) ? Effect.succeed(id) : Effect.die(`no upload id: ${id}`)
  }
)
