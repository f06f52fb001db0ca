/** Fields that are there or not. */
import { Option } from "effect"

/** A field of this name where there is a value: absent means absent in JSON. */
export const field = <Key extends string, A>(
  key: Key,
  value: Option.Option<A> | A | undefined
): { readonly [K in Key]?: A } => {
  const known = Option.isOption(value) ? Option.getOrUndefined(value) : value
  const fields: { [K in Key]?: A } = {}
  if (known !== undefined) fields[key] = known
  return fields
}
