/** Images of new layouts, opened to be looked into. */
import { Effect, Result, type Stream } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { makeInside } from "../../../src/image/inside/openImage.ts"
import { layerLimits } from "../../../src/image/limits.ts"
import { makeDisk } from "../../../src/node/index.ts"
import { layerCodec } from "../../../src/node/layers/layerCodec.ts"
import { collectBytes } from "../../../src/ops/manifests/collectBytes.ts"
import { sourceOf } from "../../../src/ops/refs/copySource.ts"
import { findManifest } from "../../../src/ops/refs/find.ts"
import { temporaryFolder } from "../../support/folders.ts"
import { imageFiles } from "./layers.ts"

export const put = (folder: string, files: ReadonlyMap<string, Uint8Array>): void => {
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), bytes)
  }
}

/** An image of a new layout, whose layers are given as tars. */
export const opened = (
  images: Readonly<Record<string, ReadonlyArray<Uint8Array>>>,
  { change, limits = layerLimits, own = false, ref = "app:v1" }: {
    readonly change?: (folder: string) => void
    readonly limits?: typeof layerLimits
    readonly own?: boolean
    readonly ref?: string
  } = {}
) =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    put(folder, imageFiles(images))
    if (own) mkdirSync(join(folder, ".ocilayout"))
    change?.(folder)
    return yield* openedIn(folder, ref, limits)
  })

export const openedIn = (folder: string, ref = "app:v1", limits = layerLimits) =>
  Effect.gen(function*() {
    const registry = yield* makeDisk({ directory: folder, defaultRepository: "app" })
    const found = yield* findManifest({ registry, perRepository: false }, ref)
    const inside = makeInside(layerCodec, limits)
    return { folder, inside, registry, found, image: yield* inside.open(sourceOf(found)) }
  })

export const textOf = <E>(content: Stream.Stream<Uint8Array, E>) =>
  Effect.map(collectBytes(content, () => Effect.void), (bytes) => Buffer.from(bytes).toString())

export const failure = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.result(effect), (result) => Result.isFailure(result) ? result.failure._tag : "success")
