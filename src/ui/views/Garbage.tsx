/** What a collection would remove, what stays, and why. */
import type { VNode } from "preact"
import { useState } from "preact/hooks"
import type { Garbage as Plan } from "../../http/ui/answers.ts"
import { change } from "../data/api.ts"
import { counted, sizeOf } from "../data/format.ts"
import { useSession } from "../data/session.ts"
import { useAnswer } from "../data/useAnswer.ts"
import { Confirm } from "../parts/Confirm.tsx"
import { GarbageLists, shownReasons } from "../parts/GarbageLists.tsx"
import { Icon } from "../parts/Icon.tsx"
import { Answered } from "../parts/Notice.tsx"
import { Pick } from "../parts/Pick.tsx"

const undoWindows = [["7", "for 7 days"], ["30", "for 30 days"], ["0", "no longer"]] as const

export const Garbage = (): VNode => {
  const { perRepository, rights } = useSession()
  const names = useAnswer("repositories", {}).value?.repositories.map(({ name }) => name) ?? []
  const [repository, setRepository] = useState<string>()
  const [untagged, setUntagged] = useState(false)
  const [undoDays, setUndoDays] = useState("7")
  const of = perRepository ? repository ?? names[0] : undefined
  const query = { ...(of === undefined ? {} : { repository: of }), untagged: untagged ? "1" : "", undoDays }
  const plan = useAnswer("garbage", perRepository && of === undefined ? undefined : query)
  return (
    <section class="card">
      <h2>What a collection would free</h2>
      <div class="toolbar">
        {perRepository && of !== undefined ?
          <Pick label="Repository" value={of} options={names.map((name) => [name, name])} onPick={setRepository} /> :
          null}
        <label class="check">
          <input type="checkbox" checked={untagged} onChange={(event) => setUntagged(event.currentTarget.checked)} />
          also manifests without a tag
        </label>
        <span class="check">
          keep what undo needs
          <Pick label="Keep what undo needs" value={undoDays} options={undoWindows} onPick={setUndoDays} />
        </span>
      </div>
      <Answered of={plan} what="planning a collection">
        {(value) => <Shown plan={value} query={query} repository={of} canCollect={rights.collect} />}
      </Answered>
    </section>
  )
}

const Shown = ({ canCollect, plan: { bytes, goes, omitted, stays }, query, repository }: {
  readonly plan: Plan
  readonly query: Readonly<Record<string, string>>
  readonly repository: string | undefined
  readonly canCollect: boolean
}): VNode => {
  const [isAsking, setAsking] = useState(false)
  const [done, setDone] = useState<string>()
  return (
    <>
      <p class="headline">
        <strong class="num">{sizeOf(bytes)}</strong>
        <span class="dim">
          {goes.length === 0 ? "nothing can go now" : `in ${counted(goes.length, "thing")} that nothing needs`}
        </span>
        <span class="grow" />
        {canCollect && goes.length > 0
          ? (
            <button type="button" class="button bad" onClick={() => setAsking(true)}>
              <Icon name="trash" /> Free it…
            </button>
          )
          : null}
      </p>
      {done === undefined ? null : <p class="notice good" role="status">{done}</p>}
      <GarbageLists goes={goes} stays={stays} />
      {omitted + Math.max(0, stays.length - shownReasons) === 0
        ? null
        : <p class="dim">There is more of both than is shown.</p>}
      {!isAsking ? null : (
        <Confirm
          title={`Free ${sizeOf(bytes)}?`}
          doing="Free it"
          tone="bad"
          onClose={() => setAsking(false)}
          onConfirm={async () => {
            const { plan } = await change("POST plan", {}, query)
            if (plan === undefined) throw new Error("Nothing can go any more.")
            const freed = await change("POST collect", { plan, ...(repository === undefined ? {} : { repository }) })
            setDone(`${counted(freed.removed, "thing")} went, ${sizeOf(freed.bytes)}${
              freed.spared === 0
                ? ""
                : `; ${counted(freed.spared, "thing")} stay because of what has happened meanwhile`
            }.`)
          }}
        >
          <p>
            Only what nothing needs goes, and nothing that is pushed or named meanwhile. For a day another tool that
            counted on it gets it back; after that <strong>this cannot be taken back</strong>.
          </p>
        </Confirm>
      )}
    </>
  )
}
