/** Files that two images have different. */
import type { VNode } from "preact"
import { sizeOf } from "../data/format.ts"
import { Chip } from "./Chip.tsx"
import { Rows } from "./Rows.tsx"
import { Text } from "./Text.tsx"

export const signs = { added: "+", removed: "−", changed: "~" } as const
export type ChangeKind = keyof typeof signs

interface Changed {
  readonly path: string
  readonly change: ChangeKind
  readonly type: string
  readonly aspects: ReadonlyArray<string>
  readonly from?: number
  readonly to?: number
}

interface Props {
  readonly files: ReadonlyArray<Changed>
  readonly chosen?: string | undefined
  /** Where the lines of a text that differs are shown; nothing where they are not. */
  readonly hrefFor?: (path: string) => string
  readonly onOpen?: (path: string) => void
}

/** Of a row, in CSS pixels. */
export const diffRowHeight = 30

export const changeOfSize = (from: number, to: number): string =>
  to === from ? "the same size" : `${to > from ? "+" : "−"}${sizeOf(Math.abs(to - from))}`

export const DiffRows = ({ chosen, files, hrefFor, onOpen }: Props): VNode => (
  <Rows
    items={files}
    height={diffRowHeight}
    label="Files that differ"
    role="grid"
    onOpen={({ aspects, path }) => aspects.includes("content") ? onOpen?.(path) : undefined}
  >
    {({ aspects, change, from, path, to, type }) => (
      <>
        <span class={`cell sign ${change}`} role="gridcell" aria-label={change}>{signs[change]}</span>
        <span class={path === chosen ? "cell path chosen" : "cell path"} role="gridcell">
          {hrefFor !== undefined && aspects.includes("content")
            ? (
              <a href={hrefFor(path)} tabIndex={-1}>
                <Text>{path}</Text>
              </a>
            )
            : <Text>{path}</Text>}
          {type === "directory" ? "/" : ""}
        </span>
        <span class="cell aspects" role="gridcell">
          {aspects.map((aspect) => <Chip key={aspect}>{aspect}</Chip>)}
        </span>
        <span class="cell size num" role="gridcell">
          {type !== "file" ? "" : from === undefined || to === undefined
            ? sizeOf(from ?? to ?? 0)
            : from === to
            ? sizeOf(to)
            : changeOfSize(from, to)}
        </span>
      </>
    )}
  </Rows>
)
