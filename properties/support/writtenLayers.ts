/** Layers of few names, so that they meet each other: replaced, removed, opaque, linked, and of names that lead elsewhere. */
import type { Written } from "../../test/image/support/layers.ts"
import type { Random } from "./random.ts"

const names = ["a", "b", "c"]

const path = (random: Random): string => Array.from({ length: 1 + random.below(3) }, () => random.pick(names)).join("/")

const whiteout = (random: Random): string => {
  const parts = path(random).split("/")
  const last = parts.pop() ?? "a"
  const suffix = random.once(6) ? "-link" : ""
  return [...parts, random.once(4) ? ".wh..wh..opq" : `.wh.${last}${suffix}`].join("/")
}

const plainEntry = (random: Random): Written => {
  switch (random.below(8)) {
    case 0:
    case 1:
      return [path(random), "d", random.pick([0o755, 0o700])]
    case 2:
    case 3:
      return [whiteout(random), "f", ""]
    case 4:
      return [path(random), "h", path(random)]
    case 5:
      // Of names that nothing else has, so that no path leads through one.
      return [`${path(random)}-link`, "s", random.pick(["x", "/y"])]
    default:
      return [path(random), "f", `content ${random.below(1000)}`, random.pick([0o644, 0o755])]
  }
}

/** Names and links that try to lead out of the folder that they are written into. */
const hostileEntry = (random: Random): Written => {
  const up = "../".repeat(1 + random.below(6))
  const target = random.pick(["..", "/", "/tmp", `${up}tmp`, ".", "a", "/a/../..", `${up}a`])
  const name = random.pick([
    `${up}${path(random)}`,
    `/${path(random)}`,
    `./${path(random)}/`,
    path(random),
    `a/../${up}b`
  ])
  return random.once(2) ? [random.pick(names), "s", target] : [name, "f", "hostile"]
}

export const layers = (random: Random, hostile: boolean): ReadonlyArray<ReadonlyArray<Written>> =>
  Array.from(
    { length: 1 + random.below(3) },
    () =>
      Array.from({ length: 1 + random.below(8) }, () =>
        hostile && !random.once(3) ? hostileEntry(random) : plainEntry(random))
  )
