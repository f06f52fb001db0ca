/** What a client is to be warned of, though it gets what it asked for. */
import { Context } from "effect"

/** Takes a warning for the answer of the request under way; by default it is dropped. */
export const Warnings = Context.Reference<(text: string) => void>("ocilayout/http/Warnings", {
  defaultValue: () => () => undefined
})

/** The warnings of an answer as their header has them (RFC 9111, "Warning"), each once. */
export const warningHeader = (texts: ReadonlyArray<string>): string =>
  Array.from(new Set(texts), (text) => `111 - "${text.replaceAll(/[^ !#-[\]-~]/gu, "?")}"`).join(", ")
