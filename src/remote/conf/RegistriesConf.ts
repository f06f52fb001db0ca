/** What containers-registries.conf(5) says of registries: where content is read from, and what may not be asked. */
import { field } from "../../oci/field.ts"
import { isHost } from "../../oci/Reference.ts"

/** A place that content is read from. */
export interface Endpoint {
  /** `HOST[:PORT]`. */
  readonly host: string
  readonly repository: string
  /** Whether its certificate need not be right, and whether it may be spoken to without TLS. */
  readonly insecure: boolean
}

/** Which pulls ask a mirror. */
export type PullFromMirror = "all" | "digest-only" | "tag-only"

/** One `[[registry.mirror]]`. */
export interface MirrorEntry {
  readonly location: string
  readonly insecure: boolean
  readonly pulls: PullFromMirror
}

/** One `[[registry]]`. */
export interface RegistryEntry {
  /** The file it stands in. */
  readonly file: string
  /** `HOST[:PORT][/PATH]`, or `*.HOST`. */
  readonly prefix: string
  /** What stands in place of the prefix; empty for the name as it is. */
  readonly location: string
  readonly insecure: boolean
  readonly blocked: boolean
  readonly mirrors: ReadonlyArray<MirrorEntry>
}

/** Each prefix stands once. */
export type RegistriesConf = ReadonlyArray<RegistryEntry>

/** Up to where a name of a repository is what a prefix says; -1 where it is something else. */
const endOf = (name: string, prefix: string): number => {
  const isEnd = (at: number) => at === name.length || name[at] === "/" || name[at] === ":"
  if (!prefix.startsWith("*.")) return name.startsWith(prefix) && isEnd(prefix.length) ? prefix.length : -1
  const suffix = prefix.slice(1)
  const at = name.indexOf(suffix)
  return at > 0 && !name.slice(0, at).includes("/") && isEnd(at + suffix.length) ? at + suffix.length : -1
}

/** The entry with the longest prefix that fits `HOST[:PORT][/REPOSITORY]`. */
export const entryFor = (conf: RegistriesConf, name: string): RegistryEntry | undefined => {
  let found: RegistryEntry | undefined
  for (const entry of conf) {
    if (endOf(name, entry.prefix) >= 0 && entry.prefix.length > (found?.prefix.length ?? 0)) found = entry
  }
  return found
}

/** A repository as a place names it, and the host alone where there is none. */
export const nameOf = (host: string, repository: string | undefined): string =>
  repository === undefined ? host : `${host}/${repository}`

/** Whether an entry says something of at least one repository of this registry. */
export const saysOf = (conf: RegistriesConf, host: string): boolean =>
  conf.some(({ prefix }) => endOf(host, prefix) >= 0 || endOf(prefix, host) >= 0)

/** Whether the certificate of a registry need not be right, as it is named. */
export const insecureFor = (conf: RegistriesConf, host: string, repository: string | undefined): boolean =>
  entryFor(conf, nameOf(host, repository))?.insecure ?? false

const placed = (entry: RegistryEntry, name: string, location: string, insecure: boolean): Endpoint | undefined => {
  const moved = location === "" ? name : `${location}${name.slice(endOf(name, entry.prefix))}`
  const slash = moved.indexOf("/")
  return slash < 0 ? undefined : { host: hostOf(moved), repository: moved.slice(slash + 1), insecure }
}

/** The host of a location; Docker Hub has one name here. */
const hostOf = (location: string): string => {
  const [host = ""] = location.split("/")
  return host === "index.docker.io" ? "docker.io" : host
}

/** Whether a location begins with a host that can be asked. */
export const hasHost = (location: string): boolean => {
  const host = hostOf(location)
  return isHost(host) || /^[A-Za-z0-9-]+$/u.test(host)
}

/** A place to read from, and the entry that forbids it. */
export interface Source {
  readonly endpoint: Endpoint
  readonly blockedBy?: RegistryEntry
}

/** Where a repository is read from, in this order: mirrors, each for the pulls that it is for, and what the entry leads to. */
export const sourcesOf = (
  conf: RegistriesConf,
  host: string,
  repository: string,
  byDigest: boolean
): ReadonlyArray<Source> => {
  const name = nameOf(host, repository)
  const entry = entryFor(conf, name)
  if (entry === undefined) return [{ endpoint: { host, repository, insecure: false } }]
  const mirrors = entry.mirrors.flatMap(({ insecure, location, pulls }) => {
    const isAsked = pulls === "all" || (pulls === "digest-only") === byDigest
    const endpoint = isAsked ? placed(entry, name, location, insecure) : undefined
    return endpoint === undefined ? [] : [endpoint]
  })
  const own = placed(entry, name, entry.location, entry.insecure) ?? { host, repository, insecure: entry.insecure }
  return [...mirrors, own].map((endpoint): Source => {
    const other = entryFor(conf, nameOf(endpoint.host, endpoint.repository))
    const blockedBy = endpoint === own && entry.blocked ? entry : other?.blocked === true ? other : undefined
    return { endpoint, ...field("blockedBy", blockedBy) }
  })
}
