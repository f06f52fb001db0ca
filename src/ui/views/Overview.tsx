/** What an image is made of and how it is run. */
import type { VNode } from "preact"
import type { Image, Layers, Pair } from "../../http/ui/answers.ts"
import { counted, countOf, sizeOf } from "../data/format.ts"
import { hrefOf, type Route } from "../data/route.ts"
import { useAnswer } from "../data/useAnswer.ts"
import { Chip } from "../parts/Chip.tsx"
import { LayerBars, toneOf } from "../parts/LayerBars.tsx"
import { Failed, Waiting } from "../parts/Notice.tsx"
import { Pairs } from "../parts/Pairs.tsx"
import { Text } from "../parts/Text.tsx"
import { Time } from "../parts/Time.tsx"

interface Props {
  readonly image: Image
  readonly params: Route["params"]
}

export const Overview = ({ image, params }: Props): VNode => (
  <div class="overview">
    {image.layers.length === 0 ? null : <Layering image={image} params={params} />}
    <Steps steps={image.steps} />
    <Settings title="Runs as" pairs={image.settings} />
    <Settings title="Environment" pairs={image.env} />
    <Settings title="Labels" pairs={image.labels} />
    <Settings title="Annotations" pairs={image.annotations} />
    {image.index === undefined ? null : <Settings title="Annotations of the index" pairs={image.index.annotations} />}
    {image.omitted === 0
      ? null
      : <p class="dim">{counted(image.omitted, "more entry", "more entries")} are not shown.</p>}
  </div>
)

const Settings = ({ pairs, title }: { readonly title: string; readonly pairs: ReadonlyArray<Pair> }): VNode | null =>
  pairs.length === 0 ? null : (
    <section class="card">
      <h2>
        {title} <span class="count">{countOf(pairs.length)}</span>
      </h2>
      <Pairs pairs={pairs} />
    </section>
  )

const Layering = ({ image, params }: Props): VNode => {
  const { platform, reference, repository } = params
  const looked = useAnswer("layers", image.kind === "image" ? { repository, reference, platform } : undefined, false)
  return (
    <LayerBars layers={image.layers} facts={(at) => <Changes layers={looked.value} at={at} />}>
      {image.kind !== "image" ? null : looked.failure !== undefined
        ? <Failed message={looked.failure} />
        : looked.value === undefined
        ? <Waiting what="looking into the layers" />
        : <Wasted layers={looked.value} params={params} />}
    </LayerBars>
  )
}

const Changes = ({ at, layers }: { readonly layers: Layers | undefined; readonly at: number }): VNode | null => {
  const found = layers?.layers[at]
  if (found === undefined) return null
  const { added, hidden, removed, replaced } = found
  return (
    <span class="changes">
      <Amount kind="added" count={added} what="that was not there before" />
      <Amount kind="changed" count={replaced} what="that it replaces" />
      <Amount kind="removed" count={removed} what="that it removes" />
      {added + replaced + removed === 0 ? <span>changes nothing</span> : null}
      {hidden === 0 ? null : <Chip tone="warn">{sizeOf(hidden)} hidden by later layers</Chip>}
    </span>
  )
}

const signs = { added: "+", changed: "~", removed: "−" } as const

const Amount = ({ count, kind, what }: {
  readonly kind: keyof typeof signs
  readonly count: number
  readonly what: string
}): VNode | null =>
  count === 0 ? null : (
    <span class={kind} title={`${counted(count, "name")} ${what}`}>
      {signs[kind]}
      {countOf(count)}
      <span class="sr">{` ${kind}`}</span>
    </span>
  )

const shownFiles = 8

const Wasted = ({ layers: { largest, layers, repeated }, params }: {
  readonly layers: Layers
  readonly params: Route["params"]
}): VNode => {
  const hidden = layers.reduce((sum, layer) => sum + layer.hidden, 0)
  return (
    <div class="wasted">
      <p>
        {hidden + repeated === 0
          ? "Nothing is in it twice, and no layer hides what an earlier one has."
          : [
            ...(hidden === 0 ? [] : [`${sizeOf(hidden)} cannot be seen, since later layers hide them.`]),
            ...(repeated === 0 ? [] : [`${sizeOf(repeated)} are there under another name as well.`])
          ].join(" ")}
      </p>
      {largest.length === 0 ? null : (
        <details>
          <summary>Largest files</summary>
          <ul class="largest">
            {largest.slice(0, shownFiles).map(({ layer, path, size }) => (
              <li key={path}>
                <span class={`dot ${toneOf(layer)}`} aria-hidden="true" />
                <a href={hrefOf("image", { ...params, tab: "files", path })}>
                  <Text>{path}</Text>
                </a>
                <span class="num">{sizeOf(size)}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  )
}

const Steps = ({ steps }: { readonly steps: Image["steps"] }): VNode | null =>
  steps.length === 0 ? null : (
    <section class="card">
      <h2>
        Build steps <span class="count">{countOf(steps.length)}</span>
      </h2>
      <ol class="steps">
        {steps.map(({ created, createdBy, layer }, at) => (
          <li key={at}>
            {layer === undefined
              ? <span class="swatch none" title="it made no layer" aria-label="no layer">·</span>
              : <span class={`swatch ${toneOf(layer)}`} aria-label={`layer ${layer + 1}`}>{layer + 1}</span>}
            <code>{createdBy === undefined ? <span class="dim">not said</span> : <Text lines>{createdBy}</Text>}</code>
            <span class="dim">{created === undefined ? "" : <Time>{created}</Time>}</span>
          </li>
        ))}
      </ol>
    </section>
  )
