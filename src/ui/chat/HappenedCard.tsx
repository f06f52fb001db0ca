/** What happened to a layout, as `oci_history` tells of it. */
import type { VNode } from "preact"
import type { Change, Commit } from "../../http/ui/answers.ts"
import { Empty } from "../parts/Notice.tsx"
import { Timeline } from "../views/Timeline.tsx"
import type { Happened } from "./outputs.ts"

type Event = Happened["commits"][number]["events"][number]

/** A reference is `repository:tag`, a repository, or a name that fits neither. */
const changeOf = ({ from, ref, to }: Event): Change => {
  const [, repository, tag] = /^([a-z0-9._/-]+)(?::([\w.-]+))?$/u.exec(ref ?? "") ?? []
  return {
    ...(repository === undefined ? ref === undefined ? {} : { name: ref } : { repository }),
    ...(tag === undefined ? {} : { tag }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to })
  }
}

export const HappenedCard = ({ happened: { commits, next_before } }: { readonly happened: Happened }): VNode => {
  if (commits.length === 0) return <Empty title="Nothing has happened" />
  const shown = commits.map(({ actor, events, omitted, revision, time }): Commit => ({
    revision,
    time,
    actor,
    changes: events.map(changeOf),
    ...(omitted === undefined ? {} : { omitted }),
    canUndo: false
  }))
  return (
    <>
      <Timeline commits={shown} repository={undefined} />
      {next_before === undefined ? null : <p class="dim">There are older commits.</p>}
    </>
  )
}
