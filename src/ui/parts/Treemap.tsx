/** Areas as large as what they stand for, in each other; a click goes into one. */
import { hierarchy, treemap, treemapSquarify } from "d3-hierarchy"
import type { VNode } from "preact"
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks"
import { plainOf } from "../data/odd.ts"
import { Text } from "./Text.tsx"

export interface Area {
  readonly name: string
  /** In bytes; of what has others in it, theirs together. */
  readonly size: number
  readonly children: ReadonlyArray<Area>
  /** Which colour it has, from 0. */
  readonly tone: number
  /** How it is drawn. */
  readonly form: "group" | "unique" | "shared"
  /** What is said of it in full. */
  readonly title: string
  readonly href?: string
}

interface Props {
  readonly area: Area
  readonly label: string
  readonly onOpen: (area: Area) => void
}

/** Smaller areas are not drawn. */
const leastPixels = 3

export const Treemap = ({ area, label, onOpen }: Props): VNode => {
  const box = useRef<HTMLDivElement>(null)
  const [size, setSize] = useState({ width: 0, height: 0 })
  useLayoutEffect(() => {
    const measure = (): void => {
      const { clientHeight = 0, clientWidth = 0 } = box.current ?? {}
      setSize((before) =>
        before.width === clientWidth && before.height === clientHeight
          ? before
          : { width: clientWidth, height: clientHeight }
      )
    }
    measure()
    const watch = new ResizeObserver(measure)
    if (box.current !== null) watch.observe(box.current)
    return () => watch.disconnect()
  }, [])
  const nodes = useMemo(() => {
    if (size.width === 0) return []
    const root = hierarchy(area, ({ children }) => children).sum(({ children, size }) =>
      children.length === 0 ? size : 0
    )
      // oxlint-disable-next-line unicorn/no-array-sort -- it is a hierarchy that is sorted, and no array
      .sort((a, b) => (b.value ?? 0) - (a.value ?? 0))
    const laid = treemap<Area>().size([size.width, size.height]).paddingInner(2).paddingTop((node) =>
      node.depth === 0 ? 0 : 22
    )
      .paddingRight((node) => node.depth === 0 ? 0 : 3).paddingBottom((node) => node.depth === 0 ? 0 : 3).paddingLeft((
        node
      ) => node.depth === 0 ? 0 : 3).tile(treemapSquarify.ratio(1.3)).round(true)(root)
    return laid.descendants().filter(({ depth, x0, x1, y0, y1 }) =>
      depth > 0 && depth < 4 && x1 - x0 >= leastPixels && y1 - y0 >= leastPixels
    )
  }, [area, size])
  return (
    <div ref={box} class="treemap" role="group" aria-label={label}>
      {nodes.map(({ data, depth, x0, x1, y0, y1 }, at) => (
        <button
          key={at}
          type="button"
          class={`area ${data.form} tone-${data.tone % 8} depth-${depth}`}
          style={{ left: `${x0}px`, top: `${y0}px`, width: `${x1 - x0}px`, height: `${y1 - y0}px` }}
          title={plainOf(data.title)}
          aria-label={plainOf(data.title)}
          // Only what is large enough to be seen is a step of the keyboard.
          tabIndex={x1 - x0 > 40 && y1 - y0 > 18 ? 0 : -1}
          onClick={() => onOpen(data)}
        >
          {x1 - x0 > 46 && y1 - y0 > 17
            ? (
              <span class="area-name">
                <Text>{data.name}</Text>
              </span>
            )
            : null}
        </button>
      ))}
    </div>
  )
}
