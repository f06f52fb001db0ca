/** Questions about images, and about what is attached to them. */
import { Effect } from "effect"
import { list, text, texts } from "../answers.ts"
import type { Question } from "../Question.ts"
import * as world from "../world/content.ts"

const sizeOf = (samples: ReadonlyArray<{ readonly bytes: Uint8Array }>): number =>
  samples.reduce((sum, { bytes }) => sum + bytes.length, 0)

const digestsOf = (output: unknown): ReadonlyArray<string> =>
  list(output, "layers").map((layer) => text(layer, "digest"))

export const images: ReadonlyArray<Question> = [
  {
    id: "other-user",
    question:
      "One platform of shop/api:1.2.0 was built to run as another user than the other platforms. Which platform is it? Answer with os/arch, or os/arch/variant.",
    answer: "linux/arm64",
    calls: 4,
    tokens: 980,
    play: Effect.fnUntraced(function*(ask) {
      const index = yield* ask("oci_inspect_image", { ref: "shop/api:1.2.0" })
      const platforms = list(index, "platforms").map((platform) => text(platform, "platform"))
      const users = yield* Effect.forEach(
        platforms,
        (platform) =>
          Effect.map(
            ask("oci_inspect_image", { ref: "shop/api:1.2.0", platform }),
            (image) => text(image, "config", "user")
          )
      )
      return platforms.find((_, place) => users.filter((user) => user === users[place]).length === 1) ?? ""
    })
  },
  {
    id: "download",
    question:
      "A host runs on linux/arm64 and has pulled base/runtime:3.20 already. How many bytes of layers does it still have to download for shop/api:1.2.0? Answer with the number alone.",
    answer: String(sizeOf(world.api120.images[1]?.layers.slice(2) ?? [])),
    calls: 2,
    tokens: 480,
    play: Effect.fnUntraced(function*(ask) {
      const base = digestsOf(yield* ask("oci_inspect_image", { ref: "base/runtime:3.20" }))
      const image = yield* ask("oci_inspect_image", { ref: "shop/api:1.2.0", platform: "linux/arm64" })
      const missing = list(image, "layers").filter((layer) => !base.includes(text(layer, "digest")))
      return String(missing.reduce<number>((sum, layer) => sum + Number(text(layer, "size")), 0))
    })
  },
  {
    id: "base",
    question: "On which version of base/runtime is shop/web:2.1 built? Answer with the tag of base/runtime alone.",
    answer: "3.19",
    calls: 6,
    tokens: 1200,
    play: Effect.fnUntraced(function*(ask) {
      const layers = digestsOf(yield* ask("oci_inspect_image", { ref: "shop/web:2.1" }))
      const tags = texts(yield* ask("oci_list_tags", { repository: "base/runtime" }), "tags")
      const bases = yield* Effect.filter(tags, (tag) =>
        Effect.map(
          ask("oci_inspect_image", { ref: `base/runtime:${tag}` }),
          (base) => digestsOf(base).every((digest, place) => digest === layers[place])
        ))
      return bases.join(", ")
    })
  },
  {
    id: "vulnerable-layer",
    question:
      `The layer ${world.root320.descriptor.digest} is vulnerable. Which repositories of the layout prod have a tag whose image contains it, on any platform? Answer with their names in alphabetical order, separated by a comma and a space.`,
    answer: "base/runtime, shop/api, shop/web, shop/worker",
    calls: 17,
    tokens: 2490,
    play: Effect.fnUntraced(function*(ask) {
      const affected = new Set<string>()
      const look = Effect.fnUntraced(function*(repository: string, ref: string) {
        const { summary } = yield* ask("oci_get_manifest", { ref })
        const digests = digestsOf(summary)
        if (digests.some((digest) => world.root320.descriptor.digest.startsWith(digest))) affected.add(repository)
        return list(summary, "manifests").map((child) => `${repository}@${text(child, "digest")}`)
      })
      for (const repository of texts(yield* ask("oci_list_repositories"), "repositories")) {
        for (const tag of texts(yield* ask("oci_list_tags", { repository }), "tags")) {
          if (affected.has(repository)) continue
          for (const child of yield* look(repository, `${repository}:${tag}`)) {
            if (!affected.has(repository)) yield* look(repository, child)
          }
        }
      }
      return Array.from(affected).toSorted().join(", ")
    })
  },
  {
    id: "openssl",
    question:
      "Which version of OpenSSL is in the image of shop/web that is in production (tag prod), as its SBOM tells? Answer with the version alone.",
    answer: world.openssl["2.1"],
    calls: 3,
    tokens: 610,
    play: Effect.fnUntraced(function*(ask) {
      const { referrers } = yield* ask("oci_list_referrers", { ref: "shop/web:prod", artifact_type: world.spdx })
      const { summary } = yield* ask("oci_get_manifest", { ref: `shop/web@${text(referrers, 0, "digest")}` })
      const { data } = yield* ask("oci_read_blob", { ref: `shop/web@${text(summary, "layers", 0, "digest")}` })
      return /"openssl","versionInfo":"([^"]*)"/u.exec(text(data))?.[1] ?? ""
    })
  },
  {
    id: "unsigned",
    question:
      "Every version of shop/api (tags that begin with a digit) has to be signed. Which version has no signature attached to it? Answer with the tag alone.",
    answer: "1.0.0",
    calls: 4,
    tokens: 510,
    play: Effect.fnUntraced(function*(ask) {
      const { tags } = yield* ask("oci_list_tags", { repository: "shop/api", prefix: "1" })
      const unsigned = yield* Effect.filter(texts(tags), (tag) =>
        Effect.map(
          ask("oci_list_referrers", { ref: `shop/api:${tag}`, artifact_type: world.cosign }),
          ({ referrers }) => list(referrers).length === 0
        ))
      return unsigned.join(", ")
    })
  },
  {
    id: "chart",
    question:
      "The newest chart in charts/shop pins the image it deploys by digest. Which version of shop/api is that? Answer with the tag alone.",
    answer: "1.2.0",
    calls: 4,
    tokens: 600,
    play: Effect.fnUntraced(function*(ask) {
      const newest = text(yield* ask("oci_list_tags", { repository: "charts/shop" }), "tags", -1)
      const { summary } = yield* ask("oci_get_manifest", { ref: `charts/shop:${newest}` })
      const { data } = yield* ask("oci_read_blob", { ref: `charts/shop@${text(summary, "layers", 0, "digest")}` })
      const digest = /digest: (\S+)/u.exec(text(data))?.[1] ?? ""
      const { tags } = yield* ask("oci_resolve", { ref: `shop/api@${digest}` })
      return texts(tags).join(", ")
    })
  },
  {
    id: "unnamed",
    question:
      "The layout vendor has an image whose name fits no repository. What is its entrypoint? Answer with its words separated by spaces.",
    answer: world.proxyEntrypoint.join(" "),
    calls: 2,
    tokens: 310,
    play: Effect.fnUntraced(function*(ask) {
      const { unnamed } = yield* ask("oci_list_repositories", { layout: "vendor" })
      const image = yield* ask("oci_inspect_image", { layout: "vendor", ref: text(unnamed, 0, "name") })
      return texts(image, "config", "entrypoint").join(" ")
    })
  }
]
