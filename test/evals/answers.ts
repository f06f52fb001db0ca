/** Takes answers apart; what is not there is an empty text, or an empty list. */
import { Predicate } from "effect"

export type Output = Readonly<Record<string, unknown>>

/** The value at a path of names and places; places may count from the end. */
const at = (value: unknown, ...path: ReadonlyArray<string | number>): unknown =>
  path.reduce<unknown>((found, step) => {
    if (Array.isArray(found) && typeof step === "number") return found.at(step)
    return Predicate.isObject(found) && typeof step === "string" ? Reflect.get(found, step) : undefined
  }, value)

export const text = (value: unknown, ...path: ReadonlyArray<string | number>): string => {
  const found = at(value, ...path)
  return typeof found === "string" || typeof found === "number" ? String(found) : ""
}

export const list = (value: unknown, ...path: ReadonlyArray<string | number>): ReadonlyArray<unknown> => {
  const found = at(value, ...path)
  return Array.isArray(found) ? found : []
}

export const texts = (value: unknown, ...path: ReadonlyArray<string | number>): ReadonlyArray<string> =>
  list(value, ...path).map((item) => text(item))
