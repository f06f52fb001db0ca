/** What handlers share: the registry, its limits, and the request. */
import type { Effect, Scope, Stream } from "effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import type { Descriptor } from "../oci/Descriptor.ts"
import type { RegistryError } from "../oci/OciError.ts"
import type { Tag } from "../oci/Reference.ts"
import type { Attached } from "../ops/api/Attached.ts"
import type { Content, ManifestContent } from "../ops/api/Content.ts"
import type { LayoutShape } from "../ops/api/Layout.ts"
import type { RegistryShape } from "../ops/api/Registry.ts"
import type { Failure } from "./errors.ts"
import type { HttpLimits } from "./limits.ts"
import type { Permission } from "./permission.ts"

/** What is read of a registry that fetches from others what it lacks: that can fail in every way. */
interface ServedReads {
  readonly getBlob: (
    ...asked: Parameters<RegistryShape["getBlob"]>
  ) => Effect.Effect<Content, RegistryError, Scope.Scope>
  readonly getBlobRange: (
    ...asked: Parameters<RegistryShape["getBlobRange"]>
  ) => Effect.Effect<Content, RegistryError, Scope.Scope>
  readonly getManifest: (repository: string, digest: string) => Effect.Effect<ManifestContent, RegistryError>
  readonly getTag: (repository: string, tag: string) => Effect.Effect<ManifestContent, RegistryError>
  readonly resolveBlob: (repository: string, digest: string) => Effect.Effect<Descriptor, RegistryError>
  readonly resolveManifest: (repository: string, digest: string) => Effect.Effect<Descriptor, RegistryError>
  readonly resolveTag: (repository: string, tag: string) => Effect.Effect<Descriptor, RegistryError>
  readonly tags: (...asked: Parameters<RegistryShape["tags"]>) => Stream.Stream<Tag, RegistryError>
  readonly referrers: (...asked: Parameters<RegistryShape["referrers"]>) => Stream.Stream<Descriptor, RegistryError>
  readonly attached: (...asked: Parameters<RegistryShape["attached"]>) => Stream.Stream<Attached, RegistryError>
}

/** A registry as it is served. */
export interface ServedRegistry extends Omit<RegistryShape, keyof ServedReads>, ServedReads {}

export interface Surface {
  readonly registry: ServedRegistry
  /** Its history and what else a layout has, where the registry is one. */
  readonly layout: LayoutShape | undefined
  readonly limits: HttpLimits
  /** Whether manifests may be pushed whose parts are not there. */
  readonly sparse: boolean
  /** Comes to an end when the server is told to stop. */
  readonly stopped: Effect.Effect<void>
  /** How many clients listen to events now. */
  readonly listening: { count: number }
}

/** One request, its query read. */
export interface Call {
  readonly request: HttpServerRequest
  readonly query: URLSearchParams
  readonly may: Permission
}

export type Answer = Effect.Effect<HttpServerResponse, Failure, Scope.Scope>
