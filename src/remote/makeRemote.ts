/** A registry on the network, as the same service that a layout is. */
import { Effect, Layer, Option, Stream } from "effect"
import { HttpClient } from "effect/http/HttpClient"
import { type RemoteError, Unsupported } from "../oci/OciError.ts"
import { isHost } from "../oci/Reference.ts"
import type { LayerCache } from "../ops/api/LayerCache.ts"
import { Registry, type RegistryShape } from "../ops/api/Registry.ts"
import type { Credentials } from "./auth/Credential.ts"
import { makeAuthorizer } from "./auth/makeAuthorizer.ts"
import { makeSession } from "./auth/makeSession.ts"
import { blockOf } from "./conf/refusedBy.ts"
import type { RegistriesConf } from "./conf/RegistriesConf.ts"
import { makeDeletes } from "./content/deletes.ts"
import { makeDownloads } from "./content/download.ts"
import { makeListings } from "./content/listings.ts"
import { makeManifests } from "./content/manifests.ts"
import { makePushes } from "./content/pushes.ts"
import { makeUploads } from "./content/upload.ts"
import { baseOf } from "./wire/Host.ts"
import { defaultTiming } from "./wire/limits.ts"
import { makeWire } from "./wire/makeWire.ts"
import { wrongAnswer } from "./wire/problems.ts"
import { anywhere, type Reach } from "./wire/reach.ts"
import type { RemoteTiming } from "./wire/RemoteTiming.ts"

/** Which registry on the network, and how it is spoken to. */
export interface RemoteOptions {
  /** `example.com` or `example.com:5000`; `docker.io` is Docker Hub. */
  readonly host: string
  /** Whether it is spoken to without TLS; by default only where the host is this machine: `localhost`, `127.*`, `[::1]`. */
  readonly plainHttp?: boolean | undefined
  /** Who asks, for each registry and repository; by default an anonymous client. */
  readonly credentials?: Credentials | undefined
  /** Which addresses may be asked, redirects and places for tokens included; by default all. */
  readonly reach?: Reach | undefined
  /** What registries.conf says, as `readRegistriesConf` reads it: blocked repositories are refused. Mirrors are for `throughMirrors`. */
  readonly registries?: RegistriesConf | undefined
  /** How long it is waited for, how often it is asked again, and how large the pieces of an upload are. */
  readonly timing?: Partial<RemoteTiming> | undefined
}

/**
 * What can be done with a registry on the network: all of `Registry`, where the distribution-spec has it. `Unsupported` is
 * what the rest fails with: sessions of uploads by their ids (`pushBlob` resumes them itself), `digests`, `expandDigest` and
 * `tagsOf`, of which no registry tells. A batch is done one by one, and has no revision.
 */
export interface RemoteRegistry extends RegistryShape {
  /** Manifests are kept apart from blobs, and are pushed as such also where only an index names them. */
  readonly manifestsApart: true
}

/**
 * Opens a registry on the network; nothing is sent yet. Requests are sent by the `HttpClient` of the surroundings, whose
 * business certificates and proxies are; it must not follow redirects itself. `RemoteError` where the host is none.
 */
export const makeRemote = (options: RemoteOptions): Effect.Effect<RemoteRegistry, RemoteError, HttpClient> =>
  Effect.gen(function*() {
    const { credentials = anonymous, host, plainHttp, reach = anywhere, registries = [], timing } = options
    if (!isHost(host) && !/^[A-Za-z0-9-]+$/u.test(host)) {
      return yield* wrongAnswer(host, "opening a registry", "this is no name of a host")
    }
    const wire = makeWire(yield* HttpClient, host, { ...defaultTiming, ...timing }, reach)
    const base = baseOf(host, plainHttp)
    const session = makeSession(
      base,
      wire,
      makeAuthorizer(wire, base, credentials),
      (repositories) => blockOf(registries, host, repositories)
    )
    const manifests = makeManifests(session)
    const downloads = makeDownloads(session)
    const deletes = makeDeletes(session, manifests)
    const { fallbackOf, ...listings } = makeListings(session, manifests)
    const { current: _, put: __, ...manifestOperations } = manifests
    const refuse = (operation: string) => () =>
      Effect.fail(new Unsupported({ operation, reason: "a registry on the network does not tell" }))
    const refuseSession = () =>
      Effect.fail(
        new Unsupported({
          operation: "a session of an upload to a registry",
          reason: "it is resumed by the push itself"
        })
      )
    return {
      ...downloads,
      ...makeUploads(session, downloads.resolveBlob),
      ...manifestOperations,
      ...deletes,
      ...listings,
      ...makePushes(manifests, { fallbackOf }, deletes),
      manifestsApart: true,
      choices: (repository, tag) => Effect.map(manifests.resolveTag(repository, tag), (only) => [only]),
      layerCache: () => Effect.succeed(noCache),
      digests: () => Stream.fromEffect(refuse("listing the digests of a repository")()),
      expandDigest: refuse("a shortened digest"),
      tagsOf: refuse("listing the tags of a manifest"),
      pushBlobChunked: refuseSession,
      pushBlobChunkedResume: refuseSession,
      uploads: refuseSession,
      findUpload: refuseSession,
      check: Effect.scoped(Effect.gen(function*() {
        const operation = "asking whether it is a registry"
        const response = yield* session.call({ method: "GET", path: "v2/", scopes: [], operation })
        if (response.status !== 200) return yield* session.failed(operation, response)
      }))
    }
  })

/** `makeRemote` as a layer; the `HttpClient` is that of the surroundings. */
export const layerRemote = (options: RemoteOptions): Layer.Layer<Registry, RemoteError, HttpClient> =>
  Layer.effect(Registry, makeRemote(options))

const anonymous: Credentials = () => Effect.undefined

const noCache: LayerCache = { load: () => Effect.succeed(Option.none()), save: () => Effect.void }
