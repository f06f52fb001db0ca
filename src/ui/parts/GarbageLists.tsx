/** What goes, what stays, and why. */
import type { VNode } from "preact"
import { counted, shortOf, sizeOf } from "../data/format.ts"
import { Chip } from "./Chip.tsx"
import { Rows } from "./Rows.tsx"
import { Text } from "./Text.tsx"
import { Words } from "./Words.tsx"

interface Item {
  readonly kind?: string
  readonly name: string
  readonly bytes: number
  readonly why: string
}

interface Props {
  readonly goes: ReadonlyArray<Item>
  readonly stays: ReadonlyArray<{ readonly why: string; readonly things: number; readonly bytes: number }>
}

const rowHeight = 32
const mostRows = 10

/** Reasons that are shown. */
export const shownReasons = 40

export const GarbageLists = ({ goes, stays }: Props): VNode => {
  const most = stays.reduce((sum, one) => Math.max(sum, one.bytes), 0)
  return (
    <>
      {goes.length === 0 ?
        null :
        (
          <div class="garbage-rows" style={{ height: `${(Math.min(mostRows, goes.length) + 1) * rowHeight}px` }}>
            <Rows
              items={goes}
              height={rowHeight}
              label="What would go"
              role="grid"
              head={
                <>
                  <span class="cell kind" role="columnheader">Goes</span>
                  <span class="cell name" role="columnheader">Name</span>
                  <span class="cell size" role="columnheader">Size</span>
                  <span class="cell why" role="columnheader">Why</span>
                </>
              }
            >
              {({ bytes, kind, name, why }) => (
                <>
                  <span class="cell kind" role="gridcell">
                    {kind === undefined ? null : <Chip>{kind}</Chip>}
                  </span>
                  <span class="cell name" role="gridcell">
                    <code>
                      <Text>{shortOf(name)}</Text>
                    </code>
                  </span>
                  <span class="cell size num" role="gridcell">{sizeOf(bytes)}</span>
                  <span class="cell why" role="gridcell">
                    <Words>{why}</Words>
                  </span>
                </>
              )}
            </Rows>
          </div>
        )}
      {stays.length === 0 ? null : (
        <>
          <h3>What stays, and why</h3>
          <ul class="reasons">
            {stays.slice(0, shownReasons).map(({ bytes, things, why }) => (
              <li key={why}>
                <span class="reason">
                  <Words>{why}</Words>
                </span>
                <span class="bar" aria-hidden="true">
                  <span class="tone-0" style={{ width: `${most === 0 ? 0 : bytes / most * 100}%` }} />
                </span>
                <span class="num">{sizeOf(bytes)}</span>
                <span class="dim num">{counted(things, "thing")}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}
