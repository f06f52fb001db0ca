/** A registry with its page, and questions as the page asks them. */
import { Effect, Schema, type Scope } from "effect"
import { gzipSync } from "node:zlib"
import type { ServeOptions, UiOptions } from "../../../src/http/index.ts"
import { makeInside } from "../../../src/image/inside/openImage.ts"
import { layerCodec } from "../../../src/node/index.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { utf8 } from "../../support/images.ts"
import { type Answered, send, type Sent, type Served, serving } from "./serving.ts"

const file = (text: string, contentType: string) => ({
  bytes: utf8(text),
  gzip: gzipSync(text),
  contentType,
  etag: `"${text.length}"`
})

/** In the place of what the build makes. */
const assets: UiOptions["assets"] = new Map([
  ["index.html", file("<!doctype html>", "text/html; charset=utf-8")],
  ["page.js", file("program", "text/javascript; charset=utf-8")]
])

export const shown = (
  registry: LayoutRegistry,
  options: Partial<ServeOptions> = {},
  ui: Partial<UiOptions> = {}
): Effect.Effect<Served, never, Scope.Scope> =>
  serving(registry, {
    ...options,
    ui: { assets, inside: makeInside(layerCodec), title: "test", perRepository: false, ...ui }
  })

/** What the page's own program sends. */
export const fromPage = { "content-type": "application/json", "x-ocilayout-page": "1" }

export const changing = (served: Served, path: string, body: unknown, sent: Sent = {}): Effect.Effect<Answered> =>
  send(served, `/ui/api/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    ...sent,
    headers: { ...fromPage, ...sent.headers }
  })

/** An answer, which has to be as its schema says and nothing more; a defect where it is a failure. */
export const asked = <S extends Schema.Top & { readonly DecodingServices: never }>(
  served: Served,
  schema: S,
  path: string,
  headers: Record<string, string> = {}
): Effect.Effect<S["Type"]> =>
  Effect.flatMap(send(served, `/ui/api/${path}`, { headers }), ({ status, text }) =>
    status === 200
      ? Effect.orDie(Schema.decodeUnknownEffect(schema)(JSON.parse(text), { onExcessProperty: "error" }))
      : Effect.die(new Error(`${path}: ${status} ${text}`)))
