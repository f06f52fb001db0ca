/** The entries of an index, planned: what comes in, what goes, and what goes with it. */
import { Result } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { InputUnsuitable } from "../../oci/OciError.ts"
import { isAttestation, isFor, platformOf } from "../../oci/Platform.ts"
import { isSamePlatform } from "./platform.ts"

/** What BuildKit writes to an attestation: the image that it is of. */
export const attested = "vnd.docker.reference.digest"

/** The entries with more of them: what is there already stays, and no two images are for the same platform. */
export const withEntries = (
  entries: ReadonlyArray<Descriptor>,
  more: ReadonlyArray<Descriptor>
): Result.Result<ReadonlyArray<Descriptor>, InputUnsuitable> => {
  const all = Array.from(entries)
  for (const entry of more) {
    if (all.some(({ digest }) => digest === entry.digest)) continue
    const rival = isAttestation(entry)
      ? undefined
      : all.find(({ platform }) => isSamePlatform(platform, entry.platform))
    if (rival !== undefined) {
      return Result.fail(
        new InputUnsuitable({
          input: entry.digest,
          reason: `is for ${platformOf(entry) ?? "a platform"}, as ${rival.digest} is, which is in the index: ` +
            "remove that first"
        })
      )
    }
    all.push(entry)
  }
  return Result.succeed(all)
}

/** The entries without those that are named by digest or platform, and without attestations of what goes. */
export const withoutEntries = (
  entries: ReadonlyArray<Descriptor>,
  names: ReadonlyArray<string>
): Result.Result<ReadonlyArray<Descriptor>, InputUnsuitable> => {
  const gone = new Set<string>()
  for (const name of names) {
    const found = entries.filter(({ digest }) => digest === name || digest.startsWith(`sha256:${name}`))
    const meant = found.length > 0 || name.includes(":")
      ? found
      : entries.filter((entry) => !isAttestation(entry) && isFor(platformOf(entry), name))
    if (meant.length === 0) {
      return Result.fail(new InputUnsuitable({ input: name, reason: "names nothing in the index" }))
    }
    for (const { digest } of meant) gone.add(digest)
  }
  const left = entries.filter(({ digest }) => !gone.has(digest))
  return Result.succeed(keeping(left, () => true))
}

/** The entries for some platforms, with what attests them; those that say no platform go. */
export const entriesFor = (
  entries: ReadonlyArray<Descriptor>,
  platforms: ReadonlyArray<string>
): ReadonlyArray<Descriptor> =>
  keeping(entries, (entry) => platforms.some((platform) => isFor(platformOf(entry), platform)))

/** An attestation stays where the image does that it is of. */
const keeping = (
  entries: ReadonlyArray<Descriptor>,
  keeps: (entry: Descriptor) => boolean
): ReadonlyArray<Descriptor> => {
  const stays = new Set<string>(
    entries.filter((entry) => !isAttestation(entry) && keeps(entry)).map(({ digest }) => digest)
  )
  return entries.filter((entry) => {
    const of = isAttestation(entry) ? entry.annotations?.[attested] : undefined
    return of === undefined ? keeps(entry) : stays.has(of)
  })
}
