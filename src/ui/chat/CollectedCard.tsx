/** What a collection frees, as `oci_gc` tells of it. */
import type { VNode } from "preact"
import { counted, sizeOf } from "../data/format.ts"
import { GarbageLists } from "../parts/GarbageLists.tsx"
import type { Collected } from "./outputs.ts"

export const CollectedCard = ({ collected: { bytes, done, examples, kept, omitted = 0 } }: {
  readonly collected: Collected
}): VNode => (
  <section class="card">
    <p class="headline">
      <strong class="num">{sizeOf(bytes)}</strong>
      <span class="dim">
        {done ? "were freed" : "could be freed"}
        {omitted === 0 ? "" : `; ${counted(omitted, "more thing")} beside these`}
      </span>
    </p>
    <GarbageLists goes={examples} stays={kept} />
  </section>
)
