/** What is known of a manifest as a line of text, so that the manifest is not read again to tell what refers to it. */
import { Result, type Schema } from "effect"
import { type Descriptor, isJsonObject, isList } from "../../oci/Descriptor.ts"
import { descriptorAt, stringEntries } from "../../oci/descriptorAt.ts"
import { field } from "../../oci/field.ts"
import { readJson } from "../../oci/Json.ts"
import type { Facts } from "../../oci/Manifest.ts"
import { factsKey } from "../../ops/manifests/manifests.ts"

/** No facts of a manifest of four mebibytes take more, in characters. */
const longest = 8 * 1024 * 1024

/** Media types that no specification allows: a line could not hold them. */
const unwritable = /[\t\n\r]/u

/**
 * The digest and the media type, and then, each after a tab: the size, the kind, the subject, what is below it, and all
 * else. So a reader can leave alone what he does not need.
 */
export const writeFacts = (descriptor: Descriptor, facts: Facts): string => {
  const key = factsKey(descriptor)
  if (unwritable.test(key)) return ""
  const { annotations, artifactType, bytes, config, kind, layers, manifests, subject } = facts
  const rest = { artifactType, annotations: Object.fromEntries(annotations), config, layers }
  const fields = [
    key,
    bytes,
    kind,
    subject === undefined ? "" : JSON.stringify(subject),
    manifests.length === 0 ? "" : JSON.stringify(manifests),
    JSON.stringify(rest)
  ]
  return `${fields.join("\t")}\n`
}

/** A line of which no more than the key was read. */
export interface FactsLine {
  readonly key: string
  /** The line as it was written, without its break. */
  readonly line: string
}

/** The line, without its break, if it is one. */
export const readLine = (line: string): FactsLine | undefined => {
  const end = line.indexOf("\t")
  return end <= 0 || line.length > longest ? undefined : { key: line.slice(0, end), line }
}

/** What a line says of the manifest with this media type; none where it is not what we write. */
export const readFacts = ({ key, line }: FactsLine, mediaType: string): Facts | undefined => {
  const [size, kind, subject, below, rest] = fieldsAfter(line, key.length + 1)
  const bytes = Number(size)
  if (kind !== "image" && kind !== "index" && kind !== "artifact") return undefined
  if (!Number.isSafeInteger(bytes) || bytes < 0) return undefined
  const manifests = below === "" ? [] : descriptorsOf(parsed(below))
  const one = subject === "" ? undefined : descriptorOf(parsed(subject))
  if (manifests === undefined || (subject !== "" && one === undefined)) return undefined
  return new FactsRead({ kind, mediaType, bytes, manifests, ...field("subject", one) }, rest)
}

/** Cut one by one: what most lines say last is long. */
const fieldsAfter = (line: string, start: number): readonly [string, string, string, string, string] => {
  const ends: Array<number> = []
  for (let at = start; ends.length < 4; at = (ends.at(-1) ?? 0) + 1) {
    const end = line.indexOf("\t", at)
    ends.push(end < 0 ? line.length : end)
  }
  const [one = 0, two = 0, three = 0, four = 0] = ends
  return [
    line.slice(start, one),
    line.slice(one + 1, two),
    line.slice(two + 1, three),
    line.slice(three + 1, four),
    line.slice(four + 1)
  ]
}

type Told = Omit<Facts, "annotations" | "artifactType" | "config" | "layers">
type Rest = Pick<Facts, "annotations" | "artifactType" | "config" | "layers">

/** What most who ask do not need is read when it is asked for. */
class FactsRead implements Facts {
  readonly kind: Facts["kind"]
  readonly mediaType: string
  readonly bytes: number
  readonly manifests: ReadonlyArray<Descriptor>
  declare readonly subject?: Descriptor
  declare readonly artifactType?: string
  declare readonly config?: Descriptor
  readonly #text: string
  #rest: Rest | undefined

  constructor({ bytes, kind, manifests, mediaType, subject }: Told, text: string) {
    this.kind = kind
    this.mediaType = mediaType
    this.bytes = bytes
    this.manifests = manifests
    if (subject !== undefined) this.subject = subject
    this.#text = text
  }

  // Fields that may be missing cannot be declared as accessors.
  static {
    Object.defineProperties(this.prototype, {
      artifactType: {
        get(this: FactsRead) {
          return this.rest.artifactType
        }
      },
      config: {
        get(this: FactsRead) {
          return this.rest.config
        }
      }
    })
  }

  get rest(): Rest {
    return this.#rest ??= restOf(this.#text)
  }

  get annotations(): ReadonlyMap<string, string> {
    return this.rest.annotations
  }

  get layers(): ReadonlyArray<Descriptor> {
    return this.rest.layers
  }
}

const restOf = (text: string): Rest => {
  const value = parsed(text)
  const { annotations, artifactType, config, layers } = isJsonObject(value) ? value : {}
  const one = descriptorOf(config)
  return {
    annotations: new Map(isJsonObject(annotations) ? stringEntries(annotations) : []),
    layers: descriptorsOf(layers) ?? [],
    ...(typeof artifactType === "string" ? { artifactType } : {}),
    ...field("config", one)
  }
}

const descriptorOf = (value: Schema.Json | undefined): Descriptor | undefined =>
  Result.getOrUndefined(descriptorAt(value, "", "read"))

const descriptorsOf = (value: Schema.Json | undefined): ReadonlyArray<Descriptor> | undefined => {
  if (!isList(value)) return undefined
  const all = value.map(descriptorOf).filter((one) => one !== undefined)
  return all.length === value.length ? all : undefined
}

const parsed = (text: string): Schema.Json | undefined => Result.getOrUndefined(readJson(Buffer.from(text)))
