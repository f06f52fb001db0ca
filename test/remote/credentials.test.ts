/** Files and helpers that keep who asks, as other tools have written them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { forgetLogin, keepLogin, keptCredentials } from "../../src/remote/index.ts"
import { temporaryFolder } from "../support/folders.ts"

const encoded = (login: string): string => Buffer.from(login).toString("base64")

const write = (path: string, value: unknown): void => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value))
}

const asked = Effect.fnUntraced(function*(
  home: string,
  host: string,
  { env = {}, repository }: { readonly env?: Record<string, string>; readonly repository?: string } = {}
) {
  const found = yield* keptCredentials({ env, home })(host, repository)
  return found === undefined
    ? undefined
    : found._tag === "Password"
    ? `${found.username}:${Redacted.value(found.password)}`
    : `${found._tag} ${Redacted.value(found.token)}`
})

/** A helper that keeps logins in a folder. */
const helper = (folder: string): Record<string, string> => {
  const path = join(folder, "bin/docker-credential-test")
  write(
    path,
    `#!/bin/sh
cd "${folder}"
case "$1" in
  get) read -r key; [ -f kept ] && [ "$key" = "$(cat key)" ] && cat kept || { echo "credentials not found in native keychain"; exit 1; } ;;
  store) cat > told; printf '{"Username":"ada","Secret":"from the helper"}' > kept; printf %s "$(sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/' told)" > key ;;
  erase) rm -f kept ;;
esac
`
  )
  chmodSync(path, 0o755)
  return { PATH: `${join(folder, "bin")}:${process.env["PATH"] ?? ""}` }
}

describe("kept logins", () => {
  it.effect("are those of the first file that knows the registry", () =>
    Effect.gen(function*() {
      const home = yield* temporaryFolder
      assert.isUndefined(yield* asked(home, "example.com"))
      write(join(home, ".docker/config.json"), { auths: { "example.com": { auth: encoded("docker:1") } } })
      assert.strictEqual(yield* asked(home, "example.com"), "docker:1")
      write(join(home, ".config/containers/auth.json"), { auths: { "example.com": { auth: encoded("podman:2") } } })
      assert.strictEqual(yield* asked(home, "example.com"), "podman:2")
      write(join(home, "run/containers/auth.json"), { auths: { "example.com": { auth: encoded("session:3") } } })
      const env = { XDG_RUNTIME_DIR: join(home, "run") }
      assert.strictEqual(yield* asked(home, "example.com", { env }), "session:3")
      write(join(home, "only.json"), { auths: {} })
      const only = { ...env, REGISTRY_AUTH_FILE: join(home, "only.json") }
      assert.isUndefined(yield* asked(home, "example.com", { env: only }))
    }))

  const entries: ReadonlyArray<readonly [string, object, string, string | undefined, string | undefined]> = [
    ["Docker Hub", { "https://index.docker.io/v1/": { auth: encoded("a:b") } }, "docker.io", undefined, "a:b"],
    ["an address", { "https://example.com/v2/": { auth: encoded("a:b") } }, "example.com", undefined, "a:b"],
    ["a port", { "example.com:5000": { auth: encoded("a:b") } }, "example.com:5000", undefined, "a:b"],
    ["another port", { "example.com:5000": { auth: encoded("a:b") } }, "example.com", undefined, undefined],
    ["a colon in the password", { "example.com": { auth: encoded("a:b:c") } }, "example.com", undefined, "a:b:c"],
    [
      "a repository",
      {
        "example.com": { auth: encoded("a:b") },
        "example.com/team": { auth: encoded("team:c") }
      },
      "example.com",
      "team/app",
      "team:c"
    ],
    [
      "another repository",
      {
        "example.com": { auth: encoded("a:b") },
        "example.com/team": { auth: encoded("team:c") }
      },
      "example.com",
      "teams/app",
      "a:b"
    ],
    ["an identity token", { "example.com": { identitytoken: "t" } }, "example.com", undefined, "IdentityToken t"],
    ["a user for one", { "example.com": { auth: encoded("<token>:t") } }, "example.com", undefined, "IdentityToken t"],
    ["a registry's token", { "example.com": { registrytoken: "t" } }, "example.com", undefined, "RegistryToken t"],
    ["nothing", { "example.com": {} }, "example.com", undefined, undefined]
  ]

  it.effect.each(entries)("for %s", ([, auths, host, repository, expected]) =>
    Effect.gen(function*() {
      const home = yield* temporaryFolder
      write(join(home, ".docker/config.json"), { auths })
      assert.strictEqual(yield* asked(home, host, repository === undefined ? {} : { repository }), expected)
    }))

  it.effect("of a file that is none are told, with nothing of it", () =>
    Effect.gen(function*() {
      const home = yield* temporaryFolder
      write(join(home, ".docker/config.json"), "{\"auths\": secret")
      const failed = yield* Effect.flip(asked(home, "example.com"))
      assert.strictEqual(failed._tag, "Unauthorized")
      assert.notInclude(failed.message, "secret")
      write(join(home, ".docker/config.json"), "")
      assert.isUndefined(yield* asked(home, "example.com"))
    }))

  it.live("are asked of a helper, and given to it", () =>
    Effect.gen(function*() {
      const home = yield* temporaryFolder
      const surroundings = { home, env: helper(home) }
      const { env } = surroundings
      write(join(home, ".docker/config.json"), { credsStore: "test", other: { stays: true } })
      assert.isUndefined(yield* asked(home, "docker.io", { env }))
      const { place } = yield* keepLogin(surroundings, "docker.io", "ada", Redacted.make("wonder"))
      assert.strictEqual(place, "docker-credential-test")
      assert.deepStrictEqual(JSON.parse(readFileSync(join(home, "told"), "utf8")), {
        ServerURL: "https://index.docker.io/v1/",
        Username: "ada",
        Secret: "wonder"
      })
      const file = readFileSync(join(home, ".docker/config.json"), "utf8")
      assert.notInclude(file, "wonder")
      assert.deepStrictEqual(JSON.parse(file), {
        credsStore: "test",
        other: { stays: true },
        auths: { "https://index.docker.io/v1/": {} }
      })
      assert.strictEqual(yield* asked(home, "docker.io", { env }), "ada:from the helper")
      const places = yield* forgetLogin(surroundings, "docker.io")
      assert.deepStrictEqual(places.map((one) => one.place), [
        "docker-credential-test",
        join(home, ".docker/config.json")
      ])
      assert.isUndefined(yield* asked(home, "docker.io", { env }))
    }))

  it.live("are not asked of a helper that is a path, or is not there", () =>
    Effect.gen(function*() {
      const home = yield* temporaryFolder
      write(join(home, ".docker/config.json"), {
        credsStore: "../../x",
        auths: { "example.com": { auth: encoded("a:b") } }
      })
      assert.strictEqual(yield* asked(home, "example.com"), "a:b")
      write(join(home, ".docker/config.json"), { credsStore: "of-nobody" })
      const failed = yield* Effect.flip(asked(home, "example.com"))
      assert.match(failed.message, /docker-credential-of-nobody get is not installed/u)
    }))
})

describe("a login", () => {
  it.effect("changes nothing else in the file, which no other user may read", () =>
    Effect.gen(function*() {
      const home = yield* temporaryFolder
      const surroundings = { home, env: {} }
      const file = join(home, "elsewhere.json")
      const before = {
        psFormat: "table",
        auths: {
          "a.example.com": { auth: encoded("x:y"), email: "x" },
          "https://example.com/v1/": { auth: encoded("old:1") }
        },
        proxies: { default: { httpProxy: "http://proxy" } }
      }
      write(file, before)
      mkdirSync(join(home, ".docker"))
      symlinkSync(file, join(home, ".docker/config.json"))
      yield* keepLogin(surroundings, "example.com", "ada", Redacted.make("wonder:land"))
      assert.deepStrictEqual(JSON.parse(readFileSync(file, "utf8")), {
        ...before,
        auths: { "a.example.com": before.auths["a.example.com"], "example.com": { auth: encoded("ada:wonder:land") } }
      })
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      assert.deepStrictEqual(readdirSync(home).toSorted(), [".docker", "elsewhere.json"])
      assert.strictEqual(yield* asked(home, "example.com"), "ada:wonder:land")
      const places = yield* forgetLogin(surroundings, "example.com")
      assert.strictEqual(places.length, 1)
      assert.deepStrictEqual(JSON.parse(readFileSync(file, "utf8")), {
        ...before,
        auths: { "a.example.com": before.auths["a.example.com"] }
      })
      assert.deepStrictEqual(yield* forgetLogin(surroundings, "example.com"), [])
    }))

  it.effect("makes the file where there is none", () =>
    Effect.gen(function*() {
      const home = yield* temporaryFolder
      const env = { REGISTRY_AUTH_FILE: join(home, "deep/auth.json") }
      yield* keepLogin({ home, env }, "example.com", "ada", Redacted.make("1"))
      assert.strictEqual(yield* asked(home, "example.com", { env }), "ada:1")
      assert.strictEqual(statSync(join(home, "deep")).mode & 0o777, 0o700)
    }))
})
