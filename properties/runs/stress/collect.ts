/** Takes all garbage out that nothing holds. */
import { Effect, Option } from "effect"
import type { RegistryError } from "../../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"

export const collect = (registry: LayoutRegistry): Effect.Effect<void, RegistryError> =>
  Effect.gen(function*() {
    const { id } = yield* registry.planGarbage({ grace: 0, undoWindow: 0, untagged: true })
    if (Option.isSome(id)) yield* registry.collectGarbage(id.value)
  })
