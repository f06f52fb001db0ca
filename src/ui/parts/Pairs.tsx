/** Names with what they say: labels, variables, annotations. */
import type { VNode } from "preact"
import type { Pair } from "../../http/ui/answers.ts"
import { countOf } from "../data/format.ts"
import { Text } from "./Text.tsx"

export const Pairs = ({ pairs }: { readonly pairs: ReadonlyArray<Pair> }): VNode => (
  <dl class="pairs">
    {pairs.map(({ key, length, value }, at) => (
      <div key={at}>
        <dt>
          <Text>{key}</Text>
        </dt>
        <dd>
          {value === "" ? <span class="dim">empty</span> : <Text lines>{value}</Text>}
          {length === undefined ? null : <span class="dim">… {countOf(length)} characters in all</span>}
        </dd>
      </div>
    ))}
  </dl>
)
