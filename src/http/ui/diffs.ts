/** What two images have different. */
import { Effect } from "effect"
import { type Difference, diffImages } from "../../image/inside/diffImages.ts"
import type { OpenImage } from "../../image/inside/openImage.ts"
import { diffSettings, textDiffOf } from "../../image/inside/textDiff.ts"
import * as answers from "./answers.ts"
import { opened } from "./images.ts"
import { sizeIn } from "./names.ts"
import { answer, type Asked, cut, needed, repositoryOf } from "./Ui.ts"

/** Files that are told. */
const mostFiles = 20_000

const sideOf = ({ config, digest, manifest }: OpenImage): answers.Diff["from"] => ({
  digest,
  ...(config?.platform === undefined ? {} : { platform: cut(config.platform) }),
  size: sizeIn(manifest)
})

const both = Effect.fnUntraced(function*(asked: Asked) {
  // Nothing is read of the one where the other may not be seen.
  yield* repositoryOf(asked, "repository2")
  return [yield* opened(asked, "1"), yield* opened(asked, "2")] as const
})

const changeOf = ({ aspects = [], change, from, path, to }: Difference): answers.Diff["files"][number] => ({
  path,
  change,
  type: to?.type ?? from?.type ?? "other",
  aspects,
  ...(from?.type === "file" ? { from: from.size } : {}),
  ...(to?.type === "file" ? { to: to.size } : {})
})

export const diff = Effect.fnUntraced(function*(asked: Asked) {
  const [a, b] = yield* both(asked)
  const files: Array<answers.Diff["files"][number]> = []
  let isCut = false
  for (const one of diffImages(a, b, { times: false })) {
    if (files.length === mostFiles) {
      isCut = true
      break
    }
    files.push(changeOf(one))
  }
  const unshared = a.tables.findIndex(({ digest }, at) => b.tables[at]?.digest !== digest)
  return answer(answers.Diff, {
    from: sideOf(a),
    to: sideOf(b),
    shared: unshared < 0 ? a.tables.length : unshared,
    settings: diffSettings(a, b).map(({ from, setting, to }) => ({
      setting: cut(setting),
      ...(from === undefined ? {} : { from: cut(from) }),
      ...(to === undefined ? {} : { to: cut(to) })
    })),
    files,
    isCut
  })
})

export const textDiff = Effect.fnUntraced(function*(asked: Asked) {
  const [a, b] = yield* both(asked)
  const path = yield* needed(asked, "path")
  for (const one of diffImages(a, b, { times: false })) {
    if (one.path !== path) continue
    const found = yield* textDiffOf(a, b, one)
    return answer(answers.TextDiff, found === undefined ? {} : { diff: found })
  }
  return answer(answers.TextDiff, {})
})
