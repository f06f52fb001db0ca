/** Questions about what is wrong, what differs, and what could go. */
import { Effect } from "effect"
import { list, text, texts } from "../answers.ts"
import type { Question } from "../Question.ts"
import * as world from "../world/content.ts"

const layouts = ["prod", "mirror"] as const

export const upkeep: ReadonlyArray<Question> = [
  {
    id: "damaged",
    question: "Content of one image in the layout prod is damaged. Which tag needs it? Answer with repository:tag.",
    answer: "shop/worker:0.10",
    calls: 1,
    tokens: 240,
    play: Effect.fnUntraced(function*(ask) {
      const { problems } = yield* ask("oci_verify")
      return texts(problems, 0, "needed_by").filter((name) => !name.startsWith("sha256:")).join(", ")
    })
  },
  {
    id: "repairable",
    question:
      "Do not change anything. The layout prod has damaged content. If it were repaired with the layout mirror to fetch from, how many problems would be left? Answer with the number alone.",
    answer: "0",
    calls: 1,
    tokens: 180,
    play: Effect.fnUntraced(function*(ask) {
      return text(yield* ask("oci_repair", { source: "mirror", dry_run: true }), "left_total")
    })
  },
  {
    id: "not-mirrored",
    question:
      "Which version of shop/api (tags that begin with a digit) is in the layout prod and not in the layout mirror? Answer with the tag alone.",
    answer: "1.2.0",
    calls: 2,
    tokens: 100,
    play: Effect.fnUntraced(function*(ask) {
      const [prod, mirror = []] = yield* Effect.forEach(layouts, (layout) =>
        Effect.map(
          ask("oci_list_tags", { repository: "shop/api", layout, prefix: "1" }),
          (tags) => texts(tags, "tags")
        ))
      return prod.filter((tag) => !mirror.includes(tag)).join(", ")
    })
  },
  {
    id: "drift",
    question:
      "A tag of shop/web is another image in the layout mirror than in the layout prod. Which environment variable of it has another value there? Answer with the name of the variable alone.",
    answer: "CHECKOUT_URL",
    calls: 4,
    tokens: 1030,
    play: Effect.fnUntraced(function*(ask) {
      const [prod, mirror = []] = yield* Effect.forEach(layouts, (layout) =>
        Effect.map(
          ask("oci_list_tags", { repository: "shop/web", layout, detail: true }),
          (tags) => list(tags, "details")
        ))
      const digests = new Map(prod.map((detail) => [text(detail, "tag"), text(detail, "digest")]))
      const drifted = mirror.find((detail) => digests.get(text(detail, "tag")) !== text(detail, "digest"))
      const [here, there = []] = yield* Effect.forEach(layouts, (layout) =>
        Effect.map(
          ask("oci_inspect_image", { ref: `shop/web:${text(drifted, "tag")}`, layout }),
          (image) => texts(image, "config", "env")
        ))
      return there.filter((variable) => !here.includes(variable)).map((variable) => variable.split("=")[0]).join(", ")
    })
  },
  {
    id: "dangling",
    question:
      "Do not change anything. How many attached artifacts (SBOMs, signatures) would be left without what they are about if the manifest of shop/web:2.2 were deleted? Answer with the number alone.",
    answer: String(world.attached.web22.length),
    calls: 2,
    tokens: 560,
    play: Effect.fnUntraced(function*(ask) {
      const { digest } = yield* ask("oci_resolve", { ref: "shop/web:2.2" })
      const ref = `shop/web@${text(digest)}`
      return text(yield* ask("oci_delete", { kind: "manifest", ref, dry_run: true }), "dangling_referrers")
    })
  },
  {
    id: "retention",
    question:
      "Do not change anything. If of the tags of base/runtime only the two that were moved last were kept, which tags would go? Answer with the tags in alphabetical order, separated by a comma and a space.",
    answer: "3.18, 3.19",
    calls: 1,
    tokens: 800,
    play: Effect.fnUntraced(function*(ask) {
      const { examples } = yield* ask("oci_gc", { keep: [{ repository: "base/runtime", newest: 2 }] })
      const gone = list(examples).flatMap((item) => /^base\/runtime:(.+)$/u.exec(text(item, "name"))?.[1] ?? [])
      return gone.toSorted().join(", ")
    })
  }
]
