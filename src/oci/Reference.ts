/** How content is named by people: a repository, a tag, and both with a host and a digest (distribution-spec). */
import { Result, Schema } from "effect"
import { type ContentDigest, isContentDigest } from "./Digest.ts"
import { field } from "./field.ts"
import { NameInvalid, ReferenceInvalid, TagInvalid } from "./OciError.ts"
import { named, quoted } from "./quoted.ts"

const maxReference = 4096
const maxRepository = 255
const maxTag = 128

const component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
const repository = `${component}(?:/${component})*`
const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
const domain = `${label}(?:\\.${label})+`
/** A dot, brackets or a port: without one of them a first component is part of the repository. */
const host = `(?:(?:${domain}|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?|${label}:[0-9]+)`

const repositoryForm = new RegExp(`^${repository}$`, "u")
const tagForm = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/u
const hostForm = new RegExp(`^${host}$`, "u")
const referenceForm = new RegExp(`^(?:(${host})/)?(${repository})(?::([^@]+))?(?:@(.+))?$`, "u")

/** `<name>` of the distribution-spec ("Pulling manifests"): lower-case path components, at most 255 characters. */
export const Repository = Schema.String.check(
  Schema.isMaxLength(maxRepository),
  Schema.isPattern(repositoryForm, { expected: "a repository name" })
).pipe(Schema.brand("Repository"))
export type Repository = typeof Repository.Type

/** `<reference>` as a tag: 1 to 128 letters, digits, dots, dashes and underscores, not starting with dot or dash. */
export const Tag = Schema.String.check(
  Schema.isMaxLength(maxTag),
  Schema.isPattern(tagForm, { expected: "a tag" })
).pipe(Schema.brand("Tag"))
export type Tag = typeof Tag.Type

/** What a name inside a layout can say: there is no host. */
export interface LayoutReference {
  readonly repository: Repository
  readonly tag?: Tag
  readonly digest?: ContentDigest
}

/** What a reference says: `[host/]repository[:tag][@digest]`. */
export interface Reference extends LayoutReference {
  readonly host?: string
}

export const isRepository = (input: unknown): input is Repository =>
  typeof input === "string" && input.length <= maxRepository && repositoryForm.test(input)

export const isTag = (input: unknown): input is Tag =>
  typeof input === "string" && input.length <= maxTag && tagForm.test(input)

/** `domain[:port]`, `[ipv6][:port]` or `name:port`; ports are digits, not range checked, as in docker/oci. */
export const isHost = (input: string): boolean => input.length <= maxReference && hostForm.test(input)

export const parseRepository = (input: string): Result.Result<Repository, NameInvalid> =>
  isRepository(input)
    ? Result.succeed(input)
    : Result.fail(new NameInvalid({ repository: input, reason: whyNoRepository(input) }))

export const parseTag = (input: string): Result.Result<Tag, TagInvalid> =>
  isTag(input) ? Result.succeed(input) : Result.fail(new TagInvalid({ tag: input, reason: whyNoTag(input) }))

const whyNoRepository = (input: string): string => {
  if (input === "") return "is empty"
  if (input.length > maxRepository) return `is longer than ${maxRepository} characters`
  if (/[A-Z]/u.test(input)) return "has an upper-case letter"
  return "must be lower-case letters and digits, joined by a dot, one or two underscores or dashes, in parts split by /"
}

const whyNoTag = (input: string): string => {
  if (input === "") return "is empty"
  if (input.length > maxTag) return `is longer than ${maxTag} characters`
  return "must be letters, digits, dots, dashes and underscores, not starting with a dot or a dash"
}

/** Builds what is there and leaves out what is not. */
const referenceOf = (
  host: string | undefined,
  repository: Repository,
  tag: Tag | undefined,
  digest: ContentDigest | undefined
): Reference => ({
  ...field("host", host),
  repository,
  ...field("tag", tag),
  ...field("digest", digest)
})

/** The parts of `[host/]repository[:tag][@digest]`, or why there are none. */
const read = (input: string): Result.Result<Reference, string> => {
  if (input.length > maxReference) return Result.fail(`is longer than ${maxReference} characters`)
  const parts = referenceForm.exec(input)
  if (parts === null) return Result.fail("does not fit [host/]repository[:tag][@digest]")
  const [, host, repository, tag, digest] = parts
  if (!isRepository(repository)) return Result.fail(`has a repository longer than ${maxRepository} characters`)
  if (tag !== undefined && !isTag(tag)) return Result.fail(badTag(tag))
  if (digest !== undefined && !isContentDigest(digest)) return Result.fail(badDigest(digest))
  return Result.succeed(referenceOf(host, repository, tag, digest))
}

const badTag = (tag: string): string => `has a tag, ${quoted(tag)}, that ${whyNoTag(tag)}`

const badDigest = (digest: string): string => `has a digest, ${quoted(digest)}, that is not sha256 or sha512 in full`

const invalid = (input: string) => (reason: string): ReferenceInvalid => new ReferenceInvalid({ input, reason })

/** `[host/]repository[:tag][@digest]`. Text before the first `/` is a host only with a dot, a port or brackets. */
export const parseReference = (input: string): Result.Result<Reference, ReferenceInvalid> =>
  Result.mapError(read(input), invalid(input))

const dockerHub = "docker.io"
const dockerHubHosts: ReadonlySet<string> = new Set([dockerHub, "index.docker.io", "registry-1.docker.io"])

/** As Docker reads a name: no host means docker.io, whose repositories without a `/` are in `library/`. */
export const parseRelative = (
  input: string
): Result.Result<Reference & { readonly host: string }, ReferenceInvalid> =>
  Result.mapError(Result.flatMap(read(input), onDockerHub), invalid(input))

const onDockerHub = (reference: Reference): Result.Result<Reference & { readonly host: string }, string> => {
  const { host = dockerHub, repository, ...rest } = reference
  if (!dockerHubHosts.has(host)) return Result.succeed({ host, repository, ...rest })
  const full = repository.includes("/") ? repository : `library/${repository}`
  return isRepository(full)
    ? Result.succeed({ host: dockerHub, repository: full, ...rest })
    : Result.fail(`has a repository longer than ${maxRepository} characters with library/ before it`)
}

/**
 * `repository[:tag][@digest]`, as names inside a layout are: there is no host, so a dotted first component is part of
 * the repository, and a port is refused.
 */
export const parseLayoutReference = (input: string): Result.Result<LayoutReference, ReferenceInvalid> =>
  Result.mapError(readInLayout(input), invalid(input))

const readInLayout = (input: string): Result.Result<LayoutReference, string> => {
  if (input === "") return Result.fail("is empty")
  if (input.length > maxReference) return Result.fail(`is longer than ${maxReference} characters`)
  const at = input.indexOf("@")
  const name = at === -1 ? input : input.slice(0, at)
  const digest = at === -1 ? undefined : input.slice(at + 1)
  if (digest !== undefined && !isContentDigest(digest)) return Result.fail(badDigest(digest))
  if (isRepository(name)) return Result.succeed(referenceOf(undefined, name, undefined, digest))
  if (hasPort(name)) return Result.fail("has a host with a port, which no repository in a layout can have")
  const colon = name.lastIndexOf(":")
  const repository = colon === -1 ? name : name.slice(0, colon)
  if (!isRepository(repository)) {
    return Result.fail(`has a repository, ${named(repository)}, that ${whyNoRepository(repository)}`)
  }
  const tag = name.slice(colon + 1)
  return isTag(tag) ? Result.succeed(referenceOf(undefined, repository, tag, digest)) : Result.fail(badTag(tag))
}

/** Whether the first component of a path is `host:port`; without a `/` after it, that is a repository and its tag. */
export const hasPort = (name: string): boolean => {
  const slash = name.indexOf("/")
  if (slash === -1) return false
  const first = name.slice(0, slash)
  return first.includes(":") && isHost(first)
}

/** The text that parses back to the same reference. */
export const formatReference = ({ digest, host, repository, tag }: Reference): string =>
  `${host === undefined ? "" : `${host}/`}${repository}${tag === undefined ? "" : `:${tag}`}${
    digest === undefined ? "" : `@${digest}`
  }`
