/** Where the bytes of a layout are, by what manifests say of their layers; no layer is read. */
import { Effect, Stream } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { images, platformOf } from "../../oci/Platform.ts"
import * as answers from "./answers.ts"
import { pullable } from "./names.ts"
import { answer, type Asked, cut } from "./Ui.ts"

/** Images that are told; a picture of more shows nothing. */
const mostImages = 5000

interface Found {
  readonly digest: string
  readonly tag: string
  others: number
  readonly platform: string | undefined
  readonly layers: ReadonlyArray<Descriptor>
}

export const space = Effect.fnUntraced(function*(asked: Asked) {
  const { call: { may }, layout } = asked
  const repositories: Array<{ readonly name: string; readonly images: ReadonlyMap<string, Found> }> = []
  const sharing = new Map<string, { size: number; images: Set<string> }>()
  for (const name of yield* pullable(asked)) {
    const found = yield* imagesIn(asked, name)
    repositories.push({ name, images: found })
    for (const { digest, layers } of found.values()) {
      for (const layer of layers) {
        const known = sharing.get(layer.digest) ?? { size: bytesOf(layer), images: new Set<string>() }
        sharing.set(layer.digest, known)
        known.images.add(digest)
      }
    }
  }
  let left = mostImages
  let omitted = 0
  const rows = repositories.map(({ images, name }) => ({
    name,
    images: Array.from(images.values()).flatMap((image) => {
      if (left-- > 0) return [imageOf(image, sharing)]
      omitted++
      return []
    })
  }))
  return answer(answers.Space, {
    bytes: Array.from(sharing.values()).reduce((sum, { size }) => sum + size, 0),
    ...(may.everywhere("pull") ? { stored: yield* layout.usage } : {}),
    repositories: rows,
    omitted
  })
})

const bytesOf = ({ size }: Descriptor): number => Math.max(0, Math.trunc(size) || 0)

const imageOf = (
  { digest, layers, others, platform, tag }: Found,
  sharing: ReadonlyMap<string, { readonly images: ReadonlySet<string> }>
) => ({
  digest,
  tag,
  others,
  ...(platform === undefined ? {} : { platform: cut(platform) }),
  layers: layers.map((layer) => ({
    digest: layer.digest,
    size: bytesOf(layer),
    images: sharing.get(layer.digest)?.images.size ?? 1
  }))
})

/** Each image that a tag of the repository leads to, with its config as one of its layers. */
const imagesIn = Effect.fnUntraced(function*({ registry }: Asked, repository: string) {
  const found = new Map<string, Found>()
  const add = Effect.fnUntraced(function*(tag: string, descriptor: Descriptor, platform?: string) {
    const known = found.get(descriptor.digest)
    if (known !== undefined) {
      known.others++
      return
    }
    const facts = yield* Effect.option(registry.describe(repository, descriptor))
    if (facts._tag === "None" || facts.value.kind === "index") return
    const { config, layers } = facts.value
    const content = config === undefined ? layers : [...layers, config]
    const unique = Array.from(new Map(content.map((layer) => [layer.digest, layer])).values())
    found.set(descriptor.digest, { digest: descriptor.digest, tag, others: 0, platform, layers: unique })
  })
  for (const tag of yield* Stream.runCollect(registry.tags(repository))) {
    const descriptor = yield* Effect.option(registry.resolveTag(repository, tag))
    if (descriptor._tag === "None") continue
    const facts = yield* Effect.option(registry.describe(repository, descriptor.value))
    if (facts._tag === "None") continue
    if (facts.value.kind !== "index") yield* add(tag, descriptor.value)
    else for (const child of images(facts.value)) yield* add(tag, child, platformOf(child))
  }
  return found
})
