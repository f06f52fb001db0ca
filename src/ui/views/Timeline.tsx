/** Commits, the newest first, by the day. */
import type { VNode } from "preact"
import { useEffect, useState } from "preact/hooks"
import type { Changed, Commit } from "../../http/ui/answers.ts"
import { change, messageOf } from "../data/api.ts"
import { clockOf, counted, dayOf, timeOf } from "../data/format.ts"
import { useSession } from "../data/session.ts"
import { ChangeLine, kindOf } from "../parts/ChangeLine.tsx"
import { Chip } from "../parts/Chip.tsx"
import { Confirm } from "../parts/Confirm.tsx"
import { Icon } from "../parts/Icon.tsx"
import { Failed, Waiting } from "../parts/Notice.tsx"
import { Text } from "../parts/Text.tsx"

interface Props {
  readonly commits: ReadonlyArray<Commit>
  /** In a tree of layouts, whose history it is. */
  readonly repository: string | undefined
  /** Only changes of this tag are shown. */
  readonly tag?: string
}

export const Timeline = ({ commits, repository, tag }: Props): VNode => {
  const [undoing, setUndoing] = useState<number>()
  const days = Map.groupBy(commits, ({ time }) => dayOf(time))
  return (
    <>
      {Array.from(days, ([day, all]) => (
        <section key={day} class="day">
          <h2>{day}</h2>
          <ol class="commits">
            {all.map((commit) => (
              <CommitLine
                key={commit.revision}
                commit={commit}
                tag={tag}
                onUndo={() => setUndoing(commit.revision)}
              />
            ))}
          </ol>
        </section>
      ))}
      {undoing === undefined ?
        null :
        <Undo revision={undoing} repository={repository} onClose={() => setUndoing(undefined)} />}
    </>
  )
}

const CommitLine = ({ commit: { actor, canUndo, changes, omitted, revision, time }, onUndo, tag }: {
  readonly commit: Commit
  readonly tag: string | undefined
  readonly onUndo: () => void
}): VNode => {
  const shown = tag === undefined ? changes : changes.filter((one) => one.tag === tag)
  const others = changes.length - shown.length + (omitted ?? 0)
  return (
    <li class="commit">
      <span class={`knot ${shown[0] === undefined ? "changed" : kindOf(shown[0])}`} aria-hidden="true" />
      <div class="commit-head">
        <strong>
          <Text>{actor}</Text>
        </strong>
        {actor === "foreign" ? <span class="dim">another tool</span> : null}
        <time class="dim" dateTime={time} title={timeOf(time)}>{clockOf(time)}</time>
        <Chip>revision {revision}</Chip>
        <span class="grow" />
        {canUndo ?
          (
            <button type="button" class="button small" onClick={onUndo} aria-label={`Undo revision ${revision}`}>
              <Icon name="undo" /> Undo
            </button>
          ) :
          null}
      </div>
      <ul class="change-list">
        {shown.map((one, at) => <ChangeLine key={at} change={one} />)}
        {others === 0 ? null : <li class="dim">and {counted(others, "more change")}</li>}
      </ul>
    </li>
  )
}

/** What taking it back would do, before it is done. */
const Undo = ({ onClose, repository, revision }: {
  readonly revision: number
  readonly repository: string | undefined
  readonly onClose: () => void
}): VNode => {
  const { perRepository } = useSession()
  const where = perRepository && repository !== undefined ? { repository } : {}
  const [forecast, setForecast] = useState<Changed>()
  const [failure, setFailure] = useState<string>()
  useEffect(() => {
    change("POST undo", { revision, ...where, dryRun: true }).then(
      setForecast,
      (error: unknown) => setFailure(messageOf(error))
    )
  }, [revision])
  return (
    <Confirm
      title={`Take revision ${revision} back?`}
      doing="Take it back"
      isReady={forecast !== undefined}
      onClose={onClose}
      onConfirm={async () => {
        await change("POST undo", { revision, ...where, dryRun: false })
      }}
    >
      {failure !== undefined ?
        <Failed message={failure} /> :
        forecast === undefined ?
        <Waiting what="looking what that would do" /> :
        (
          <>
            <p>A new commit makes these names what they were before. It can be taken back in turn.</p>
            <ul class="change-list">{forecast.changes.map((one, at) => <ChangeLine key={at} change={one} />)}</ul>
          </>
        )}
    </Confirm>
  )
}
