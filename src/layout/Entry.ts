/** One descriptor in `index.json`, read once: the JSON as it stands there and what it means. */
import type { Schema } from "effect"
import { containerdName, refName as refNameKey } from "../oci/Annotations.ts"
import { type Descriptor, fieldOf, isJsonObject } from "../oci/Descriptor.ts"
import { readDescriptor } from "../oci/readDescriptor.ts"
import type { Repository } from "../oci/Reference.ts"
import { formatTagged, type Name, parseRefName } from "../oci/RefName.ts"

/** An entry is never changed: a changed entry is another entry. */
export interface Entry {
  /** The element of `manifests` as it was read, unknown fields included. */
  readonly value: Schema.Json
  /** `org.opencontainers.image.ref.name` as written, or none. */
  readonly refName: string | undefined
  /** The digest as written; empty when there is none. It need not be valid. */
  readonly digest: string
  /** What the name says; `Raw` with the reason when it cannot be understood. */
  readonly name: Name
  /** Absent when the element is no descriptor; then `name` is `Raw`. */
  readonly descriptor: Descriptor | undefined
}

/**
 * Reads one element of `manifests`. It never fails: what is no descriptor becomes an entry that is listed with the
 * reason, so that one bad entry makes no other unreadable.
 *
 * @param defaultRepository the repository that entries with a bare tag or no name belong to
 */
export const readEntry = (value: Schema.Json, defaultRepository: Repository | undefined): Entry => {
  const digest = own(value, "digest")
  const textOf = stringsOf(own(value, "annotations"))
  const refName = textOf(refNameKey)
  const written = { value, refName, digest: typeof digest === "string" ? digest : "" }
  const descriptor = readDescriptor(value)
  return descriptor._tag === "Success"
    ? {
      ...written,
      descriptor: descriptor.success,
      name: parseRefName(refName, textOf(containerdName), defaultRepository)
    }
    : { ...written, descriptor: undefined, name: { _tag: "Raw", reason: descriptor.failure } }
}

/** The name of an entry that cannot be understood, as people know it; nothing where it has none. */
export const rawNameOf = ({ name, refName }: Pick<Entry, "name" | "refName">): string | undefined =>
  (name._tag === "Raw" ? name.fullName : undefined) ?? refName

/** What `io.containerd.image.name` calls an entry, where that tells it apart from others with the same tag. */
export const fullNameOf = ({ name }: Pick<Entry, "name">): string | undefined => {
  if (name._tag === "Raw") return name.fullName
  return name._tag === "Tagged" && name.dialect === "containerd" ? formatTagged(name.repository, name.tag) : undefined
}

const own = (value: Schema.Json | undefined, field: string): Schema.Json | undefined =>
  isJsonObject(value) ? fieldOf(value, field) : undefined

const stringsOf = (annotations: Schema.Json | undefined) => (key: string): string | undefined => {
  const value = own(annotations, key)
  return typeof value === "string" ? value : undefined
}
