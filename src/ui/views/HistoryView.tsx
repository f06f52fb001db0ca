/** What happened to the layout, or to one repository. */
import type { VNode } from "preact"
import { hrefOf, replace } from "../data/route.ts"
import { useSession } from "../data/session.ts"
import { useAnswer } from "../data/useAnswer.ts"
import { useHistory } from "../data/usePages.ts"
import { Empty, Failed, Waiting } from "../parts/Notice.tsx"
import { Pick } from "../parts/Pick.tsx"
import { Text } from "../parts/Text.tsx"
import { Timeline } from "./Timeline.tsx"

export const HistoryView = ({ repository }: { readonly repository: string | undefined }): VNode => {
  const { perRepository } = useSession()
  const repositories = useAnswer("repositories", {})
  const names = repositories.value?.repositories.map(({ name }) => name) ?? []
  const shown = repository ?? (perRepository ? names[0] : undefined)
  return (
    <section class="pane narrow" aria-labelledby="history-title">
      <header class="pane-head">
        <h1 id="history-title">History</h1>
        {shown === undefined ? <span class="dim">of the whole layout</span> : (
          <span class="dim">
            of{" "}
            <a href={hrefOf("images", { repository: shown })}>
              <Text>{shown}</Text>
            </a>
          </span>
        )}
        <span class="grow" />
        <Pick
          label="Repository"
          value={shown ?? ""}
          options={[
            ...(perRepository ? [] : [["", "All repositories"] as const]),
            ...names.map((name) => [name, name] as const)
          ]}
          onPick={(name) => replace("history", { repository: name })}
        />
      </header>
      <div class="pane-body">
        {perRepository && shown === undefined
          ? <Waiting what="reading the repositories" />
          : <Commits repository={shown} />}
      </div>
    </section>
  )
}

export const Commits = (
  { repository, tag }: { readonly repository: string | undefined; readonly tag?: string }
): VNode => {
  const { commits, failure, incomplete, isLoading, more, next } = useHistory({ repository, tag })
  if (failure !== undefined) return <Failed message={failure} />
  if (commits.length === 0) {
    return isLoading
      ? <Waiting what="reading the history" />
      : <Empty title="Nothing has happened yet" />
  }
  return (
    <>
      <Timeline commits={commits} repository={repository} {...(tag === undefined ? {} : { tag })} />
      {incomplete === undefined ? null : <Failed message={incomplete} />}
      {next === undefined ? null : (
        <p class="more">
          <button type="button" class="button" onClick={more}>Show older commits</button>
        </p>
      )}
    </>
  )
}
