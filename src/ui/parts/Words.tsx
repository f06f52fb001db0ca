/** A sentence of the server's, in which digests are short. */
import type { VNode } from "preact"
import { shortOf } from "../data/format.ts"
import { Text } from "./Text.tsx"

const digest = /sha(?:256|512):[0-9a-f]{64,128}/gu

export const Words = ({ children }: { readonly children: string }): VNode => (
  <Text lines>{children.replaceAll(digest, (one) => shortOf(one))}</Text>
)
