/** Keys that a machine has for itself: those of its container, of its instance, and of who has signed on at it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import { createHash } from "node:crypto"
import { join } from "node:path"
import { afterEach, vi } from "vitest"
import { byContainer } from "../../src/bucket/store/keys/container.ts"
import { type Asked, folderWith, hour, inAnHour, keysWith, startLenders, type Told } from "./support/lenders.ts"

const lentJson = () =>
  JSON.stringify({ Code: "Success", AccessKeyId: "L", SecretAccessKey: "S", Token: "T", Expiration: inAnHour() })

describe("keys of a container", () => {
  it.live("are asked for with the token of the file, rather than that of the variable", () =>
    Effect.gen(function*() {
      const lenders = yield* startLenders(({ headers }) =>
        headers.authorization === "of the file" ? { body: lentJson() } : { status: 403, body: "" }
      )
      const folder = yield* folderWith({ token: "of the file\n" })
      const environment = {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${lenders.url}/v1/credentials`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: "of the variable",
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(folder, "token")
      }
      assert.deepStrictEqual(yield* keysWith(environment), ["L", "S", "T"])
      assert.deepStrictEqual(lenders.asked.map(({ what }) => what), ["GET /v1/credentials"])
    }))

  it.live("are refused as the endpoint refuses them", () =>
    Effect.gen(function*() {
      const lenders = yield* startLenders(() => ({ status: 403, body: "AccessKeyId" }))
      const environment = { AWS_CONTAINER_CREDENTIALS_FULL_URI: lenders.url }
      assert.strictEqual(
        yield* keysWith(environment),
        `${new URL(lenders.url).host} refuses access: it refused (HTTP 403)`
      )
    }))

  it.live("are not taken from an answer without them", () =>
    Effect.gen(function*() {
      const lenders = yield* startLenders(() => ({ body: JSON.stringify({ AccessKeyId: "L" }) }))
      const environment = { AWS_CONTAINER_CREDENTIALS_FULL_URI: lenders.url }
      assert.include(String(yield* keysWith(environment)), "its answer has no keys")
    }))

  /** Where a question goes; it gets no answer. */
  const askedAt = (environment: Readonly<Record<string, string>>) =>
    Effect.gen(function*() {
      const urls: Array<string> = []
      const client = HttpClient.make((request, url) =>
        Effect.sync(() => {
          urls.push(url.href)
          return HttpClientResponse.fromWeb(request, new Response(lentJson()))
        })
      )
      const got = yield* Effect.result(Effect.provideService(byContainer(environment), HttpClient.HttpClient, client))
      return Result.match(got, { onSuccess: () => urls.join(" "), onFailure: ({ message }) => message })
    })

  it.live("are asked for at the address of ECS, or where HTTP leaves the machine for no other one", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* askedAt({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/credentials/1" }),
        "http://169.254.170.2/v2/credentials/1"
      )
      const near = [
        "http://169.254.170.2/a",
        "http://169.254.170.23/v1/credentials",
        "http://[fd00:ec2::23]/v1/credentials",
        "http://localhost:1/",
        "http://127.0.0.2/",
        "http://[::1]/",
        "https://example.com/keys"
      ]
      for (const url of near) assert.strictEqual(yield* askedAt({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url }), url)
    }))

  it.live("are asked for nowhere else", () =>
    Effect.gen(function*() {
      const far = [
        "http://example.com/keys",
        "http://169.254.169.254/",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",
        "http://169.254.170.2.example.com/",
        "ftp://127.0.0.1/"
      ]
      for (const url of far) {
        assert.include(
          yield* askedAt({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url }),
          "plain HTTP only to this machine",
          url
        )
      }
      assert.include(yield* askedAt({ AWS_CONTAINER_CREDENTIALS_FULL_URI: "nowhere" }), "is no URL")
      assert.include(
        yield* askedAt({ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "@example.com/" }),
        "does not begin with a slash"
      )
      for (const token of ["a\nb: c", " \n"]) {
        const environment = {
          AWS_CONTAINER_CREDENTIALS_FULL_URI: "https://example.com/",
          AWS_CONTAINER_AUTHORIZATION_TOKEN: token
        }
        assert.include(yield* askedAt(environment), "authorization token is empty, or has more than one line")
      }
    }))
})

describe("keys of an instance", () => {
  const service = ({ headers, what }: Asked): Told | undefined => {
    if (what === "PUT /latest/api/token") {
      return headers["x-aws-ec2-metadata-token-ttl-seconds"] === "21600" ? { body: "of-2" } : { status: 400, body: "" }
    }
    if (headers["x-aws-ec2-metadata-token"] !== "of-2") return { status: 401, body: "" }
    if (what === "GET /latest/meta-data/iam/security-credentials/") return { body: "the-role\n" }
    return what === "GET /latest/meta-data/iam/security-credentials/the-role" ? { body: lentJson() } : undefined
  }

  it.live("are asked for with a token, after all else", () =>
    Effect.gen(function*() {
      const { asked, url } = yield* startLenders(service)
      const environment = { AWS_EC2_METADATA_SERVICE_ENDPOINT: url }
      const config = "[default]\naws_access_key_id = A\naws_secret_access_key = B\n"
      assert.deepStrictEqual(yield* keysWith(environment, yield* folderWith({ config })), ["A", "B"])
      assert.lengthOf(asked, 0)
      assert.deepStrictEqual(yield* keysWith(environment), ["L", "S", "T"])
      assert.deepStrictEqual(asked.map(({ what }) => what), [
        "PUT /latest/api/token",
        "GET /latest/meta-data/iam/security-credentials/",
        "GET /latest/meta-data/iam/security-credentials/the-role"
      ])
    }))

  it.live("are not asked for without a token, nor where that is switched off", () =>
    Effect.gen(function*() {
      const { asked, url } = yield* startLenders((asked) => asked.what.startsWith("PUT") ? undefined : service(asked))
      const environment = { AWS_EC2_METADATA_SERVICE_ENDPOINT: url }
      assert.include(String(yield* keysWith(environment)), "this is no instance that has some")
      assert.deepStrictEqual(asked.map(({ what }) => what), ["PUT /latest/api/token"])
      yield* keysWith({ ...environment, AWS_EC2_METADATA_DISABLED: "true" })
      assert.lengthOf(asked, 1)
    }))

  it.live("are not waited for", () =>
    Effect.gen(function*() {
      const { url } = yield* startLenders(() => "silence")
      const environment = { AWS_EC2_METADATA_SERVICE_ENDPOINT: url, AWS_METADATA_SERVICE_TIMEOUT: "0.05" }
      assert.include(String(yield* keysWith(environment)), "no answer within 0.05 s")
    }))

  it.live("are those of no role with a strange name", () =>
    Effect.gen(function*() {
      const { asked, url } = yield* startLenders((asked) =>
        asked.what.endsWith("security-credentials/") ? { body: "../../user-data" } : service(asked)
      )
      assert.include(String(yield* keysWith({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url })), "it names no role")
      assert.lengthOf(asked, 2)
    }))
})

describe("keys of those who have signed on", () => {
  afterEach(() => void vi.unstubAllEnvs())

  const sections = "[profile dev]\nsso_session = work\nsso_account_id = 1\nsso_role_name = reader\n" +
    "[sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://start\n"
  const old =
    "[profile dev]\nsso_account_id = 1\nsso_role_name = reader\nsso_region = eu-west-1\nsso_start_url = https://start\n"

  const portal = ({ headers, what }: Asked): Told | undefined =>
    headers["x-amz-sso_bearer_token"] !== "of-sso"
      ? { status: 401, body: "{}" }
      : what === "GET /federation/credentials?role_name=reader&account_id=1"
      ? {
        body: JSON.stringify({
          roleCredentials: { accessKeyId: "L", secretAccessKey: "S", sessionToken: "T", expiration: Date.now() + hour }
        })
      }
      : undefined

  const signedOn = Effect.fnUntraced(function*(config: string, name: string, token: object | undefined) {
    const lenders = yield* startLenders(portal)
    const cached = `.aws/sso/cache/${createHash("sha1").update(name).digest("hex")}.json`
    const folder = yield* folderWith({ config, ...(token === undefined ? {} : { [cached]: JSON.stringify(token) }) })
    vi.stubEnv("HOME", folder)
    const keys = yield* keysWith({ AWS_PROFILE: "dev", AWS_ENDPOINT_URL_SSO: lenders.url }, folder)
    return { keys, asked: lenders.asked }
  })

  it.live("are asked for with the token of the session", () =>
    Effect.gen(function*() {
      const { keys } = yield* signedOn(sections, "work", { accessToken: "of-sso", expiresAt: inAnHour() })
      assert.deepStrictEqual(keys, ["L", "S", "T"])
    }))

  it.live("are asked for with the token of the address, where there is no session", () =>
    Effect.gen(function*() {
      const expiresAt = inAnHour().replace(/\.\d+Z$/u, "UTC")
      const { keys } = yield* signedOn(old, "https://start", { accessToken: "of-sso", expiresAt })
      assert.deepStrictEqual(keys, ["L", "S", "T"])
    }))

  it.live("need a token that holds: who has none is told how to get it", () =>
    Effect.gen(function*() {
      const ended = new Date(Date.now() - 1000).toISOString()
      const cases = [
        [undefined, "there is no token in"],
        [{ accessToken: "of-sso", expiresAt: ended }, "its token has ended"],
        [{ accessToken: "of-sso" }, "its token has ended"],
        [{ expiresAt: inAnHour() }, "has no token"],
        [{ accessToken: "other-secret", expiresAt: inAnHour() }, "it refused (HTTP 401)"]
      ] as const
      for (const [token, told] of cases) {
        const { asked, keys } = yield* signedOn(sections, "work", token)
        assert.include(String(keys), told)
        assert.include(String(keys), "run aws sso login --profile dev")
        assert.notInclude(String(keys), "secret")
        assert.lengthOf(asked, told.includes("HTTP") ? 1 : 0)
      }
    }))

  it.live("need a whole profile", () =>
    Effect.gen(function*() {
      const [own = ""] = sections.split("[sso-session")
      assert.include(String((yield* signedOn(own, "work", undefined)).keys), "there is no section [sso-session work]")
      const { keys } = yield* signedOn(sections.replace("sso_role_name = reader\n", ""), "work", undefined)
      assert.include(String(keys), "it needs sso_account_id, sso_role_name")
    }))
})
