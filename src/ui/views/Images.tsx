/** Repositories, and the tags of one. */
import type { VNode } from "preact"
import { useMemo, useState } from "preact/hooks"
import type { Repositories } from "../../http/ui/answers.ts"
import { counted, countOf } from "../data/format.ts"
import { go } from "../data/route.ts"
import { useAnswer } from "../data/useAnswer.ts"
import { Chip } from "../parts/Chip.tsx"
import { Empty, Failed, Waiting } from "../parts/Notice.tsx"
import { Rows } from "../parts/Rows.tsx"
import { Search } from "../parts/Search.tsx"
import { Text } from "../parts/Text.tsx"
import { TagList } from "./TagList.tsx"

type Repository = Repositories["repositories"][number]

export const Images = ({ repository }: { readonly repository: string | undefined }): VNode => {
  const { failure, value } = useAnswer("repositories", {})
  const all = value?.repositories
  if (failure !== undefined) return <Failed message={failure} />
  if (all?.length === 0) {
    return (
      <Empty title="Nothing here yet" isPage>The first push makes a repository, and it appears here at once.</Empty>
    )
  }
  const name = repository ?? all?.[0]?.name
  const isThere = all === undefined || all.some((one) => one.name === name)
  return (
    <div class={repository === undefined ? "split at-list" : "split at-detail"}>
      <Side repositories={all ?? []} chosen={name} />
      {name === undefined
        ? <Waiting what="reading the repositories" />
        : isThere
        // The tags are asked for while it is still read which repositories there are.
        ? <TagList key={name} name={name} />
        : (
          <Empty title="There is no such repository" isPage>
            <Text>{name}</Text>
          </Empty>
        )}
    </div>
  )
}

const rowHeight = 44

const Side = ({ chosen, repositories }: {
  readonly repositories: ReadonlyArray<Repository>
  readonly chosen: string | undefined
}): VNode => {
  const [wanted, setWanted] = useState("")
  const found = useMemo(
    () => repositories.filter(({ name }) => name.includes(wanted.trim().toLowerCase())),
    [repositories, wanted]
  )
  return (
    <nav class="side" aria-label="Repositories">
      <div class="side-head">
        <h2>Repositories</h2>
        <Chip>{countOf(repositories.length)}</Chip>
      </div>
      <Search label="Filter repositories" value={wanted} onInput={setWanted} />
      {found.length === 0 ? wanted === "" ? null : <Empty title="None of that name" /> : (
        <Rows
          items={found}
          height={rowHeight}
          label="Repositories"
          role="listbox"
          onOpen={({ name }) => go("images", { repository: name })}
          rowProps={({ name }) => ({ "aria-selected": name === chosen })}
        >
          {({ name, tags }) => (
            <span class={name === chosen ? "side-row chosen" : "side-row"}>
              <span class="side-name">
                <Text>{name}</Text>
              </span>
              <span class="dim num" title={counted(tags, "tag")}>{countOf(tags)}</span>
            </span>
          )}
        </Rows>
      )}
    </nav>
  )
}
