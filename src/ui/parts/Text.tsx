/** Text of others: nothing in it moves what stands around it, and what cannot be seen is named. */
import type { VNode } from "preact"
import { piecesOf } from "../data/odd.ts"

interface Props {
  readonly children: string
  /** Whether its line breaks are shown as such. */
  readonly lines?: boolean
}

export const Text = ({ children, lines = false }: Props): VNode => {
  const pieces = piecesOf(children, lines)
  return (
    <bdi>
      {pieces.map(({ isOdd, text }, at) =>
        isOdd ? <span key={at} class="odd" title="a character that cannot be seen">{text}</span> : text
      )}
    </bdi>
  )
}
