/** Pins: content that stays when nothing else needs it. */
import { Effect, Schema } from "effect"
import { shortDigest } from "../../oci/Digest.ts"
import { blobRepository, findContent } from "../../ops/refs/find.ts"
import { Allowance } from "../tool/display.ts"
import * as p from "../tool/parameters.ts"
import { defineTool } from "../tool/Tool.ts"

export const pin = defineTool({
  name: "oci_pin",
  toolset: "maintain",
  title: "Keep content",
  description:
    "Pins a manifest with everything it needs, or a blob, so that no oci_gc removes it whatever becomes of its tags; with pinned false lets it go again. Answers with all that is pinned in the repository. Pinning is no change of the index and not in oci_history.",
  hints: p.adding,
  needs: "writing",
  input: Schema.Struct({ ref: p.ref, pinned: p.flag("false unpins", true) }),
  output: Schema.Struct({
    repository: Schema.String,
    digest: Schema.String,
    pinned: Schema.Boolean,
    /** Whether this call made the difference. */
    changed: Schema.Boolean,
    pins: p.strings,
    omitted: p.optional(Schema.Natural)
  }),
  run: Effect.fn("oci_pin")(function*({ pinned, ref }, { layout }) {
    const found = yield* findContent(layout, ref, "auto")
    const { digest } = found.descriptor
    const repository = blobRepository(found)
    const { registry } = layout
    const before = (yield* registry.pins(repository)).some((one) => one.digest === digest)
    if (pinned) yield* registry.pin(repository, digest)
    else yield* registry.unpin(repository, digest)
    const all = yield* registry.pins(repository)
    const pins = new Allowance().take(all.map((one) => shortDigest(one.digest)))
    return {
      repository,
      digest,
      pinned,
      changed: before !== pinned,
      pins,
      ...(pins.length < all.length ? { omitted: all.length - pins.length } : {})
    }
  })
})
