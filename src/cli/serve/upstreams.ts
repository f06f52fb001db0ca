/** Registries on the network that a server asks for what it lacks, as flags name them. */
import { Effect, Option, Result, type Scope } from "effect"
import { labelOf, type Upstream } from "../../http/index.ts"
import { isHost, isRepository } from "../../oci/Reference.ts"
import type { Failure } from "../Failure.ts"
import { makeRemotes } from "../remote/remotes.ts"
import type { UpstreamFlags } from "./upstreamFlags.ts"

/** An upstream that was named, and is not opened yet. */
export type NamedUpstream = Omit<Upstream, "registry">

const minute = 60_000

export const maxAgeMillisOf = ({ maxAge }: UpstreamFlags): number => Option.getOrElse(maxAge, () => 10) * minute

export const parseUpstreams = (
  { upstream }: Pick<UpstreamFlags, "upstream">
): Result.Result<ReadonlyArray<NamedUpstream>, string> =>
  Result.gen(function*() {
    const found: Array<NamedUpstream> = []
    for (const written of upstream) {
      const [, host = "", path = ""] = /^(?:docker:\/\/)?([^/]+)(?:\/(.*?))?\/?$/su.exec(written) ?? []
      const isNamed = (isHost(host) || /^[A-Za-z0-9-]+$/u.test(host)) && (path === "" || isRepository(path))
      const lower = host.toLowerCase()
      // What is kept of it may have to stand below its name.
      if (!isNamed || !isRepository(labelOf(lower))) {
        return yield* Result.fail(`--upstream takes docker://HOST or docker://HOST/REPOSITORY, not ${written}`)
      }
      if (found.some((one) => labelOf(one.host) === labelOf(lower))) {
        return yield* Result.fail(`--upstream names ${host} twice`)
      }
      found.push({ host: lower, ...(path === "" ? {} : { path }) })
    }
    return found
  })

/** Opens them; nothing is sent yet. Their logins are those that copies use. */
export const openUpstreams = Effect.fnUntraced(function*(
  named: ReadonlyArray<NamedUpstream>,
  flags: UpstreamFlags
): Effect.fn.Return<ReadonlyArray<Upstream>, Failure, Scope.Scope> {
  const remotes = yield* makeRemotes(flags)
  return yield* Effect.forEach(
    named,
    (one) => Effect.map(remotes.source(one.host, one.path), (registry) => ({ ...one, registry }))
  )
})
