/** A layout that fetches from registries on the network what it lacks, keeps it, and serves it. */
import { Clock, Effect, Result, type Scope, Stream } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { LimitExceeded, type RegistryError, RemoteError, Unauthorized } from "../../oci/OciError.ts"
import { isRepository, parseTag } from "../../oci/Reference.ts"
import { Actor } from "../../ops/api/Actor.ts"
import type { ManifestContent } from "../../ops/api/Content.ts"
import type { LayoutRegistry } from "../../ops/api/Layout.ts"
import type { ServedRegistry } from "../Surface.ts"
import { makeFlights } from "./flights.ts"
import { type Located, type Upstream, type UpstreamNames, upstreamNames } from "./names.ts"
import { Warnings } from "./Warnings.ts"

export interface ThroughOptions {
  /** Where it is kept. */
  readonly registry: LayoutRegistry
  readonly upstreams: ReadonlyArray<Upstream>
  /** For how long a tag is served as it is without asking its upstream: milliseconds. */
  readonly maxAgeMillis: number
  /** Bytes of a blob that is fetched. */
  readonly blobBytes: number
  /** How long an upstream is waited for where there is something to serve: milliseconds. */
  readonly patienceMillis?: number | undefined
  /** How long an upstream that could not be asked is not asked again where there is something to serve: milliseconds. */
  readonly pauseMillis?: number | undefined
}

export interface Through extends Pick<UpstreamNames, "here"> {
  readonly registry: ServedRegistry
}

const patience = 10_000
const pause = 30_000

/** Tags whose last look is remembered; of others the upstream is asked. */
const mostTags = 65_536

/**
 * Manifests by digest and blobs are fetched once, and never asked for again. A tag is asked for when it was not for
 * `maxAgeMillis`. Where its upstream cannot be asked, what is kept is served, with a warning. What the upstream says is
 * not there, is not there. Content is verified before it is kept or served. What is fetched at the same time by several
 * is fetched once, and to its end, also where those have left who wanted it.
 */
export const throughUpstream = Effect.fnUntraced(function*({
  blobBytes,
  maxAgeMillis,
  patienceMillis = patience,
  pauseMillis = pause,
  registry: local,
  upstreams
}: ThroughOptions): Effect.fn.Return<Through, never, Scope.Scope> {
  const { here, there } = upstreamNames(upstreams)
  const manifests = yield* makeFlights<ManifestContent>()
  const tags = yield* makeFlights<void>()
  const blobs = yield* makeFlights<void>()
  /** When a tag was asked for, by its repository here. */
  const asked = new Map<string, number>()
  /** Until when a host is not asked. */
  const pausing = new Map<string, number>()

  const keep =
    ({ upstream: { host } }: Located, repository: string, tags: ReadonlyArray<string>) =>
    ({ bytes, descriptor: { digest, mediaType } }: ManifestContent) =>
      local.pushManifest(repository, bytes, mediaType, { digest, tags, stored: true, sparse: true }).pipe(
        Effect.provideService(Actor, actorOf(host))
      )

  const fetchManifest = (at: Located, repository: string, digest: string) =>
    manifests(
      `${repository}@${digest}`,
      at.upstream.registry.getManifest(at.name, digest).pipe(Effect.tap(keep(at, repository, [])), asAnswer(at, digest))
    )

  const getManifest: ServedRegistry["getManifest"] = (repository, digest) =>
    orThere(local.getManifest(repository, digest), repository, (at) => fetchManifest(at, repository, digest))

  /** Brings a tag up to date; `ManifestUnknown` and `NameUnknown` where the upstream says so. */
  const refresh = Effect.fnUntraced(function*(
    at: Located,
    repository: string,
    tag: string,
    kept: Descriptor | undefined
  ): Effect.fn.Return<void, RegistryError> {
    const { name, upstream: { registry } } = at
    const now = kept === undefined ? undefined : yield* registry.resolveTag(name, tag)
    if (now === undefined || now.digest !== kept?.digest) {
      const found = now === undefined ? registry.getTag(name, tag) : registry.getManifest(name, now.digest)
      yield* Effect.flatMap(found, keep(at, repository, [tag]))
    }
    const key = `${repository}:${tag}`
    // Put last, so that the first one is the oldest.
    asked.delete(key)
    asked.set(key, yield* Clock.currentTimeMillis)
    const [oldest] = asked.keys()
    if (asked.size > mostTags && oldest !== undefined) asked.delete(oldest)
  })

  const warn = Effect.fnUntraced(function*(host: string, what: string) {
    const tell = yield* Warnings
    tell(`${host} could not be asked; ${what}`)
  })

  const inPause = Effect.fnUntraced(function*(host: string) {
    return (yield* Clock.currentTimeMillis) < (pausing.get(host) ?? 0)
  })

  const couldNotAsk = Effect.fnUntraced(function*(host: string, failure: RegistryError, what: string) {
    // One that answers, if only to refuse, is asked for the next thing.
    const isAway = failure._tag === "RemoteError" && failure.passing
    if (isAway) pausing.set(host, (yield* Clock.currentTimeMillis) + pauseMillis)
    yield* warn(host, what)
  })

  const bringTag = Effect.fnUntraced(function*(repository: string, tag: string): Effect.fn.Return<void, RegistryError> {
    const at = there(repository)
    if (at === undefined) return
    yield* Effect.fromResult(parseTag(tag))
    const { host } = at.upstream
    const key = `${repository}:${tag}`
    const kept = yield* ifThere(local.resolveTag(repository, tag))
    const work = tags(key, asAnswer(at, tag)(refresh(at, repository, tag, kept)))
    if (kept === undefined) return yield* work
    const age = (yield* Clock.currentTimeMillis) - (asked.get(key) ?? Number.NEGATIVE_INFINITY)
    if (age < maxAgeMillis) return
    if (yield* inPause(host)) return yield* warn(host, keptServed)
    const answer = yield* Effect.result(Effect.timeoutOrElse(work, {
      duration: patienceMillis,
      orElse: () => Effect.fail(tooSlow(host))
    }))
    if (Result.isSuccess(answer)) return
    const { failure } = answer
    if (failure._tag === "ManifestUnknown" || failure._tag === "NameUnknown") return yield* failure
    yield* couldNotAsk(host, failure, keptServed)
  })

  const bringBlob = (at: Located, repository: string, digest: string) =>
    blobs(
      `${repository}@${digest}`,
      Effect.scoped(Effect.gen(function*() {
        const { descriptor: { size }, stream } = yield* at.upstream.registry.getBlob(at.name, digest, {
          // It is hashed where it is kept.
          verify: false
        })
        if (size > blobBytes) return yield* new LimitExceeded({ what: `bytes of ${digest}`, limit: blobBytes })
        yield* local.pushBlob(repository, stream, { digest, size })
      })).pipe(asAnswer(at, digest))
    )

  /** What is here, or else what an upstream has. */
  const orThere = <A, E extends RegistryError, R>(
    found: Effect.Effect<A, E, R>,
    repository: string,
    elsewhere: (at: Located) => Effect.Effect<A, RegistryError, R>
  ) =>
    found.pipe(Effect.catch((failure): Effect.Effect<A, RegistryError, R> => {
      const isGone = failure._tag === "ManifestUnknown" || failure._tag === "NameUnknown" ||
        failure._tag === "BlobUnknown"
      const at = isGone ? there(repository) : undefined
      return at === undefined ? Effect.fail(failure) : elsewhere(at)
    }))

  /** A list of the upstream, or where it cannot be asked, of what is kept. */
  const listed = <A, E extends RegistryError>(
    repository: string,
    theirs: (at: Located) => Stream.Stream<A, E>,
    own: Stream.Stream<A, E>
  ): Stream.Stream<A, RegistryError> =>
    Stream.unwrap(Effect.gen(function*() {
      const at = there(repository)
      if (at === undefined) return own
      const { host } = at.upstream
      const found: Result.Result<ReadonlyArray<A>, E | RemoteError> = (yield* inPause(host))
        ? Result.fail(tooSlow(host))
        : yield* Effect.result(Stream.runCollect(theirs(at)))
      if (Result.isSuccess(found)) return Stream.fromIterable(found.success)
      if (found.failure._tag === "NameUnknown") return own
      yield* couldNotAsk(host, found.failure, "this is the list of what was kept")
      return own
    }))

  return {
    here,
    registry: {
      ...local,
      getManifest,
      resolveManifest: (repository, digest) =>
        orThere(
          local.resolveManifest(repository, digest),
          repository,
          (at) => Effect.map(fetchManifest(at, repository, digest), ({ descriptor }) => descriptor)
        ),
      resolveTag: (repository, tag) => Effect.andThen(bringTag(repository, tag), local.resolveTag(repository, tag)),
      getTag: (repository, tag) =>
        Effect.andThen(bringTag(repository, tag), local.getTag(repository, tag)).pipe(
          // Its content may have been taken away.
          Effect.catchTag("ManifestUnknown", (unknown) =>
            unknown.absent === true ? getManifest(repository, unknown.reference) : Effect.fail(unknown))
        ),
      resolveBlob: (repository, digest) =>
        orThere(
          local.resolveBlob(repository, digest),
          repository,
          (at) => asAnswer(at, digest)(at.upstream.registry.resolveBlob(at.name, digest))
        ),
      getBlob: (repository, digest, options) => {
        const found = local.getBlob(repository, digest, options)
        return orThere(found, repository, (at) => Effect.andThen(bringBlob(at, repository, digest), found))
      },
      getBlobRange: (repository, digest, range, options) => {
        const found = local.getBlobRange(repository, digest, range, options)
        return orThere(found, repository, (at) => Effect.andThen(bringBlob(at, repository, digest), found))
      },
      tags: (repository, page) =>
        listed(
          repository,
          ({ name, upstream }) => upstream.registry.tags(name, page),
          local.tags(repository, page)
        ),
      referrers: (repository, digest, options) =>
        listed(
          repository,
          ({ name, upstream }) => upstream.registry.referrers(name, digest, options),
          local.referrers(repository, digest, options)
        ),
      attached: (repository, digest, options) =>
        listed(
          repository,
          ({ name, upstream }) =>
            Stream.map(
              upstream.registry.attached(name, digest, options),
              (one) => ({ ...one, repositories: [repository].filter(isRepository) })
            ),
          local.attached(repository, digest, options)
        )
    }
  }
})

const keptServed = "this is what was kept"

/** Who has made the commits of what was fetched. */
const actorOf = (host: string): string => `upstream:${host}`

const ifThere = <A>(found: Effect.Effect<A, RegistryError>): Effect.Effect<A | undefined, RegistryError> =>
  Effect.catchTags(found, { ManifestUnknown: () => Effect.undefined, NameUnknown: () => Effect.undefined })

const remoteError = (host: string, operation: string, reason: string, passing: boolean): RemoteError =>
  new RemoteError({ host, operation, reason, passing })

const tooSlow = (host: string): RemoteError => remoteError(host, "a request", "it does not answer", true)

/**
 * What an upstream sends that is not what it says is its mistake, and neither the client's nor the layout's. What it says
 * of the login is for the log: it is the server's, and not the client's.
 */
const asAnswer =
  ({ name, upstream: { host } }: Located, reference: string) =>
  <A, R>(work: Effect.Effect<A, RegistryError, R>): Effect.Effect<A, RegistryError, R> =>
    work.pipe(Effect.catch((failure): Effect.Effect<never, RegistryError> => {
      const operation = `fetching ${name}${reference.includes(":") ? "@" : ":"}${reference}`
      if (wrongAnswers.has(failure._tag)) return Effect.fail(remoteError(host, operation, failure.message, false))
      if (failure._tag !== "Unauthorized") return Effect.fail(failure)
      const forClients = new Unauthorized({ host, reason: `${operation}: this server is not let in` })
      return Effect.andThen(Effect.logError(failure.message), Effect.fail(forClients))
    }))

const wrongAnswers: ReadonlySet<RegistryError["_tag"]> = new Set([
  "AlgorithmUnsupported",
  "ContentMismatch",
  "DigestInvalid",
  "ManifestInvalid",
  "ManifestTooLarge",
  "MediaTypeUnsupported",
  "SizeInvalid"
])
