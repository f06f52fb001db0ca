import { assert, describe, it } from "@effect/vitest"
import { makeContents } from "../../../src/node/files/contents.ts"
import type { FileStat } from "../../../src/node/fs/LayoutFs.ts"
import { digestOf, utf8 } from "../../support/images.ts"

const stat = (ino: bigint): FileStat => ({
  kind: "file",
  size: 4,
  dev: 1n,
  ino,
  mode: 0o644,
  mtimeNs: 1n,
  ctimeNs: 1n,
  birthNs: 1n,
  links: 1,
  uid: 0,
  gid: 0
})

const bytes = (text: string) => ({ bytes: utf8(text), digest: digestOf(utf8(text)) })

describe("remembered contents", () => {
  it("are no more than a limit, the oldest first to go", () => {
    const contents = makeContents(8)
    const all = ["aaaa", "bbbb", "cccc"].map(bytes)
    for (const { bytes, digest } of all) contents.add(digest, { stat: stat(1n), mtimeReliable: true }, bytes)
    assert.deepStrictEqual(all.map(({ digest }) => contents.knows(digest)), [false, true, true])
    // The same one again takes no more room.
    for (const { bytes, digest } of all.slice(1)) contents.add(digest, { stat: stat(2n), mtimeReliable: true }, bytes)
    assert.deepStrictEqual(all.map(({ digest }) => contents.knows(digest)), [false, true, true])
  })

  it("are those of one file, which shows its changes, and small", () => {
    const contents = makeContents()
    const one = bytes("content")
    contents.add(one.digest, { stat: stat(1n), mtimeReliable: false }, one.bytes)
    assert.isFalse(contents.knows(one.digest))
    contents.add(one.digest, { stat: stat(1n), mtimeReliable: true }, one.bytes)
    assert.deepStrictEqual(contents.get(one.digest, stat(1n)), one.bytes)
    assert.isUndefined(contents.get(one.digest, stat(2n)))
    const large = bytes("x".repeat(64 * 1024 + 1))
    contents.add(large.digest, { stat: stat(1n), mtimeReliable: true }, large.bytes)
    assert.isFalse(contents.knows(large.digest))
  })
})
