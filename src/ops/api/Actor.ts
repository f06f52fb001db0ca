/** Who asks: it is recorded with every commit. */
import { Context } from "effect"

/** `mcp:<client>`, `cli:<user>`, `http:<user>`, or `library`; commits that take in another tool's change have the actor `foreign`. */
export const Actor: Context.Reference<string> = Context.Reference<string>("ocilayout/ops/Actor", {
  defaultValue: () => "library"
})
