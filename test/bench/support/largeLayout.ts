/** Layouts whose index is large. */
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeLayout, manifestOf, repository } from "./load.ts"

/** Manifests that are there, by default. */
export const real = 2

/**
 * A layout of few manifests whose index has many entries, as if another tool had written it: what an index costs does
 * not depend on what it names.
 *
 * @param real manifests that are there
 * @param named how many of a hundred further entries name one of them; the others name what is not there
 */
export const makeLarge = Effect.fnUntraced(function*(
  entries: number,
  { named = 0, real: there = real }: { readonly real?: number; readonly named?: number } = {}
) {
  const directory = yield* makeLayout(there)
  const path = join(directory, "index.json")
  const { annotations: _ours, ...document } = JSON.parse(readFileSync(path, "utf8")) as {
    readonly annotations: unknown
    readonly manifests: Array<unknown>
  }
  const known = Array.from({ length: there }, (_, number) => manifestOf(number).descriptor)
  const { descriptor } = manifestOf(0)
  const missing = (number: number) => ({
    ...descriptor,
    digest: `sha256:${createHash("sha256").update(String(number)).digest("hex")}`
  })
  for (let number = there; number < entries; number++) {
    const { digest, mediaType, size } = number % 100 < named
      ? known[number % there] ?? missing(number)
      : missing(number)
    document.manifests.push({
      mediaType,
      digest,
      size,
      annotations: { "org.opencontainers.image.ref.name": `${repository}:v${number}` }
    })
  }
  writeFileSync(path, JSON.stringify(document))
  rmSync(join(directory, ".ocilayout"), { recursive: true })
  return directory
})
