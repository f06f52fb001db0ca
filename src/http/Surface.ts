/** What handlers share: the registry, its limits, and the request. */
import type { Effect, Scope } from "effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import type { LayoutShape } from "../ops/api/Layout.ts"
import type { RegistryShape } from "../ops/api/Registry.ts"
import type { Failure } from "./errors.ts"
import type { HttpLimits } from "./limits.ts"
import type { Permission } from "./permission.ts"

export interface Surface {
  readonly registry: RegistryShape
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
