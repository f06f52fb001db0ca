/** A registry without users belongs to its machine, and a web page that calls it by another name gets nothing. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { isMeant } from "../../src/http/hosts.ts"
import { raw } from "./support/raw.ts"
import { inMemory, type Served } from "./support/serving.ts"

const asked = (served: Served, lines: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const { closed, write } = yield* raw(Number(new URL(served.url).port))
    write(["GET /v2/ HTTP/1.1", ...lines, "Connection: close", "", ""].join("\r\n"))
    return yield* closed
  })

describe("a registry without users", () => {
  it("is meant by addresses, by localhost, and by the names that it was given", () => {
    for (const host of ["127.0.0.1:5000", "[::1]:5000", "192.168.1.7", "localhost", "LocalHost:80", "a.localhost:1"]) {
      assert.isTrue(isMeant(host, []), host)
    }
    assert.isTrue(isMeant("Registry.Example:5000", ["registry.example"]))
    for (const host of ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:5000"]) {
      assert.isFalse(isMeant(host, ["registry.example"]), host)
    }
  })

  it.live("answers to no other name", () =>
    Effect.gen(function*() {
      const served = yield* inMemory({ hosts: ["registry.example"] })
      assert.match(yield* asked(served, ["Host: localhost:5000"]), /^HTTP\/1\.1 200 /u)
      assert.match(yield* asked(served, ["Host: registry.example"]), /^HTTP\/1\.1 200 /u)
      const refused = yield* asked(served, ["Host: evil.example"])
      assert.match(refused, /^HTTP\/1\.1 403 /u)
      assert.include(refused, "\\\"evil.example\\\" has to be named with --allowed-host")
    }))

  it.live("answers to any name where that does not matter", () =>
    Effect.gen(function*() {
      assert.match(yield* asked(yield* inMemory(), ["Host: evil.example"]), /^HTTP\/1\.1 200 /u)
    }))
})
