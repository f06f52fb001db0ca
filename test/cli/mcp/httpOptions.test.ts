import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type HttpFlags, parseHttp } from "../../../src/cli/mcp/httpOptions.ts"

const environment = { TOKEN: "0123456789abcdef", SHORT: "0123456789abcde", SPACED: "with spaces in between", EMPTY: "" }

const parse = (flags: Partial<HttpFlags>) =>
  parseHttp({ http: undefined, tokenEnv: undefined, allowedHosts: [], allowedOrigins: [], ...flags }, environment)

const parsed = (flags: Partial<HttpFlags>) => Result.getOrThrow(parse(flags))

describe("the options of --http", () => {
  it("are none without it", () => assert.isUndefined(parsed({})))

  it("listen on this machine unless a host is named", () => {
    const addresses: ReadonlyArray<readonly [string, string, number]> = [
      ["8080", "127.0.0.1", 8080],
      ["0", "127.0.0.1", 0],
      ["localhost:80", "localhost", 80],
      ["127.1.2.3:65535", "127.1.2.3", 65_535],
      ["[::1]:9", "::1", 9]
    ]
    for (const [http, host, port] of addresses) assert.deepInclude(parsed({ http }), { host, port, made: true })
    assert.deepInclude(parsed({ http: "0.0.0.0:80", tokenEnv: "TOKEN" }), { host: "0.0.0.0", made: false })
  })

  it("make a token of 256 bits, another one each time, when no variable has one", () => {
    const tokens = new Set(Array.from({ length: 10 }, () => parsed({ http: "1" })?.token))
    assert.strictEqual(tokens.size, 10)
    for (const token of tokens) assert.match(token ?? "", /^[\w-]{43}$/u)
    assert.strictEqual(parsed({ http: "1", tokenEnv: "TOKEN" })?.token, environment.TOKEN)
  })

  it("refuse what would leave the door open, without repeating a secret", () => {
    const wrong: ReadonlyArray<readonly [Partial<HttpFlags>, string]> = [
      ...["0.0.0.0:1", "[::]:1", "192.168.0.1:1", "host.example:1", "128.0.0.1:1", "127.0.0.1.evil:1", "[::2]:1"].map(
        (http) => [{ http }, "can be reached from elsewhere"] as const
      ),
      ...["MISSING", "SHORT", "SPACED", "EMPTY"].map((tokenEnv) =>
        [{ http: "1", tokenEnv }, `${tokenEnv} has to hold a token of at least 16`] as const
      ),
      ...["", "x", "65536", "-1", "1:2:3", "::1:80", "[::1]", "localhost:", ":80", "80 "].map((http) =>
        [{ http }, "--http takes [HOST:]PORT"] as const
      ),
      ...["app.example", "https://app.example/", "file:///x", "*", "null"].map((origin) =>
        [{ http: "1", allowedOrigins: [origin] }, "--allowed-origin takes an origin"] as const
      ),
      [{ tokenEnv: "TOKEN" }, "are for --http"],
      [{ allowedHosts: ["x"] }, "are for --http"],
      [{ allowedOrigins: ["https://x"] }, "are for --http"]
    ]
    for (const [flags, expected] of wrong) {
      const said = Result.getOrElse(Result.flip(parse(flags)), () => "accepted")
      assert.include(said, expected, JSON.stringify(flags))
      assert.notInclude(said, environment.SPACED)
    }
  })
})
