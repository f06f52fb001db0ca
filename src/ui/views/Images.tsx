/** Repositories, and the tags of one. */
import type { VNode } from "preact"
import { useMemo, useState } from "preact/hooks"
import type { Repositories } from "../../http/ui/answers.ts"
import { counted, countOf } from "../data/format.ts"
import { go } from "../data/route.ts"
import { useAnswer } from "../data/useAnswer.ts"
import { Chip } from "../parts/Chip.tsx"
import { Answered, Empty } from "../parts/Notice.tsx"
import { Rows } from "../parts/Rows.tsx"
import { Search } from "../parts/Search.tsx"
import { Text } from "../parts/Text.tsx"
import { TagList } from "./TagList.tsx"

type Repository = Repositories["repositories"][number]

export const Images = ({ repository }: { readonly repository: string | undefined }): VNode => {
  const repositories = useAnswer("repositories", {})
  return (
    <Answered of={repositories} what="reading the repositories">
      {({ repositories: all }) => {
        const shown = all.find(({ name }) => name === repository) ?? (repository === undefined ? all[0] : undefined)
        return all.length === 0
          ? (
            <Empty title="Nothing here yet" isPage>
              The first push makes a repository, and it appears here at once.
            </Empty>
          )
          : (
            <div class={repository === undefined ? "split at-list" : "split at-detail"}>
              <Side repositories={all} chosen={shown?.name} />
              {shown === undefined
                ? (
                  <Empty title="There is no such repository" isPage>
                    <Text>{repository ?? ""}</Text>
                  </Empty>
                )
                : <TagList key={shown.name} repository={shown} />}
            </div>
          )
      }}
    </Answered>
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
      {found.length === 0 ? <Empty title="None of that name" /> : (
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
