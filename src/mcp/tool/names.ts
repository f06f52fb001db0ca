/** Names in lexical order, by the page and by prefix. */
import { Effect, Stream } from "effect"
import type { Page } from "../../layout/query.ts"
import type { RegistryError } from "../../oci/OciError.ts"
import { type Allowance, pageOf } from "./display.ts"

export interface AskedNames {
  readonly limit: number
  readonly prefix?: string | undefined
  readonly start_after?: string | undefined
}

/** A page of names in lexical order, those with a prefix found without looking at the others. */
export const pageOfNames = <A extends string>(
  list: (page: Page) => Stream.Stream<A, RegistryError>,
  { limit, prefix, start_after }: AskedNames,
  allowance?: Allowance
) => {
  const startAfter = [start_after, prefix === undefined ? undefined : justBefore(prefix)]
    .reduce((a, b) => a === undefined || b !== undefined && b > a ? b : a)
  return Stream.runCollect(
    list({ startAfter }).pipe(
      Stream.takeWhile((name) => prefix === undefined || name.startsWith(prefix)),
      Stream.take(limit + 1)
    )
  ).pipe(Effect.map((names) => pageOf(names, limit, allowance)))
}

/** Greater than every name that is less than `prefix`, and less than `prefix`: names are printable ASCII. */
export const justBefore = (prefix: string): string | undefined =>
  prefix === ""
    ? undefined
    : `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) - 1)}\u{7f}`
