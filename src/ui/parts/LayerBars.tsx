/** Layers as bars, the base first. */
import type { ComponentChildren, VNode } from "preact"
import { useState } from "preact/hooks"
import { countOf, percentOf, sizeOf } from "../data/format.ts"
import { Chip } from "./Chip.tsx"
import { Digest } from "./Digest.tsx"
import { Text } from "./Text.tsx"

interface Layer {
  readonly digest: string
  readonly size: number
  readonly missing: boolean
  readonly createdBy?: string
}

interface Props {
  readonly layers: ReadonlyArray<Layer>
  /** What stands beside the digest of one. */
  readonly facts?: (at: number) => ComponentChildren
  /** What stands below all. */
  readonly children?: ComponentChildren
}

/** The colour of a layer, the same wherever it is shown. */
export const toneOf = (at: number): string => `tone-${at % 8}`

export const LayerBars = ({ children, facts, layers }: Props): VNode => {
  const [chosen, setChosen] = useState<number>()
  const total = layers.reduce((sum, { size }) => sum + size, 0)
  const isSaid = layers.some(({ createdBy }) => createdBy !== undefined)
  const largest = layers.reduce((most, { size }) => Math.max(most, size), 0)
  return (
    <section class="card layers">
      <h2>
        Layers <span class="count">{countOf(layers.length)}</span>
        <span class="grow" />
        <span class="dim num">{sizeOf(total)}</span>
      </h2>
      <div class="strip" aria-hidden="true">
        {layers.map(({ size }, at) => (
          <span
            key={at}
            class={chosen === at ? `${toneOf(at)} chosen` : toneOf(at)}
            style={{ flexGrow: `${Math.max(size, total / 200)}` }}
            onMouseEnter={() => setChosen(at)}
            onMouseLeave={() => setChosen(undefined)}
          />
        ))}
      </div>
      <ol class="layer-list">
        {layers.map((layer, at) => (
          <li
            key={at}
            class={chosen === at ? "chosen" : ""}
            onMouseEnter={() => setChosen(at)}
            onMouseLeave={() => setChosen(undefined)}
          >
            <span class={`swatch ${toneOf(at)}`} aria-hidden="true">{at + 1}</span>
            <div class="layer-text">
              {isSaid
                ? (
                  <code class="made-by">
                    {layer.createdBy === undefined
                      ? <span class="dim">not said how it was made</span>
                      : <Text>{layer.createdBy}</Text>}
                  </code>
                )
                : null}
              <span class="layer-facts">
                <Digest copy>{layer.digest}</Digest>
                {layer.missing ? <Chip tone="bad">not in the layout</Chip> : null}
                {facts?.(at)}
              </span>
            </div>
            <span class="bar" aria-hidden="true">
              <span class={toneOf(at)} style={{ width: `${largest === 0 ? 0 : layer.size / largest * 100}%` }} />
            </span>
            <span class="num layer-size">
              {sizeOf(layer.size)}
              <span class="dim">{percentOf(layer.size, total)}</span>
            </span>
          </li>
        ))}
      </ol>
      {children}
    </section>
  )
}
