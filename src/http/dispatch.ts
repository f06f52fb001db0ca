/** Which handler answers a request, by its path and method. */
import { Effect } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { deleteBlob, getBlob, headBlob } from "./blobs.ts"
import { listReferrers, listRepositories, listTags } from "./listings.ts"
import { deleteManifest, getManifest, headManifest, putManifest } from "./manifests.ts"
import type { Route } from "./names.ts"
import { streamEvents } from "./notify/events.ts"
import { Refused } from "./Refused.ts"
import type { Answer, Call, Surface } from "./Surface.ts"
import { appendChunk, cancelUpload, finishUpload, startUpload, uploadStatus } from "./uploads.ts"

/** What clients may do besides reading. */
export interface Offers {
  readonly push: boolean
  /** Tags and manifests, which can be taken back. */
  readonly delete: boolean
  /** Blobs, which cannot. */
  readonly deleteBlobs: boolean
}

type Handler<R> = (surface: Surface, call: Call, route: R) => Answer
type Methods<R> = Readonly<Record<string, Handler<R>>>

type Of<Tag extends Route["_tag"]> = Extract<Route, { readonly _tag: Tag }>

/** All but what is about the server itself, and the page. */
export type Dispatched = Exclude<Route, { readonly _tag: "Metrics" | "Token" | "Ui" | "UiLogin" }>

/** What there is at each path: handlers by method, those left out that are not offered. */
type Table = { readonly [Tag in Dispatched["_tag"]]: Methods<Of<Tag>> }

const reading = <R>(handler: Handler<R>): Methods<R> => ({ GET: handler, HEAD: handler })

/** The version that clients of the Docker API look for. */
export const apiVersion = { "docker-distribution-api-version": "registry/2.0" }

export const makeTable = (offers: Offers): Table => ({
  Health: reading(() => Effect.succeed(HttpServerResponse.text("ok\n"))),
  Ready: reading(({ registry }) => Effect.as(registry.check, HttpServerResponse.text("ok\n"))),
  Base: reading(() =>
    Effect.succeed(HttpServerResponse.text("{}", { headers: apiVersion, contentType: "application/json" }))
  ),
  Catalog: reading(listRepositories),
  Events: { GET: streamEvents },
  Tags: reading(listTags),
  Referrers: reading(listReferrers),
  Manifest: {
    GET: getManifest,
    HEAD: headManifest,
    ...(offers.push ? { PUT: putManifest } : {}),
    ...(offers.delete ? { DELETE: deleteManifest } : {})
  },
  Blob: { GET: getBlob, HEAD: headBlob, ...(offers.deleteBlobs ? { DELETE: deleteBlob } : {}) },
  Uploads: offers.push ? { POST: startUpload } : {},
  Upload: offers.push
    ? { GET: uploadStatus, HEAD: uploadStatus, PATCH: appendChunk, PUT: finishUpload, DELETE: cancelUpload }
    : {}
})

/** The answer of the handler for a method, or 405 with the methods that there are. */
export const dispatch = (
  table: Table,
  surface: Surface,
  call: Call,
  route: Dispatched
): Answer => {
  const by = <R>(methods: Methods<R>, route: R): Answer => {
    const handler = Object.hasOwn(methods, call.request.method) ? methods[call.request.method] : undefined
    return handler === undefined ? Effect.fail(notAllowed(Object.keys(methods))) : handler(surface, call, route)
  }
  switch (route._tag) {
    case "Manifest":
      return by(table.Manifest, route)
    case "Blob":
      return by(table.Blob, route)
    case "Upload":
      return by(table.Upload, route)
    case "Uploads":
      return by(table.Uploads, route)
    case "Tags":
      return by(table.Tags, route)
    case "Referrers":
      return by(table.Referrers, route)
    case "Catalog":
      return by(table.Catalog, route)
    case "Events":
      return by(table.Events, route)
    case "Base":
      return by(table.Base, route)
    case "Health":
      return by(table.Health, route)
    case "Ready":
      return by(table.Ready, route)
  }
}

const notAllowed = (methods: ReadonlyArray<string>): Refused =>
  new Refused({
    status: 405,
    code: "UNSUPPORTED",
    message: methods.length === 0
      ? "this registry takes nothing in"
      : `this registry offers ${methods.join(", ")} here`,
    headers: { allow: methods.join(", ") }
  })
