/** One of a few. */
import type { VNode } from "preact"
import { plainOf } from "../data/odd.ts"

interface Props {
  readonly label: string
  readonly value: string
  readonly options: ReadonlyArray<readonly [value: string, title: string]>
  readonly onPick: (value: string) => void
}

export const Pick = ({ label, onPick, options, value }: Props): VNode => (
  <label class="pick">
    <span class="sr">{label}</span>
    <select value={value} onChange={(event) => onPick(event.currentTarget.value)}>
      {options.map(([value, title]) => <option key={value} value={value}>{plainOf(title)}</option>)}
    </select>
  </label>
)
