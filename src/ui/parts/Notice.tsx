/** What stands in the place of what is not there: it is coming, it failed, there is none. */
import type { ComponentChildren, VNode } from "preact"
import type { Loaded } from "../data/useAnswer.ts"
import { Text } from "./Text.tsx"

export const Failed = ({ message }: { readonly message: string }): VNode => (
  <div class="notice bad" role="alert">
    <strong>That did not work.</strong> <Text>{message}</Text>
  </div>
)

export const Waiting = ({ what }: { readonly what: string }): VNode => (
  <div class="notice waiting" role="status">
    <span class="spinner" aria-hidden="true" />
    {what}…
  </div>
)

interface EmptyProps {
  readonly title: string
  readonly children?: ComponentChildren
  /** Whether there is nothing else in the page. */
  readonly isPage?: boolean
}

export const Empty = ({ children, isPage = false, title }: EmptyProps): VNode => (
  <div class="empty">
    {isPage ? <h1>{title}</h1> : <strong>{title}</strong>}
    {children === undefined ? null : <p>{children}</p>}
  </div>
)

interface Props<A> {
  readonly of: Loaded<A>
  /** As in "reading the layers". */
  readonly what: string
  readonly children: (value: A) => ComponentChildren
}

/** What was answered, or why there is nothing yet. */
export function Answered<A>({ children, of: { failure, value }, what }: Props<A>): VNode {
  if (failure !== undefined) return <Failed message={failure} />
  return value === undefined ? <Waiting what={what} /> : <>{children(value)}</>
}
