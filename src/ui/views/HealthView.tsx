/** What is wrong with the layout, found while one watches, and what would put it right. */
import type { VNode } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"
import type { Finding, Repaired, VerifyLine } from "../../http/ui/answers.ts"
import { change, messageOf, verifying } from "../data/api.ts"
import { counted, countOf, shortOf, sizeOf } from "../data/format.ts"
import { useSession } from "../data/session.ts"
import { Chip, type Tone } from "../parts/Chip.tsx"
import { Confirm } from "../parts/Confirm.tsx"
import { Icon } from "../parts/Icon.tsx"
import { Empty, Failed } from "../parts/Notice.tsx"
import { Text } from "../parts/Text.tsx"
import { Words } from "../parts/Words.tsx"

interface Run {
  readonly level: "links" | "content"
  readonly findings: ReadonlyArray<Finding>
  readonly checked: Extract<VerifyLine, { readonly checked: unknown }>["checked"] | undefined
  readonly isDone: boolean
  readonly failure: string | undefined
}

const started = (level: Run["level"]): Run => ({
  level,
  findings: [],
  checked: undefined,
  isDone: false,
  failure: undefined
})

const withLine = (run: Run, line: VerifyLine): Run => {
  if ("finding" in line) return { ...run, findings: [...run.findings, line.finding] }
  if ("checked" in line) return { ...run, checked: line.checked }
  if ("failure" in line) return { ...run, isDone: true, failure: line.failure }
  return { ...run, isDone: true }
}

export const HealthView = (): VNode => {
  const { canLogIn, whole } = useSession()
  const [run, setRun] = useState<Run>()
  const control = useRef<AbortController>(undefined)
  useEffect(() => () => control.current?.abort(), [])
  const start = (level: Run["level"]): void => {
    control.current?.abort()
    const own = new AbortController()
    control.current = own
    setRun(started(level))
    const work = async (): Promise<void> => {
      for await (const line of verifying(level, own.signal)) {
        setRun((before) => before === undefined ? before : withLine(before, line))
      }
    }
    work().catch((error: unknown) => {
      if (!own.signal.aborted) setRun({ ...started(level), isDone: true, failure: messageOf(error) })
    })
  }
  const isRunning = run !== undefined && !run.isDone
  return (
    <section class="pane narrow" aria-labelledby="health-title">
      <header class="pane-head">
        <h1 id="health-title">Health</h1>
        <span class="grow" />
        {!whole || canLogIn ? null : (
          <>
            <button type="button" class="button" disabled={isRunning} onClick={() => start("links")}>
              Check links
            </button>
            <button type="button" class="button accent" disabled={isRunning} onClick={() => start("content")}>
              Check every byte
            </button>
          </>
        )}
      </header>
      <div class="pane-body">
        {!whole || canLogIn ?
          <Empty title="Checking takes a login that sees all of the layout" /> :
          run === undefined ?
          (
            <Empty title="Nothing was checked yet">
              Checking links looks whether all that is named is there and of its size. Checking every byte reads all
              content and compares it with its digests. Neither changes anything.
            </Empty>
          ) :
          <Shown run={run} onAgain={() => start(run.level)} />}
      </div>
    </section>
  )
}

const severities = ["error", "warning", "info"] as const
const tones: Readonly<Record<Finding["severity"], Tone>> = { error: "bad", warning: "warn", info: "plain" }
const titles = { error: "Errors", warning: "Warnings", info: "Worth knowing" } as const

const Shown = ({ onAgain, run: { checked, failure, findings, isDone } }: {
  readonly run: Run
  readonly onAgain: () => void
}): VNode => {
  const { rights } = useSession()
  const [isAsking, setAsking] = useState(false)
  const codes = Array.from(new Set(findings.filter(({ by }) => by === "repair").map(({ code }) => code)))
  const { blobs = 0, bytes = 0, manifests = 0, total } = checked ?? {}
  const isFine = isDone && failure === undefined && findings.every(({ severity }) => severity === "info")
  return (
    <>
      <section class={isFine ? "card fine" : "card"} aria-live="polite">
        <p class="headline">
          <strong>{!isDone ? "Checking…" : isFine ? "All is well" : counted(findings.length, "finding")}</strong>
          <span class="dim">
            {counted(manifests, "manifest")} and {counted(blobs, "other blob")}, {sizeOf(bytes)}
            {total === undefined || isDone ? "" : ` of ${sizeOf(total)}`}
          </span>
          <span class="grow" />
          {isDone && codes.length > 0 && rights.repair
            ? <button type="button" class="button accent" onClick={() => setAsking(true)}>Repair…</button>
            : null}
        </p>
        {isDone ? null : (
          <progress
            aria-label="how far the check has got"
            {...(total === undefined || total === 0 ? {} : { value: bytes, max: total })}
          />
        )}
      </section>
      {failure === undefined ? null : <Failed message={failure} />}
      {severities.map((severity) => {
        const all = findings.filter((one) => one.severity === severity)
        return all.length === 0 ? null : (
          <section key={severity} class="findings">
            <h2>
              {titles[severity]} <span class="count">{countOf(all.length)}</span>
            </h2>
            {all.slice(0, 200).map((finding, at) => <FindingCard key={at} finding={finding} />)}
            {all.length <= 200 ? null : <p class="dim">and {counted(all.length - 200, "more")}</p>}
          </section>
        )
      })}
      {isAsking ? <Repair codes={codes} onClose={() => setAsking(false)} onDone={onAgain} /> : null}
    </>
  )
}

const by: Readonly<Record<Finding["by"], string>> = {
  repair: "a repair does it",
  source: "a repair does it, given another layout that has the content",
  person: "a person has to"
}

const FindingCard = ({ finding: { affected, by: who, code, digest, how, message, path, severity } }: {
  readonly finding: Finding
}): VNode => (
  <article class="card finding">
    <h3>
      <Chip tone={tones[severity]}>{code}</Chip>{" "}
      <code>
        <Text>{digest === undefined ? path : shortOf(digest)}</Text>
      </code>
    </h3>
    <p>
      <Words>{message}</Words>
    </p>
    {affected.length === 0 ? null : (
      <p class="affected">
        needed by {affected.map((name) => (
          <Chip key={name}>
            <Text>{name}</Text>
          </Chip>
        ))}
      </p>
    )}
    <p class="dim">
      <Icon name="right" /> <Words>{how}</Words> ({by[who]})
    </p>
  </article>
)

/** What a repair would do, before it is done. */
const Repair = ({ codes, onClose, onDone }: {
  readonly codes: ReadonlyArray<string>
  readonly onClose: () => void
  readonly onDone: () => void
}): VNode => {
  const [forecast, setForecast] = useState<Repaired>()
  const [failure, setFailure] = useState<string>()
  useEffect(() => {
    change("POST repair", { codes, dryRun: true }).then(setForecast, (error: unknown) => setFailure(messageOf(error)))
  }, [])
  return (
    <Confirm
      title="Repair what is safe?"
      doing="Repair"
      isReady={forecast !== undefined}
      onClose={onClose}
      onConfirm={async () => {
        await change("POST repair", { codes, dryRun: false })
        onDone()
      }}
    >
      {failure === undefined ? null : <Failed message={failure} />}
      <p>What changes the index is a commit and can be taken back; damaged files are put aside, not deleted.</p>
      <ul>
        {forecast?.done.map(({ code, what }, at) => (
          <li key={at}>
            <Chip>{code}</Chip> <Words>{what}</Words>
          </li>
        ))}
      </ul>
      {forecast === undefined || forecast.left.length === 0 ? null : (
        <>
          <h3>Left as it is</h3>
          <ul>
            {forecast.left.map(({ code, what }, at) => (
              <li key={at}>
                <Chip>{code}</Chip> <Words>{what}</Words>
              </li>
            ))}
          </ul>
        </>
      )}
    </Confirm>
  )
}
