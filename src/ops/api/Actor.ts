/** Who asks: it is recorded with every commit. */
import { Context } from "effect"

/**
 * Who makes the changes, as the history tells it: `mcp:<client>`, `cli:<user>`, `http:<user>`, and `library` by default.
 * A program says who it is with `Effect.provideService(Actor, "ci:release")`. Commits that take in what another tool has
 * done have the actor `foreign`, whatever program it was.
 */
export const Actor: Context.Reference<string> = Context.Reference<string>("ocilayout/ops/Actor", {
  defaultValue: () => "library"
})
