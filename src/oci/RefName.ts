/** How an entry of `index.json` names itself, whichever tool wrote it (image-spec, annotations.md). */
import { type Digest, isContentDigest, isDigest } from "./Digest.ts"
import { quoted } from "./quoted.ts"
import { hasPort, isRepository, isTag, type Repository, type Tag } from "./Reference.ts"

/** A repository and a tag. */
export interface Tagged {
  readonly _tag: "Tagged"
  readonly repository: Repository
  readonly tag: Tag
  /** `full`: repo:tag; `bare`: the tag alone; `containerd`: the repository, and maybe the tag, in another annotation. */
  readonly dialect: "full" | "bare" | "containerd"
}

/** A repository only: `repo@digest`, `repo`, or no name at all. */
export interface Untagged {
  readonly _tag: "Untagged"
  readonly repository: Repository
  readonly dialect: "full" | "bare"
}

/** A name that cannot be understood, and which rule it breaks; the entry stays addressable by the raw name. */
export interface Raw {
  readonly _tag: "Raw"
  readonly reason: string
  /** The full image name, where the other annotation has it and the ref.name is only its tag. */
  readonly fullName?: string
}

/** What the name of an entry means. */
export type Name = Tagged | Untagged | Raw

const maxLength = 4096

/**
 * Reads a ref.name. It never fails: what no rule understands is `Raw`.
 *
 * @param rawName the annotation `org.opencontainers.image.ref.name`
 * @param containerdName the annotation `io.containerd.image.name`, which says the repository of a bare tag, and all of
 *   the name of an entry that has no other
 * @param defaultRepository the repository of bare tags and of entries without a name
 */
export const parseRefName = (
  rawName: string | undefined,
  containerdName: string | undefined,
  defaultRepository: Repository | undefined
): Name => {
  if (rawName === undefined || rawName === "") {
    const full = containerdName === undefined ? undefined : parseImageName(containerdName)
    if (full !== undefined) return full
    return defaultRepository === undefined
      ? raw("has no name and there is no default repository")
      : { _tag: "Untagged", repository: defaultRepository, dialect: "bare" }
  }
  if (rawName.length > maxLength) return raw(`is longer than ${maxLength} characters`)
  return isTag(rawName) ? parseBareTag(rawName, containerdName, defaultRepository) : parseFullName(rawName)
}

/** A full image name that stands alone; nothing where it has no tag, or is none. */
const parseImageName = (containerdName: string): Tagged | Raw | undefined => {
  if (containerdName.length > maxLength) return undefined
  const name = parseFullName(containerdName)
  if (name._tag === "Tagged") return { ...name, dialect: "containerd" }
  const tag = endOfName(containerdName)
  return isTag(tag) ? strangerIn(containerdName, tag) : undefined
}

const raw = (reason: string): Raw => ({ _tag: "Raw", reason })

const parseBareTag = (
  tag: Tag,
  containerdName: string | undefined,
  defaultRepository: Repository | undefined
): Name => {
  const repository = containerdName === undefined ? undefined : repositoryIn(containerdName, tag)
  if (repository !== undefined) return { _tag: "Tagged", repository, tag, dialect: "containerd" }
  const fullName = containerdName === undefined ? undefined : strangerIn(containerdName, tag)
  if (fullName !== undefined) return fullName
  return defaultRepository === undefined
    ? raw("is a bare tag and there is no default repository")
    : { _tag: "Tagged", repository: defaultRepository, tag, dialect: "bare" }
}

/** What stands before the tag of a full image name that ends in this very tag, host included. */
const beforeTag = (containerdName: string, tag: Tag): string | undefined => {
  if (containerdName.length > maxLength) return undefined
  const at = containerdName.indexOf("@")
  if (at !== -1 && !isContentDigest(containerdName.slice(at + 1))) return undefined
  const name = at === -1 ? containerdName : containerdName.slice(0, at)
  const suffix = `:${tag}`
  return name.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined
}

const repositoryIn = (containerdName: string, tag: Tag): Repository | undefined => {
  const repository = beforeTag(containerdName, tag)
  return isRepository(repository) ? repository : undefined
}

/** A full name that no repository can have, as one with a port: it tells the entry from others with the same tag. */
const strangerIn = (containerdName: string, tag: Tag): Raw | undefined => {
  const before = beforeTag(containerdName, tag)
  return before === undefined || before === "" || isRepository(before)
    ? undefined
    : { _tag: "Raw", reason: whyNoName(`${before}:${tag}`, before), fullName: containerdName }
}

/** What comes before the first `@`, after the last `:` of it: the tag, of every name that has one. */
export const endOfName = (rawName: string): string => {
  const at = rawName.indexOf("@")
  return rawName.slice(rawName.lastIndexOf(":", at === -1 ? rawName.length : at) + 1, at === -1 ? rawName.length : at)
}

/** `repo:tag`, `repo@digest`, `repo:tag@digest` and `repo`; cut at the first `@`, then at the last `:`. */
const parseFullName = (rawName: string): Name => {
  if (isRegisteredDigest(rawName)) return raw("is a digest, not a name")
  const at = rawName.indexOf("@")
  const name = at === -1 ? rawName : rawName.slice(0, at)
  if (at !== -1 && !isDigest(rawName.slice(at + 1))) return raw("has no valid digest after the @")
  if (isRepository(name)) return { _tag: "Untagged", repository: name, dialect: "full" }
  const colon = name.lastIndexOf(":")
  const repository = colon === -1 ? name : name.slice(0, colon)
  const tag = name.slice(colon + 1)
  if (isRepository(repository) && isTag(tag)) return { _tag: "Tagged", repository, tag, dialect: "full" }
  return raw(whyNoName(name, repository))
}

/** Every `word:word` fits the grammar of digests, so only the algorithms of the image-spec tell one from a name. */
const isRegisteredDigest = (name: string): boolean =>
  isContentDigest(name) || (name.startsWith("blake3:") && isDigest(name))

const whyNoName = (name: string, repository: string): string => {
  if (hasPort(name)) return "has a host with a port, which no repository name can hold"
  if (isRepository(repository)) return "has no valid tag after the last colon"
  if (repository.length > 255) return "has a repository of more than 255 characters"
  if (/[A-Z]/u.test(repository)) return "has an upper-case letter in the repository"
  const stranger = /[^A-Za-z0-9._\-/:]/u.exec(name)
  if (stranger !== null) return `has the character ${quoted(stranger[0])}, which no repository or tag can hold`
  return "does not fit repository[:tag][@digest]"
}

/** How we write the name of a tagged entry. */
export const formatTagged = (repository: Repository, tag: Tag): string => `${repository}:${tag}`

/** How we write the name of an entry without a tag. */
export const formatUntagged = (repository: Repository, digest: Digest): string => `${repository}@${digest}`
