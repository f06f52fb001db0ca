/** A digest, short, with all of it to be copied. */
import type { VNode } from "preact"
import { useContext, useState } from "preact/hooks"
import { shortOf } from "../data/format.ts"
import { plainOf } from "../data/odd.ts"
import { Icon } from "./Icon.tsx"
import { HasViews } from "./Place.tsx"
import { Text } from "./Text.tsx"

interface CopyProps {
  readonly text: string
  readonly label: string
  readonly focusable?: boolean
}

const shownMillis = 1200

export const Copy = ({ focusable = true, label, text }: CopyProps): VNode => {
  const [copied, setCopied] = useState(false)
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(() => {
      setCopied(true)
      return setTimeout(() => setCopied(false), shownMillis)
    }, () => setCopied(false))
  }
  return (
    <button
      type="button"
      class={copied ? "quiet done" : "quiet"}
      onClick={copy}
      aria-label={copied ? "copied" : label}
      title={label}
      tabIndex={focusable ? 0 : -1}
    >
      <Icon name={copied ? "check" : "copy"} />
    </button>
  )
}

interface Props {
  readonly children: string
  readonly copy?: boolean
}

export const Digest = ({ children, copy = false }: Props): VNode => {
  // In the chat of an agent a digest is short already.
  const hasViews = useContext(HasViews)
  return (
    <span class="digest">
      <code title={plainOf(children)}>
        <Text>{shortOf(children)}</Text>
      </code>
      {copy && hasViews ? <Copy text={children} label={`copy ${plainOf(shortOf(children))}`} /> : null}
    </span>
  )
}
