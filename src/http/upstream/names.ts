/** Which registry on the network a repository is fetched from, and what it is called here. */
import { Result } from "effect"
import type { RegistryReads } from "../../ops/api/Registry.ts"
import { Refused } from "../Refused.ts"

/** A registry on the network that is asked for what is not here. */
export interface Upstream {
  /** `host` or `host:port`, in lower case. */
  readonly host: string
  /** Only this repository, and those below it, are asked for; by default all. */
  readonly path?: string | undefined
  readonly registry: RegistryReads
}

/** A repository of an upstream. */
export interface Located {
  readonly upstream: Upstream
  /** As it is called there. */
  readonly name: string
}

export interface UpstreamNames {
  /**
   * What a repository is called here. Those of the first upstream keep their names, those of others stand below their
   * host: `ghcr.io/team/app`, with `_` for a colon. A client may say the host before the name as well, or with `?ns=`, as
   * containerd does; of a host that was not named there is nothing.
   */
  readonly here: (repository: string, namespace: string | undefined) => Result.Result<string, Refused>
  /** Where the repository of a name from `here` is fetched from; nothing where no upstream is asked for it. */
  readonly there: (repository: string) => Located | undefined
}

/** How a host is written in the name of a repository. */
export const labelOf = (host: string): string => host.replaceAll(":", "_")

export const upstreamNames = (upstreams: ReadonlyArray<Upstream>): UpstreamNames => {
  const [first, ...others] = upstreams.map((upstream) => ({ upstream, label: labelOf(upstream.host) }))

  const located = (upstream: Upstream, name: string): Located | undefined =>
    upstream.path === undefined || name === upstream.path || name.startsWith(`${upstream.path}/`)
      ? { upstream, name }
      : undefined

  return {
    here: (repository, namespace) => {
      const bare = first !== undefined && repository.startsWith(`${first.label}/`)
        ? repository.slice(first.label.length + 1)
        : repository
      if (namespace === undefined) return Result.succeed(bare)
      const label = labelOf(namespace.toLowerCase())
      if (label === first?.label) return Result.succeed(bare)
      if (others.every((other) => other.label !== label)) return Result.fail(notNamed)
      return Result.succeed(repository.startsWith(`${label}/`) ? repository : `${label}/${repository}`)
    },
    there: (repository) => {
      const other = others.find(({ label }) => repository.startsWith(`${label}/`))
      if (other !== undefined) return located(other.upstream, repository.slice(other.label.length + 1))
      return first === undefined ? undefined : located(first.upstream, repository)
    }
  }
}

const notNamed = new Refused({
  status: 404,
  code: "NAME_UNKNOWN",
  message: "this server asks no such registry for what it lacks"
})
