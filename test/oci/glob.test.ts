import { assert, describe, it } from "@effect/vitest"
import { fits } from "../../src/oci/glob.ts"

describe("a pattern", () => {
  it("takes * for any characters, ? for one, and all others for themselves", () => {
    const fitting: ReadonlyArray<readonly [pattern: string, name: string]> = [
      ["pr-*", "pr-1"],
      ["*-rc?", "1.0-rc1"],
      ["v1.2+build", "v1.2+build"],
      ["a/b", "a/b"],
      ["**", ""],
      ["(x)[y]{z}|^$\\", "(x)[y]{z}|^$\\"]
    ]
    for (const [pattern, name] of fitting) assert.isTrue(fits(pattern)(name), `${pattern} ${name}`)
    const others: ReadonlyArray<readonly [pattern: string, name: string]> = [
      ["v1.2", "v1x2"],
      ["v?", "v10"],
      ["v*", "xv"],
      ["[a-z]", "a"]
    ]
    for (const [pattern, name] of others) assert.isFalse(fits(pattern)(name), `${pattern} ${name}`)
  })
})
