/** A list of any length of which only what is seen is in the page. */
import type { ComponentChildren, VNode } from "preact"
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"

interface Props<A> {
  readonly items: ReadonlyArray<A>
  /** Of a row, in CSS pixels. */
  readonly height: number
  readonly label: string
  /** `grid` where rows have cells, `tree` where they lie in each other. */
  readonly role: "grid" | "tree" | "listbox"
  readonly children: (item: A, at: number) => ComponentChildren
  /** What a row is to a screen reader, besides its place. */
  readonly rowProps?: (item: A, at: number) => Readonly<Record<string, string | number | boolean>>
  readonly onOpen?: (item: A, at: number) => void
  /** Keys that mean something here besides those that move. */
  readonly onKey?: (key: string, item: A, at: number) => number | undefined
  readonly active?: number
  /** Told of the rows that are seen. */
  readonly onRange?: (first: number, last: number) => void
  /** What stands above the rows, and stays there. */
  readonly head?: ComponentChildren
}

/** Rows beyond what is seen, so that a quick wheel meets no gap. */
const beyond = 8

let ids = 0

const roles = { grid: "row", tree: "treeitem", listbox: "option" } as const

export function Rows<A>(props: Props<A>): VNode {
  const { children, head, height, items, label, onKey, onOpen, onRange, role, rowProps } = props
  const box = useRef<HTMLDivElement>(null)
  const [id] = useState(() => `rows-${++ids}`)
  const [seen, setSeen] = useState({ first: 0, count: 40 })
  const [active, setActive] = useState(props.active ?? -1)
  useEffect(() => {
    if (props.active !== undefined) setActive(props.active)
  }, [props.active])
  const measure = (): void => {
    const element = box.current
    if (element === null) return
    const first = Math.max(0, Math.floor(element.scrollTop / height) - beyond)
    const count = Math.ceil(element.clientHeight / height) + 2 * beyond
    setSeen((before) => before.first === first && before.count === count ? before : { first, count })
  }
  useLayoutEffect(() => {
    measure()
    const watch = new ResizeObserver(measure)
    if (box.current !== null) watch.observe(box.current)
    return () => watch.disconnect()
  }, [height])
  const last = Math.min(items.length, seen.first + seen.count)
  useEffect(() => onRange?.(seen.first, last), [seen.first, last, items])
  const show = (at: number): void => {
    const element = box.current
    if (element === null) return
    setActive(at)
    const room = element.clientHeight - (element.querySelector<HTMLElement>(".rows-head")?.offsetHeight ?? 0)
    if (at * height < element.scrollTop) element.scrollTop = at * height
    else if ((at + 1) * height > element.scrollTop + room) element.scrollTop = (at + 1) * height - room
  }
  const keyed = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget && event.key !== "ArrowDown" && event.key !== "ArrowUp") return
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 0) / height) - 1)
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: items.length - 1
    }
    const item = items[active]
    const to = steps[event.key]
    if (to !== undefined) show(Math.max(0, Math.min(items.length - 1, to)))
    else if (item !== undefined && event.key === "Enter") onOpen?.(item, active)
    else {
      const next = item === undefined ? undefined : onKey?.(event.key, item, active)
      if (next === undefined) return
      show(next)
    }
    event.preventDefault()
  }
  const activeId = active >= seen.first && active < last ? `${id}-${active}` : undefined
  return (
    <div
      ref={box}
      class="rows"
      role={role}
      aria-label={label}
      tabIndex={0}
      onScroll={measure}
      onKeyDown={keyed}
      onFocus={(event) => {
        if (event.target === event.currentTarget && active < 0 && items.length > 0) setActive(0)
      }}
      {...(role === "grid" ? { "aria-rowcount": items.length + (head === undefined ? 0 : 1) } : {})}
      {...(activeId === undefined ? {} : { "aria-activedescendant": activeId })}
    >
      {head === undefined ? null : <div class="rows-head" role="row" aria-rowindex={1}>{head}</div>}
      <div class="rows-all" role="presentation" style={{ height: `${items.length * height}px` }}>
        {items.slice(seen.first, last).map((item, offset) => {
          const at = seen.first + offset
          return (
            <div
              key={at}
              id={`${id}-${at}`}
              class={at === active ? "row active" : "row"}
              role={roles[role]}
              style={{ transform: `translateY(${at * height}px)`, height: `${height}px` }}
              onClick={(event) => {
                setActive(at)
                // What is a link or a button in the row does what it says.
                if (event.target instanceof Element && event.target.closest("a, button, input") === null) {
                  onOpen?.(item, at)
                }
              }}
              {...(role === "grid" ? { "aria-rowindex": at + (head === undefined ? 1 : 2) } : {})}
              {...rowProps?.(item, at)}
            >
              {children(item, at)}
            </div>
          )
        })}
      </div>
    </div>
  )
}
