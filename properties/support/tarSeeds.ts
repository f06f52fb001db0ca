/** Tars to be mutated, and what is changed in them: fields of headers, above all, whose checksum is mostly put right. */
import { oddTars } from "../../test/image/support/oddTars.ts"
import { summed } from "../../test/image/support/tars.ts"
import type { Random } from "./random.ts"

const blockBytes = 512

const seeds = oddTars.map(([, tar]) => tar).filter(({ length }) => length > blockBytes && length < 40_000)

/** Where fields of headers begin and end. */
const places = [
  0,
  99,
  100,
  107,
  108,
  116,
  124,
  125,
  130,
  135,
  136,
  147,
  156,
  157,
  257,
  262,
  263,
  345,
  386,
  398,
  482,
  483
]
const bytes = [0, 1, 32, 48, 49, 55, 56, 57, 45, 120, 103, 76, 75, 83, 128, 255, 192, 127, 47, 46, 61, 10]

export const mutatedTar = (random: Random): Buffer => {
  const tar = Buffer.from(random.pick(seeds))
  for (let left = 1 + random.below(3); left > 0; left--) {
    const start = random.below(tar.length / blockBytes) * blockBytes
    const at = start + (random.once(3) ? random.below(blockBytes) : random.pick(places))
    tar[at] = random.once(2) ? random.below(256) : random.pick(bytes)
    const block = tar.subarray(start, start + blockBytes)
    if (!random.once(8) && block.toString("latin1", 257, 262) === "ustar") summed(block)
  }
  return random.once(10) ? tar.subarray(0, random.below(tar.length)) : tar
}
