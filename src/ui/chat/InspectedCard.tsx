/** An image, as `oci_inspect_image` tells of it. */
import type { ComponentChildren, VNode } from "preact"
import type { Pair } from "../../http/ui/answers.ts"
import { sizeOf } from "../data/format.ts"
import { Chip } from "../parts/Chip.tsx"
import { Digest } from "../parts/Digest.tsx"
import { LayerBars } from "../parts/LayerBars.tsx"
import { Pairs } from "../parts/Pairs.tsx"
import { Text } from "../parts/Text.tsx"
import { Time } from "../parts/Time.tsx"
import type { Inspected } from "./outputs.ts"

const pairsOf = (config: NonNullable<Inspected["config"]>): ReadonlyArray<Pair> =>
  Object.entries(config).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? value : JSON.stringify(value)
  }))

const Fact = ({ children, name }: { readonly name: string; readonly children: ComponentChildren }): VNode => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)

export const InspectedCard = (
  { inspected: { config, created, digest, layers = [], platform, platforms = [], referrers = {}, total_size } }: {
    readonly inspected: Inspected
  }
): VNode => (
  <>
    <dl class="facts">
      <Fact name="Digest">
        <Digest>{digest}</Digest>
      </Fact>
      {total_size === undefined ? null : <Fact name="Size">{sizeOf(total_size)}</Fact>}
      {platform === undefined ? null : (
        <Fact name="Platform">
          <Text>{platform}</Text>
        </Fact>
      )}
      {created === undefined ? null : (
        <Fact name="Built">
          <Time>{created}</Time>
        </Fact>
      )}
      {Object.entries(referrers).map(([type, count]) => (
        <Fact key={type} name="Attached">
          {count} <Text>{type}</Text>
        </Fact>
      ))}
    </dl>
    {platforms.length === 0 ? null : (
      <p class="platform-list">
        {platforms.map(({ digest, platform, state }) => (
          <Chip key={digest} tone={state === undefined ? "accent" : "bad"}>
            <Text>{state === undefined ? platform : `${platform}: ${state}`}</Text>
          </Chip>
        ))}
      </p>
    )}
    {layers.length === 0 ? null : (
      <LayerBars
        layers={layers.map(({ created_by, digest, size, state }) => ({
          digest,
          size,
          missing: state === "missing",
          ...(created_by === undefined ? {} : { createdBy: created_by })
        }))}
      />
    )}
    {config === undefined ? null : (
      <section class="card">
        <h2>Runs as</h2>
        <Pairs pairs={pairsOf(config)} />
      </section>
    )}
  </>
)
