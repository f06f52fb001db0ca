/** A registry whose content is read from where registries.conf says. */
import { Effect, Stream } from "effect"
import { type RegistryBlocked, type RemoteError } from "../oci/OciError.ts"
import { refusedBy } from "./conf/refusedBy.ts"
import { type Endpoint, nameOf, type RegistriesConf, saysOf, type Source, sourcesOf } from "./conf/RegistriesConf.ts"
import type { RemoteRegistry } from "./makeRemote.ts"

/**
 * The registry at `host`, read through its mirrors (containers-registries.conf(5)): manifests, tags and blobs are asked of one
 * place after the other, the location of the entry last, until one has it; what comes after the manifest is asked first where
 * that was. Lists and changes are those of the registry itself, which `direct` is: no mirror knows of all.
 * `open` opens a place with the credentials for its host; what it fails with is a place that does not answer.
 */
export const throughMirrors = (
  direct: RemoteRegistry,
  host: string,
  conf: RegistriesConf,
  open: (endpoint: Endpoint) => Effect.Effect<RemoteRegistry, RemoteError | RegistryBlocked>
): RemoteRegistry => {
  if (!saysOf(conf, host)) return direct
  /** Where the last manifest of a repository was found. */
  const last = new Map<string, Endpoint>()

  const sourcesFor = (repository: string, byDigest: boolean): ReadonlyArray<Source> => {
    const all = sourcesOf(conf, host, repository, byDigest)
    const before = byDigest ? last.get(repository) : undefined
    if (before === undefined) return all
    const isBefore = ({ endpoint }: Source) => keyOf(endpoint) === keyOf(before)
    return [...all.filter(isBefore), ...all.filter((one) => !isBefore(one))]
  }

  const read = <A, E, R>(
    repository: string,
    reference: string,
    run: (registry: RemoteRegistry, repository: string) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | RemoteError | RegistryBlocked, R> => {
    const from = ({ blockedBy, endpoint }: Source): Effect.Effect<A, E | RemoteError | RegistryBlocked, R> =>
      blockedBy === undefined
        ? open(endpoint).pipe(
          Effect.flatMap((registry) => run(registry, endpoint.repository)),
          Effect.tap(() => Effect.sync(() => last.set(repository, endpoint)))
        )
        : Effect.fail(refusedBy(blockedBy, nameOf(endpoint.host, endpoint.repository)))
    const [first, ...others] = sourcesFor(repository, reference.includes(":"))
    return others.reduce(
      (before, source) =>
        before.pipe(
          Effect.tapError((error) => Effect.logDebug(`${nameOf(host, repository)} is read elsewhere`, error)),
          Effect.catch(() => from(source))
        ),
      first === undefined ? run(direct, repository) : from(first)
    )
  }

  const reads: Pick<
    RemoteRegistry,
    | "get"
    | "getBlob"
    | "getBlobRange"
    | "getManifest"
    | "getTag"
    | "resolve"
    | "resolveBlob"
    | "resolveManifest"
    | "resolveTag"
  > = {
    get: (name, reference) => read(name, reference, (at, repository) => at.get(repository, reference)),
    getBlob: (name, digest, options) => read(name, digest, (at, repository) => at.getBlob(repository, digest, options)),
    getBlobRange: (name, digest, range) =>
      read(name, digest, (at, repository) => at.getBlobRange(repository, digest, range)),
    getManifest: (name, digest) => read(name, digest, (at, repository) => at.getManifest(repository, digest)),
    getTag: (name, tag) => read(name, tag, (at, repository) => at.getTag(repository, tag)),
    resolve: (name, reference) => read(name, reference, (at, repository) => at.resolve(repository, reference)),
    resolveBlob: (name, digest) => read(name, digest, (at, repository) => at.resolveBlob(repository, digest)),
    resolveManifest: (name, digest) => read(name, digest, (at, repository) => at.resolveManifest(repository, digest)),
    resolveTag: (name, tag) => read(name, tag, (at, repository) => at.resolveTag(repository, tag))
  }
  return {
    ...direct,
    ...reads,
    streamBlob: (name, digest, options) =>
      Stream.unwrap(Effect.map(reads.getBlob(name, digest, options), ({ stream }) => stream)),
    describe: (name, descriptor) =>
      read(name, descriptor.digest, (at, repository) => at.describe(repository, descriptor)),
    choices: (name, tag) => Effect.map(reads.resolveTag(name, tag), (only) => [only])
  }
}

const keyOf = ({ host, repository }: Endpoint): string => nameOf(host, repository)
