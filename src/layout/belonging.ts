/**
 * The ways in which a manifest belongs to another one without being a part of it: signatures, SBOMs, attestations. All of
 * them stand here, so that every question about them has one answer.
 */
import { containerdName, refName } from "../oci/Annotations.ts"
import { type Descriptor, fieldOf, isJsonObject } from "../oci/Descriptor.ts"
import { kindOf } from "../oci/MediaType.ts"
import type { Tag } from "../oci/Reference.ts"
import type { Entry } from "./Entry.ts"

/**
 * `subject`: the manifest names it (image-spec 1.1). `tag`: a tag `sha256-<hex>`, with or without a suffix, is made of its
 * digest (cosign; distribution-spec, "Referrers Tag Schema"). `kind`: `cosign save` put it behind the image in the index.
 * `annotation`: a descriptor of it names the digest in an annotation, as Docker's attestations do.
 */
export type Way = "subject" | "tag" | "kind" | "annotation"

/** One manifest that belongs to another. */
export interface Bond {
  readonly digest: string
  readonly subject: string
  readonly by: Way
  /** The tag that says so. */
  readonly tag?: Tag
  /** It is a list of what belongs to the subject, and no signature or SBOM itself. */
  readonly isList?: true
  /** What an entry has to be annotated with to say the same where neither tag nor index says it. */
  readonly annotations?: Readonly<Record<string, string>>
}

/** What has to be known of a manifest. */
interface Known {
  readonly subject?: Pick<Descriptor, "digest">
  readonly manifests: ReadonlyArray<Descriptor>
}

const referrerSubject = "org.opencontainers.image.referrer.subject"

/** Annotations of a descriptor whose value is the digest of what the described belongs to. */
const subjectAnnotations = [
  // BuildKit, of the attestations in an index.
  "vnd.docker.reference.digest",
  // oras and zot, after a proposal to the image-spec (pull request 1171).
  referrerSubject,
  // The index of the SOCI snapshotter, in an index beside its image.
  "com.amazon.soci.image-manifest-digest"
]

/** The spec cuts the hexadecimal digits at 64; some tools do not. */
const attachedForm = /^(sha256-[0-9a-f]{64}|sha512-[0-9a-f]{64}(?:[0-9a-f]{64})?)(\..+)?$/u

/** The digest that a tag is made of, or its beginning where a tag cannot hold all of it, and what follows it. */
export const attachedTag = (tag: string): { readonly digest: string; readonly suffix: string } | undefined => {
  const [, digest, suffix = ""] = attachedForm.exec(tag) ?? []
  return digest === undefined ? undefined : { digest: digest.replace("-", ":"), suffix }
}

const kindKey = "kind"
const cosignKind = "dev.cosignproject.cosign/"
const savedImages = new Set(["image", "imageIndex"].map((name) => `${cosignKind}${name}`))

const annotationsOf = (entry: Entry): Readonly<Record<string, unknown>> => {
  const annotations = isJsonObject(entry.value) ? fieldOf(entry.value, "annotations") : undefined
  return isJsonObject(annotations) ? annotations : {}
}

const annotated = (annotations: Readonly<Record<string, unknown>> = {}): string | undefined =>
  subjectAnnotations.map((key) => Object.hasOwn(annotations, key) ? annotations[key] : undefined)
    .find((value) => typeof value === "string")

/** What an entry says besides its name. */
const nameless = (annotations: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, string>> => {
  const { [refName]: _name, [containerdName]: _image, ...rest } = annotations
  return Object.fromEntries(
    Object.entries(rest).flatMap(([key, value]) => typeof value === "string" ? [[key, value]] : [])
  )
}

/**
 * Who belongs to whom, each pair once, in no order.
 *
 * @param facts what is known of manifests, by their digests
 */
export const bondsOf = (
  entries: ReadonlyArray<Entry>,
  facts: ReadonlyMap<string, Known>
): ReadonlyArray<Bond> => {
  const bonds = new Map<string, Bond>()
  const add = (bond: Bond): void => {
    const key = `${bond.digest} ${bond.subject}`
    if (bond.digest !== bond.subject && !bonds.has(key)) bonds.set(key, bond)
  }
  /** An index that is named so is a list of what belongs to the subject. */
  const addNamed = (bond: Bond, descriptor: Descriptor, suffix = ""): void => {
    const isList = suffix === "" && kindOf(descriptor.mediaType) === "index"
    if (bond.digest === bond.subject) return
    add(isList ? { ...bond, isList } : bond)
    if (!isList) return
    // The tag is the list's alone.
    const { tag: _tag, ...rest } = bond
    for (const { digest } of facts.get(bond.digest)?.manifests ?? []) add({ ...rest, digest })
  }

  for (const [digest, { manifests, subject }] of facts) {
    if (subject !== undefined) add({ digest, subject: subject.digest, by: "subject" })
    for (const child of manifests) {
      const named = annotated(child.annotations)
      if (named === undefined) continue
      add({ digest: child.digest, subject: named, by: "annotation", annotations: nameless(child.annotations) })
    }
  }
  let saved: string | undefined
  for (const entry of entries) {
    const { descriptor, name } = entry
    if (descriptor === undefined) continue
    const { digest } = descriptor
    const annotations = annotationsOf(entry)
    const named = annotated(annotations)
    if (named !== undefined) {
      addNamed({ digest, subject: named, by: "annotation", annotations: nameless(annotations) }, descriptor)
    }
    const attached = name._tag === "Tagged" ? attachedTag(name.tag) : undefined
    if (attached !== undefined && name._tag === "Tagged") {
      const subject = whole(attached.digest, facts)
      addNamed({ digest, subject, by: "tag", tag: name.tag }, descriptor, attached.suffix)
    }
    const kind = annotations[kindKey]
    if (typeof kind !== "string" || !kind.startsWith(cosignKind)) continue
    if (savedImages.has(kind)) saved = digest
    else if (saved !== undefined) {
      add({ digest, subject: saved, by: "kind", annotations: { ...nameless(annotations), [referrerSubject]: saved } })
    }
  }
  return Array.from(bonds.values())
}

/** A digest of SHA-512 is longer than a tag may be, so the tag has the beginning of it. */
const whole = (digest: string, facts: ReadonlyMap<string, Known>): string => {
  if (!digest.startsWith("sha512:") || facts.has(digest)) return digest
  for (const known of facts.keys()) if (known.startsWith(digest)) return known
  return digest
}
