/** `index.json` as tools written in Go know it: what they do not know of it is lost, and each writes it in its own way. */
import { Effect } from "effect"
import { GivenUp } from "./GivenUp.ts"
import type { Image } from "./images.ts"

export interface Entry {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly annotations?: Readonly<Record<string, string>>
  readonly artifactType?: string
}

export interface Index {
  readonly schemaVersion: number
  readonly mediaType?: string
  readonly manifests: ReadonlyArray<Entry>
  readonly annotations?: Readonly<Record<string, string>>
}

const refName = "org.opencontainers.image.ref.name"

export const nameOf = ({ annotations }: Entry): string | undefined => annotations?.[refName]

export const emptyIndex: Index = { schemaVersion: 2, manifests: [] }

const sorted = (annotations: Entry["annotations"]): Pick<Entry, "annotations"> =>
  annotations === undefined || Object.keys(annotations).length === 0
    ? {}
    : { annotations: Object.fromEntries(Object.entries(annotations).toSorted(([a], [b]) => (a < b ? -1 : 1))) }

const known = ({ annotations, digest, mediaType, size }: Entry): Entry => ({
  mediaType,
  digest,
  size,
  ...sorted(annotations)
})

const isIndex = (value: unknown): value is Index =>
  typeof value === "object" && value !== null && "manifests" in value && Array.isArray(value.manifests)

export const parsedIndex = (bytes: Uint8Array): Index | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString())
    if (!isIndex(value)) return undefined
    const { annotations, manifests, mediaType, schemaVersion } = value
    return {
      schemaVersion,
      ...(mediaType === undefined ? {} : { mediaType }),
      manifests: manifests.map(known),
      ...sorted(annotations)
    }
  } catch {
    return undefined
  }
}

export const parseIndex = (bytes: Uint8Array): Effect.Effect<Index, GivenUp> => {
  const index = parsedIndex(bytes)
  return index === undefined ? new GivenUp({ why: "index.json cannot be parsed" }) : Effect.succeed(index)
}

/** As `encoding/json` of Go writes it. */
export const compact = (index: Index): string => JSON.stringify(index)

/** As crane writes it: indented by three, the size before the digest. */
export const indentedByThree = ({ annotations, manifests, ...rest }: Index): string =>
  JSON.stringify(
    {
      ...rest,
      manifests: manifests.map(({ digest, mediaType, size, ...more }) => ({ mediaType, size, digest, ...more })),
      ...(annotations === undefined ? {} : { annotations })
    },
    undefined,
    3
  )

/** As the Go package of Docker writes it: indented by two, the annotations before the entries. */
export const indentedByTwo = ({ annotations, manifests, schemaVersion }: Index): string =>
  `${
    JSON.stringify(
      {
        schemaVersion,
        mediaType: "application/vnd.oci.image.index.v1+json",
        ...(annotations === undefined ? {} : { annotations }),
        manifests
      },
      undefined,
      2
    )
  }\n`

/** The entry of an image, without a name. */
export const entryOf = ({ manifest: { bytes, digest }, mediaType }: Image): Entry => ({
  mediaType,
  digest,
  size: bytes.length
})

/** An entry without a name, its other annotations kept. */
export const unnamed = (entry: Entry): Entry => {
  const { [refName]: _name, ...rest } = entry.annotations ?? {}
  return known({ ...entry, annotations: rest })
}

export const renamed = (entry: Entry, name: string): Entry =>
  known({ ...entry, annotations: { ...entry.annotations, [refName]: name } })

/** The first entry with a name; without one the tool gives up. */
export const entryNamed = ({ manifests }: Index, name: string): Effect.Effect<Entry, GivenUp> => {
  const entry = manifests.find((entry) => nameOf(entry) === name)
  return entry === undefined ? new GivenUp({ why: `${name} is not there` }) : Effect.succeed(entry)
}

export const without = (index: Index, name: string): Index => ({
  ...index,
  manifests: index.manifests.filter((entry) => nameOf(entry) !== name)
})

export const appended = (index: Index, entry: Entry): Index => ({ ...index, manifests: [...index.manifests, entry] })
