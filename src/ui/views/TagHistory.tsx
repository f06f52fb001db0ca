/** What a tag has pointed at, and a way back to each of it. */
import type { VNode } from "preact"
import { useState } from "preact/hooks"
import { change } from "../data/api.ts"
import { counted, shortOf } from "../data/format.ts"
import { useAnswer } from "../data/useAnswer.ts"
import { useHistory } from "../data/usePages.ts"
import { Chip } from "../parts/Chip.tsx"
import { Confirm } from "../parts/Confirm.tsx"
import { Digest } from "../parts/Digest.tsx"
import { Icon } from "../parts/Icon.tsx"
import { Text } from "../parts/Text.tsx"
import { Time } from "../parts/Time.tsx"
import { Commits } from "./HistoryView.tsx"

interface Props {
  readonly repository: string
  readonly tag: string
}

/** One value that the tag had. */
interface Value {
  readonly digest: string
  /** The commit that gave it to the tag for the last time. */
  readonly revision: number
  readonly since: string
  readonly actor: string
}

export const TagHistory = ({ repository, tag }: Props): VNode => (
  <div class="narrow">
    <Values repository={repository} tag={tag} />
    <Commits repository={repository} tag={tag} />
  </div>
)

const mostValues = 12

const Values = ({ repository, tag }: Props): VNode | null => {
  const { commits } = useHistory({ repository, tag })
  const rights = useAnswer("repositories", {}).value?.repositories.find(({ name }) => name === repository)?.rights
  const [chosen, setChosen] = useState<Value>()
  const moved = commits.flatMap(({ actor, changes, revision, time }) =>
    changes.filter((one) => one.repository === repository && one.tag === tag).map(({ to }) => ({
      to,
      time,
      actor,
      revision
    }))
  )
  const now = moved[0]?.to
  const values = new Map<string, Value>()
  for (const { actor, revision, time, to } of moved) {
    if (to !== undefined && !values.has(to)) values.set(to, { digest: to, since: time, actor, revision })
  }
  if (values.size < 2 && now !== undefined) return null
  return (
    <section class="card">
      <h2>
        What it has pointed at <span class="count">{values.size}</span>
      </h2>
      <ol class="values">
        {Array.from(values.values()).slice(0, mostValues).map((value) => (
          <li key={value.digest}>
            <Digest copy>{value.digest}</Digest>
            <span class="dim">
              <Time>{value.since}</Time> by <Text>{value.actor}</Text>
            </span>
            <span class="grow" />
            {value.digest === now
              ? <Chip tone="good">now</Chip>
              : rights?.push === true
              ? (
                <button type="button" class="button small" onClick={() => setChosen(value)}>
                  <Icon name="undo" /> Point it here again
                </button>
              )
              : null}
          </li>
        ))}
      </ol>
      {values.size <= mostValues ? null : <p class="dim">and {counted(values.size - mostValues, "more")}, below</p>}
      {chosen === undefined ? null : (
        <Confirm
          title="Move the tag back?"
          doing="Move it"
          onClose={() => setChosen(undefined)}
          onConfirm={async () => {
            await change("POST restore", {
              repository,
              tag,
              revision: chosen.revision,
              ...(now === undefined ? {} : { ifDigest: now })
            })
          }}
        >
          <p>
            <strong>
              <Text>{`${repository}:${tag}`}</Text>
            </strong>{" "}
            goes
            {now === undefined ? "" : (
              <>
                from <code>{shortOf(now)}</code>
              </>
            )} to <code>{shortOf(chosen.digest)}</code>, unless another client moves it first. It can be taken back.
          </p>
        </Confirm>
      )}
    </section>
  )
}
