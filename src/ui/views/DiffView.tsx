/** What two images have different: settings, files, and lines of text. */
import type { VNode } from "preact"
import { useMemo, useState } from "preact/hooks"
import type { Diff } from "../../http/ui/answers.ts"
import { counted, countOf, sizeOf } from "../data/format.ts"
import { hrefOf, replace, type Route } from "../data/route.ts"
import { useAnswer } from "../data/useAnswer.ts"
import { type ChangeKind, changeOfSize, diffRowHeight, DiffRows, signs } from "../parts/DiffRows.tsx"
import { Digest } from "../parts/Digest.tsx"
import { Icon } from "../parts/Icon.tsx"
import { Answered, Empty } from "../parts/Notice.tsx"
import { Search } from "../parts/Search.tsx"
import { Text } from "../parts/Text.tsx"

type Params = Route["params"]

export const DiffView = ({ params }: { readonly params: Params }): VNode => {
  const { platform1, platform2, reference1 = "", reference2 = "", repository1 = "", repository2 = "" } = params
  const query = { repository1, reference1, platform1, repository2, reference2, platform2 }
  const diff = useAnswer("diff", query)
  const swapped = {
    repository1: repository2,
    reference1: reference2,
    platform1: platform2,
    repository2: repository1,
    reference2: reference1,
    platform2: platform1
  }
  return (
    <section class="pane wide" aria-labelledby="diff-title">
      <header class="pane-head">
        <h1 id="diff-title">Compare</h1>
        <Side repository={repository1} reference={reference1} />
        <a class="button small" href={hrefOf("diff", swapped)} aria-label="swap both sides">⇄</a>
        <Side repository={repository2} reference={reference2} />
      </header>
      <div class="pane-body">
        <Answered of={diff} what="looking into both images">
          {(value) => <Whole diff={value} params={params} />}
        </Answered>
      </div>
    </section>
  )
}

const Side = ({ reference, repository }: { readonly repository: string; readonly reference: string }): VNode => (
  <a class="diff-side" href={hrefOf("image", { repository, reference })}>
    <Text>{repository}</Text>
    {reference.includes(":")
      ? (
        <>
          @<Digest>{reference}</Digest>
        </>
      )
      : (
        <>
          :<strong>
            <Text>{reference}</Text>
          </strong>
        </>
      )}
  </a>
)

const Whole = ({ diff, params }: { readonly diff: Diff; readonly params: Params }): VNode => {
  const { files, from, isCut, settings, shared, to } = diff
  const counts = { added: 0, removed: 0, changed: 0 }
  for (const { change } of files) counts[change]++
  return (
    <>
      <dl class="facts">
        <div>
          <dt>Size</dt>
          <dd class="num">
            {sizeOf(from.size)} → {sizeOf(to.size)} <span class="dim">{changeOfSize(from.size, to.size)}</span>
          </dd>
        </div>
        <div>
          <dt>In common</dt>
          <dd>{shared === 0 ? "no layer" : `the first ${counted(shared, "layer")}`}</dd>
        </div>
        <div>
          <dt>Files</dt>
          <dd class="changes">
            <span class="added">+{countOf(counts.added)}</span> <span class="changed">~{countOf(counts.changed)}</span>
            {" "}
            <span class="removed">−{countOf(counts.removed)}</span>
            {isCut ? " and more" : ""}
          </dd>
        </div>
        <div>
          <dt>Settings</dt>
          <dd>{counted(settings.length, "difference")}</dd>
        </div>
      </dl>
      {settings.length === 0 ? null : (
        <section class="card">
          <h2>Settings</h2>
          <div class="table-box" tabIndex={0} role="region" aria-label="Settings that differ">
            <table class="settings">
              <thead>
                <tr>
                  <th scope="col">Setting</th>
                  <th scope="col">Before</th>
                  <th scope="col">After</th>
                </tr>
              </thead>
              <tbody>
                {settings.map(({ from, setting, to }) => (
                  <tr key={setting}>
                    <th scope="row">
                      <Text>{setting}</Text>
                    </th>
                    <td class={from === undefined ? "" : "removed"}>
                      {from === undefined ? <span class="dim">—</span> : <Text lines>{from}</Text>}
                    </td>
                    <td class={to === undefined ? "" : "added"}>
                      {to === undefined ? <span class="dim">—</span> : <Text lines>{to}</Text>}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
      {files.length === 0
        ? <Empty title="All files are the same">Times are not compared: every build has others.</Empty>
        : <Files diff={diff} params={params} />}
    </>
  )
}

const Files = ({ diff: { files }, params }: { readonly diff: Diff; readonly params: Params }): VNode => {
  const [wanted, setWanted] = useState("")
  const [kinds, setKinds] = useState<ReadonlySet<ChangeKind>>(new Set(["added", "removed", "changed"]))
  const found = useMemo(
    () => files.filter(({ change, path }) => kinds.has(change) && path.includes(wanted.trim())),
    [files, kinds, wanted]
  )
  const toggle = (kind: ChangeKind): void =>
    setKinds((before) => {
      const after = new Set(before)
      if (!after.delete(kind)) after.add(kind)
      return after
    })
  const chosen = params["path"]
  return (
    <section class="card">
      <h2>
        Files <span class="count">{countOf(files.length)}</span>
      </h2>
      <div class="toolbar">
        <Search label="Filter paths" value={wanted} onInput={setWanted} isMain />
        {(["added", "changed", "removed"] as const).map((kind) => (
          <button
            key={kind}
            type="button"
            class={`toggle ${kind}`}
            aria-pressed={kinds.has(kind)}
            onClick={() => toggle(kind)}
          >
            {signs[kind]} {kind}
          </button>
        ))}
      </div>
      <div class="diff-files" style={{ height: `${Math.max(3, found.length) * diffRowHeight + 2}px` }}>
        {found.length === 0 ? <Empty title="Nothing fits" /> : (
          <DiffRows
            files={found}
            chosen={chosen}
            hrefFor={(path) => hrefOf("diff", { ...params, path })}
            onOpen={(path) => replace("diff", { ...params, path })}
          />
        )}
      </div>
      {chosen === undefined ? null : <Lines key={chosen} params={params} path={chosen} />}
    </section>
  )
}

const toneOf = (line: string): string =>
  line.startsWith("@@") ? "hunk" : line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : ""

const Lines = ({ params, path }: { readonly params: Params; readonly path: string }): VNode => {
  const { path: _path, ...query } = params
  const found = useAnswer("text-diff", { ...query, path }, false)
  return (
    <div class="text-diff">
      <header class="viewer-head">
        <code>
          <Text>{path}</Text>
        </code>
        <span class="grow" />
        <button
          type="button"
          class="quiet"
          aria-label="close"
          onClick={() => replace("diff", { ...params, path: undefined })}
        >
          <Icon name="close" />
        </button>
      </header>
      <Answered of={found} what="comparing the lines">
        {({ diff }) =>
          diff === undefined ?
            <p class="dim viewer-empty">It is no text, or too large to be compared by lines.</p> :
            (
              <pre tabIndex={0}>
              {diff.split("\n").slice(2).map((line, at) => <span key={at} class={toneOf(line)}><Text lines>{line}</Text>{"\n"}</span>)}
              </pre>
            )}
      </Answered>
    </div>
  )
}
