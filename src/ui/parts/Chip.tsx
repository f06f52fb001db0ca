/** A word with a meaning by its colour, which the word has as well. */
import type { ComponentChildren, VNode } from "preact"

export type Tone = "plain" | "accent" | "good" | "warn" | "bad"

export const Chip = ({ children, tone = "plain", title }: {
  readonly children: ComponentChildren
  readonly tone?: Tone
  readonly title?: string
}): VNode => <span class={`chip ${tone}`} title={title}>{children}</span>
