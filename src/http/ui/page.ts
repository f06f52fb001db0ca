/** The files of the page. */
import { Effect } from "effect"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Response from "effect/http/HttpServerResponse"
import { nothingHere } from "../names.ts"
import type { Answered, Asked } from "./Ui.ts"

/**
 * Nothing is loaded from anywhere but this server, nothing stands in the page itself that runs, no text becomes markup,
 * and no other page shows this one in a frame.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'"
].join("; ")

const headers = {
  "cache-control": "no-cache",
  "content-security-policy": policy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "no-referrer",
  "vary": "accept-encoding",
  "x-content-type-options": "nosniff"
}

/** A file of the page by its name; the page itself where there is none. */
export const assetOf = ({ call: { request }, ui: { assets } }: Asked, name: string): Answered => {
  const asset = assets.get(name === "" ? "index.html" : name)
  if (asset === undefined) return Effect.fail(nothingHere)
  const { bytes, contentType, etag, gzip } = asset
  const known = (request.headers["if-none-match"] ?? "").split(",").map((tag) => tag.trim().replace(/^W\//u, ""))
  if (known.includes(etag)) return Effect.succeed(Response.empty({ status: 304, headers: { ...headers, etag } }))
  const isPacked = /\bgzip\b/u.test(request.headers["accept-encoding"] ?? "")
  return Effect.succeed(
    Response.uint8Array(isPacked ? gzip : bytes, {
      contentType,
      headers: { ...headers, etag, ...(isPacked ? { "content-encoding": "gzip" } : {}) }
    })
  )
}

/** The page, at the one address that its own addresses are relative to. */
export const toPage: HttpServerResponse = Response.empty({
  status: 303,
  headers: { location: "/ui/", "cache-control": "no-store" }
})
