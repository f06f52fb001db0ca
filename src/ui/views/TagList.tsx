/** The tags of a repository: filter, sort, and what each leads to. */
import type { VNode } from "preact"
import { useEffect, useMemo, useState } from "preact/hooks"
import type { Detail } from "../../http/ui/answers.ts"
import { counted, countOf, sizeOf } from "../data/format.ts"
import { go, hrefOf } from "../data/route.ts"
import { detailOf, type Move, type Tag, useDetailBeat, useTags, wantDetails } from "../data/tags.ts"
import { useAnswer } from "../data/useAnswer.ts"
import { Chip } from "../parts/Chip.tsx"
import { Digest } from "../parts/Digest.tsx"
import { Icon } from "../parts/Icon.tsx"
import { Empty, Failed, Waiting } from "../parts/Notice.tsx"
import { Rows } from "../parts/Rows.tsx"
import { Search } from "../parts/Search.tsx"
import { Text } from "../parts/Text.tsx"
import { Time } from "../parts/Time.tsx"

const columns = [
  ["tag", "Tag"],
  ["digest", "Digest"],
  ["platforms", "Platforms"],
  ["size", "Size"],
  ["built", "Built"],
  ["moved", "Moved"]
] as const
type Column = typeof columns[number][0]

interface Row extends Tag {
  readonly detail: Detail | undefined
  readonly move: Move | undefined
}

/** What rows are sorted by; what is not known comes last. */
const keyOf = (column: Column, { detail, digest, move, tag }: Row): string | number | undefined => {
  switch (column) {
    case "tag":
      return tag
    case "digest":
      return digest
    case "platforms":
      return detail?.platforms.join(" ")
    case "size":
      return detail?.size
    case "built":
      return detail?.created
    case "moved":
      return move?.time
  }
}

const natural = new Intl.Collator("en", { numeric: true })

const compare = (a: string | number | undefined, b: string | number | undefined, isTag: boolean): number => {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1
  if (isTag) return natural.compare(String(a), String(b))
  return a < b ? -1 : a > b ? 1 : 0
}

const needsDetails = (column: Column): boolean => column === "platforms" || column === "size" || column === "built"

/** So many are looked at whether they are seen or not. */
const looksAtAll = 2000

const rowHeight = 46

export const TagList = ({ name }: { readonly name: string }): VNode => {
  const { failure, isComplete, tags } = useTags(name)
  const moves = useAnswer("moves", isComplete ? { repository: name } : undefined)
  const detailBeat = useDetailBeat()
  const [wanted, setWanted] = useState("")
  const [sort, setSort] = useState<{ readonly column: Column; readonly down: boolean }>({ column: "tag", down: false })
  const [picked, setPicked] = useState<string>()
  const moved = useMemo(() => new Map(moves.value?.moves.map((move) => [move.tag, move])), [moves.value])
  const byDetail = needsDetails(sort.column) || /^\w+\/\w+/u.test(wanted)
  const rows = useMemo(() => {
    const all = tags.map((tag): Row => ({ ...tag, detail: detailOf(name, tag.digest), move: moved.get(tag.tag) }))
    const text = wanted.trim().toLowerCase()
    const found = text === ""
      ? all
      : all.filter(({ detail, digest, tag }) =>
        tag.toLowerCase().includes(text) || digest.includes(text) ||
        detail?.platforms.some((platform) => platform.includes(text)) === true
      )
    const isTag = sort.column === "tag"
    const sorted = found.toSorted((a, b) => compare(keyOf(sort.column, a), keyOf(sort.column, b), isTag))
    if (!sort.down) return sorted
    const known = sorted.filter((row) => keyOf(sort.column, row) !== undefined)
    return [...known.toReversed(), ...sorted.slice(known.length)]
  }, [tags, moved, wanted, sort, byDetail || tags.length <= looksAtAll ? detailBeat : 0])
  useEffect(() => {
    if (isComplete && (byDetail || tags.length <= looksAtAll)) wantDetails(name, tags.map(({ digest }) => digest))
  }, [isComplete, byDetail, tags, name])
  if (failure !== undefined) return <Failed message={failure} />
  return (
    <section class="pane" aria-labelledby="repository-name">
      <header class="pane-head">
        <a class="back" href={hrefOf("images")}>Repositories</a>
        <h1 id="repository-name">
          <Text>{name}</Text>
        </h1>
        <span class="dim">{isComplete ? counted(tags.length, "tag") : "reading…"}</span>
        <span class="grow" />
        <a class="button small" href={hrefOf("history", { repository: name })}>
          <Icon name="history" /> History
        </a>
      </header>
      <div class="toolbar">
        <Search label="Filter by tag, digest or platform" value={wanted} onInput={setWanted} isMain />
        {wanted === "" ? null : <span class="dim" role="status">{countOf(rows.length)} of {countOf(tags.length)}</span>}
        {picked === undefined ? null : (
          <span class="picked">
            <Chip tone="accent">
              <Text>{picked}</Text>
            </Chip>{" "}
            compare with…
            <button type="button" class="quiet" aria-label="compare nothing" onClick={() => setPicked(undefined)}>
              <Icon name="close" />
            </button>
          </span>
        )}
      </div>
      {tags.length === 0 && !isComplete ? <Waiting what="reading the tags" /> : rows.length === 0
        ? <Empty title={tags.length === 0 ? "No tags" : "Nothing fits"} />
        : (
          <Rows
            items={rows}
            height={rowHeight}
            label={`Tags of ${name}`}
            role="grid"
            head={columns.map(([column, title]) => (
              <Head
                key={column}
                column={column}
                title={title}
                down={sort.column === column ? sort.down : undefined}
                onSort={() => setSort((before) => ({ column, down: before.column === column && !before.down }))}
              />
            ))}
            onRange={(first, last) => wantDetails(name, rows.slice(first, last).map(({ digest }) => digest))}
            onOpen={({ tag }) => go("image", { repository: name, reference: tag })}
            onKey={(key, { tag }, at) => {
              if (key !== "c") return undefined
              compareWith(name, picked, tag, setPicked)
              return at
            }}
          >
            {(row) => <Cells repository={name} row={row} picked={picked} onPick={setPicked} />}
          </Rows>
        )}
    </section>
  )
}

/** The first of the two that are compared, or the second. */
const compareWith = (
  repository: string,
  picked: string | undefined,
  tag: string,
  onPick: (tag: string | undefined) => void
): void => {
  if (picked === undefined) onPick(tag)
  else if (picked !== tag) {
    go("diff", { repository1: repository, reference1: picked, repository2: repository, reference2: tag })
  }
}

const Head = ({ column, down, onSort, title }: {
  readonly column: Column
  readonly title: string
  readonly down: boolean | undefined
  readonly onSort: () => void
}): VNode => (
  <span
    class={`cell ${column}`}
    role="columnheader"
    aria-sort={down === undefined ? "none" : down ? "descending" : "ascending"}
  >
    <button type="button" class="sort" onClick={onSort}>
      {title}
      <span aria-hidden="true">{down === undefined ? "" : down ? " ↓" : " ↑"}</span>
    </button>
  </span>
)

const shownPlatforms = 2

const Cells = ({ onPick, picked, repository, row: { detail: before, digest, move, tag } }: {
  readonly repository: string
  readonly row: Row
  readonly picked: string | undefined
  readonly onPick: (tag: string | undefined) => void
}): VNode => {
  const detail = before ?? detailOf(repository, digest)
  const platforms = detail?.platforms ?? []
  return (
    <>
      <span class="cell tag" role="gridcell">
        <a href={hrefOf("image", { repository, reference: tag })} tabIndex={-1}>
          <Text>{tag}</Text>
        </a>
        {picked === tag ? null : (
          <button
            type="button"
            class="quiet hover"
            tabIndex={-1}
            aria-label={picked === undefined ? "compare" : "compare with this"}
            title={picked === undefined ? "compare with another tag (c)" : `compare ${picked} with this`}
            onClick={() => compareWith(repository, picked, tag, onPick)}
          >
            <Icon name="diff" />
          </button>
        )}
      </span>
      <span class="cell digest" role="gridcell">
        <Digest>{digest}</Digest>
      </span>
      <span class="cell platforms" role="gridcell" title={platforms.join(", ")}>
        {platforms.slice(0, shownPlatforms).map((platform) => (
          <Chip key={platform}>
            <Text>{platform}</Text>
          </Chip>
        ))}
        {platforms.length > shownPlatforms ? <Chip>+{platforms.length - shownPlatforms}</Chip> : null}
        {detail?.kind === "artifact" ? <Chip tone="accent">artifact</Chip> : null}
        {detail !== undefined && detail.kind === undefined ? <Chip tone="bad">cannot be read</Chip> : null}
      </span>
      <span class="cell size num" role="gridcell">
        {detail === undefined ? <span class="ghost" /> : detail.size === undefined ? "" : sizeOf(detail.size)}
      </span>
      <span class="cell built" role="gridcell">
        {detail?.created === undefined ? "" : <Time>{detail.created}</Time>}
      </span>
      <span class="cell moved" role="gridcell">
        {move === undefined ? "" : (
          <>
            <Time>{move.time}</Time>{" "}
            <span class="dim actor">
              <Text>{move.actor}</Text>
            </span>
          </>
        )}
      </span>
    </>
  )
}
