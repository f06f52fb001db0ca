/** What two images have different, as `oci_diff` tells of it. */
import type { VNode } from "preact"
import { counted, countOf } from "../data/format.ts"
import { diffRowHeight, DiffRows } from "../parts/DiffRows.tsx"
import { Empty } from "../parts/Notice.tsx"
import type { Compared } from "./outputs.ts"

const mostRows = 14

/** The sizes are those of what was, and is, a file. */
const fileOf = ({ aspects = [], change, path, sizes = [] }: Compared["changes"][number]) => {
  const [first, second] = sizes
  const before = change === "added" ? undefined : first
  const after = change === "added" ? first : second
  return {
    path,
    change,
    aspects,
    type: first === undefined ? "other" : "file",
    ...(before === undefined ? {} : { from: before }),
    ...(after === undefined ? {} : { to: after })
  }
}

export const ComparedCard = ({ compared: { changes, next_start_after, shared_layers } }: {
  readonly compared: Compared
}): VNode => (
  <section class="card">
    <h2>
      Files that differ
      <span class="count">{countOf(changes.length)}{next_start_after === undefined ? "" : "+"}</span>
      <span class="grow" />
      <span class="dim">
        {shared_layers === 0 ? "no layer in common" : `the first ${counted(shared_layers, "layer")} in common`}
      </span>
    </h2>
    {changes.length === 0 ?
      <Empty title="All files are the same" /> :
      (
        <div class="diff-files" style={{ height: `${Math.min(mostRows, changes.length) * diffRowHeight + 2}px` }}>
          <DiffRows files={changes.map(fileOf)} />
        </div>
      )}
  </section>
)
