import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { bytesOf, textOf } from "../../../src/image/tar/bytes.ts"
import { goCommand, readByGo, readByUs, type Reading } from "../support/goTar.ts"
import { oddTars } from "../support/oddTars.ts"

/** What Go 1.26 answered; the last test asks the Go of this machine again. */
const answers = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../fixtures/tars/go.json", import.meta.url)), "utf8")
) as Readonly<Record<string, Reading>>

describe("the tar reader", () => {
  it.each(oddTars)("reads %s as Go does", (name, tar) => {
    assert.deepStrictEqual(readByUs(tar), answers[name])
  })

  it.each([1, 511, 512, 513, 1 << 20])("does not depend on pieces of %i bytes", (length) => {
    const small = oddTars.filter(([, tar]) => tar.length < 100_000)
    assert.deepStrictEqual(small.map(([, tar]) => readByUs(tar, length)), small.map(([name]) => answers[name]))
  })

  it.skipIf(goCommand === undefined)("is compared with the Go of this machine", () => {
    const read = Array.from(readByGo(goCommand ?? "", oddTars.map(([, tar]) => tar)), ([, reading]) => reading)
    assert.deepStrictEqual(Object.fromEntries(oddTars.map(([name], at) => [name, read[at]])), answers)
  })
})

describe("names that are no UTF-8", () => {
  it("keep their bytes, and never become another name", () => {
    const cases = [
      Buffer.from([0x61, 0xff, 0x62]),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from([0xc0, 0xaf]),
      Buffer.from([0xf0, 0x9f, 0x98]),
      Buffer.from([0xf4, 0x90, 0x80, 0x80]),
      Buffer.from("größe 文件 😀"),
      Buffer.from("\\xff")
    ]
    const texts = cases.map((bytes) => textOf(bytes, 0, bytes.length))
    assert.deepStrictEqual(texts.map((text) => Buffer.from(bytesOf(text))), cases)
    assert.strictEqual(texts[5], "größe 文件 😀")
    assert.strictEqual(texts[0], "a\udcffb")
  })
})
