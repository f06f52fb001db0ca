/** A time as its distance from now, with the time itself. */
import type { VNode } from "preact"
import { ageOf, timeOf } from "../data/format.ts"
import { Text } from "./Text.tsx"

export const Time = ({ children }: { readonly children: string }): VNode => {
  const time = Date.parse(children)
  if (Number.isNaN(time)) return <Text>{children}</Text>
  return <time dateTime={new Date(time).toISOString()} title={timeOf(time)}>{ageOf(time)}</time>
}
