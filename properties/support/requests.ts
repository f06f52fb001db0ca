/** Requests to the registry over HTTP, without a network, and what has to be there once they were acknowledged. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import fc from "fast-check"
import { type App, makeApp } from "../../src/http/app.ts"
import { Registry } from "../../src/ops/api/Registry.ts"
import { digestOf } from "../../test/support/images.ts"
import type { Process, World } from "./simulation/World.ts"

const layers = ["one", "two", "three"].map((text) => Buffer.from(text.repeat(40)))
const config = Buffer.from("{}")
const manifestType = "application/vnd.oci.image.manifest.v1+json"

/** An image of the layer of this number. */
const manifestOf = (layer: Uint8Array): Uint8Array =>
  Buffer.from(JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: digestOf(config), size: config.length },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: digestOf(layer), size: layer.length }]
  }))

/** What a client does; each is one request but for `upload`, which is three. */
export type Doing =
  | { readonly does: "post"; readonly blob: number }
  | { readonly does: "upload"; readonly blob: number; readonly cut: number }
  | { readonly does: "tag"; readonly layer: number; readonly tag: string; readonly condition: boolean }
  | { readonly does: "untag"; readonly tag: string }

const contents = [config, ...layers]
const blob = fc.nat({ max: contents.length - 1 })
const tag = fc.constantFrom("v1", "v2")

export const doing: fc.Arbitrary<Doing> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ does: fc.constant("post"), blob }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("upload"), blob, cut: fc.nat({ max: 80 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constant("tag"),
      layer: fc.nat({ max: layers.length - 1 }),
      tag,
      condition: fc.boolean()
    })
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("untag"), tag }) }
)

/** All blobs there are, so that there is something to tag. */
export const furniture: ReadonlyArray<Doing> = contents.map((_, blob) => ({ does: "post", blob }))

interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Uint8Array
}

/** What a client may find, by what it was answered. */
export class Acknowledged {
  readonly blobs = new Set<Uint8Array>()
  /** Where each tag may point; nowhere is one of the places. */
  readonly tags = new Map<string, ReadonlySet<string | undefined>>()

  copy(): Acknowledged {
    const copy = new Acknowledged()
    for (const blob of this.blobs) copy.blobs.add(blob)
    for (const [tag, places] of this.tags) copy.tags.set(tag, places)
    return copy
  }

  placesOf(tag: string): ReadonlySet<string | undefined> {
    return this.tags.get(tag) ?? new Set([undefined])
  }

  /** From when a request has begun it may have been done. */
  begin(tag: string, place: string | undefined): void {
    this.tags.set(tag, new Set([...this.placesOf(tag), place]))
  }
}

/** A server of a process on the simulated machine. */
export class Client {
  readonly #world: World
  readonly #app: App

  private constructor(world: World, app: App) {
    this.#world = world
    this.#app = app
  }

  static async of(world: World, { registry }: Process): Promise<Client> {
    const options = {
      credentials: undefined,
      anonymousPull: false,
      sparse: false,
      metrics: false,
      offers: { push: true, delete: true, deleteBlobs: true }
    }
    return new Client(world, await world.run(Effect.provideService(makeApp(options), Registry, registry)))
  }

  readonly #send = (method: string, path: string, headers: Record<string, string> = {}, body?: Uint8Array) => {
    const request = new Request(`http://localhost${path}`, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { "content-length": String(body.length) }) },
      ...(body === undefined ? {} : { body: Buffer.from(body) })
    })
    const answered = Effect.scoped(Effect.gen({ self: this }, function*() {
      const response = yield* this.#app.handle
      const context = yield* Effect.context()
      const web = HttpServerResponse.toWeb(response, { context })
      const bytes = yield* Effect.promise(() => web.arrayBuffer().catch(() => new ArrayBuffer(0)))
      return { status: web.status, headers: web.headers, bytes: new Uint8Array(bytes) }
    }))
    return this.#world.run(
      Effect.provideService(answered, HttpServerRequest.HttpServerRequest, HttpServerRequest.fromWeb(request))
    )
  }

  /** Notes before a request what may come of it, and afterwards what has. */
  async #change(told: Acknowledged, tag: string, place: string | undefined, send: () => Promise<Answered>) {
    const before = told.placesOf(tag)
    told.begin(tag, place)
    const { status } = await send()
    if (status < 300) told.tags.set(tag, new Set([place]))
    else if (status < 500) told.tags.set(tag, before)
    return status
  }

  /** The last status; a blob that was acknowledged is noted by then, and where a tag may point at every moment. */
  async act(doing: Doing, told: Acknowledged): Promise<number> {
    switch (doing.does) {
      case "post": {
        const bytes = contents[doing.blob] ?? config
        const { status } = await this.#send("POST", `/v2/app/blobs/uploads/?digest=${digestOf(bytes)}`, {}, bytes)
        if (status === 201) told.blobs.add(bytes)
        return status
      }
      case "upload": {
        const bytes = contents[doing.blob] ?? config
        const started = await this.#send("POST", "/v2/app/blobs/uploads/")
        const location = started.headers.get("location") ?? ""
        if (started.status !== 202) return started.status
        const patched = await this.#send("PATCH", location, {}, bytes.subarray(0, doing.cut))
        if (patched.status !== 202) return patched.status
        const { status } = await this.#send(
          "PUT",
          `${location}?digest=${digestOf(bytes)}`,
          {},
          bytes.subarray(doing.cut)
        )
        if (status === 201) told.blobs.add(bytes)
        return status
      }
      case "tag": {
        const manifest = manifestOf(layers[doing.layer] ?? config)
        const headers = { "content-type": manifestType, ...(doing.condition ? { "if-none-match": "*" } : {}) }
        return await this.#change(
          told,
          doing.tag,
          digestOf(manifest),
          () => this.#send("PUT", `/v2/app/manifests/${doing.tag}`, headers, manifest)
        )
      }
      case "untag":
        return await this.#change(
          told,
          doing.tag,
          undefined,
          () => this.#send("DELETE", `/v2/app/manifests/${doing.tag}`)
        )
    }
  }

  /** Everything that was acknowledged is there, whole, and nothing else has taken its place. */
  async check({ blobs, tags }: Acknowledged): Promise<void> {
    for (const bytes of blobs) {
      const found = await this.#send("GET", `/v2/app/blobs/${digestOf(bytes)}`)
      assert.deepStrictEqual([found.status, Buffer.from(found.bytes).equals(bytes)], [200, true], "a blob")
    }
    for (const [tag, places] of tags) {
      const { bytes, status } = await this.#send("GET", `/v2/app/manifests/${tag}`)
      assert.include([200, 404], status, tag)
      const place = status === 200 ? digestOf(bytes) : undefined
      assert.isTrue(places.has(place), `${tag} is ${place}, and may be ${Array.from(places).join(" or ")}`)
    }
  }
}
