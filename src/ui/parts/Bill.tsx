/** A bill of materials as a table, above its text. */
import type { VNode } from "preact"
import { useMemo, useState } from "preact/hooks"
import { billOf } from "../data/bill.ts"
import { counted } from "../data/format.ts"
import { Rows } from "./Rows.tsx"
import { Search } from "./Search.tsx"
import { Text } from "./Text.tsx"

const rowHeight = 34
const mostRows = 9

export const Bill = ({ text }: { readonly text: string }): VNode | null => {
  const all = useMemo(() => billOf(text), [text])
  const [wanted, setWanted] = useState("")
  if (all === undefined || all.length === 0) return null
  const found = all.filter(({ name }) => name.toLowerCase().includes(wanted.trim().toLowerCase()))
  return (
    <div class="bill">
      <div class="toolbar">
        <strong>{counted(all.length, "package")}</strong>
        <Search label="Filter packages" value={wanted} onInput={setWanted} />
      </div>
      <div class="bill-rows" style={{ height: `${(Math.min(mostRows, Math.max(1, found.length)) + 1) * rowHeight}px` }}>
        <Rows
          items={found}
          height={rowHeight}
          label="Packages"
          role="grid"
          head={
            <>
              <span class="cell name" role="columnheader">Name</span>
              <span class="cell version" role="columnheader">Version</span>
              <span class="cell license" role="columnheader">License</span>
            </>
          }
        >
          {({ license, name, version }) => (
            <>
              <span class="cell name" role="gridcell">
                <Text>{name}</Text>
              </span>
              <span class="cell version" role="gridcell">
                <Text>{version}</Text>
              </span>
              <span class="cell license" role="gridcell">
                <Text>{license}</Text>
              </span>
            </>
          )}
        </Rows>
      </div>
    </div>
  )
}
