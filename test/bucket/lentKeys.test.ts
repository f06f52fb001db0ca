/** Keys that are lent for a while, and those that STS lends: for a web identity, and to a role. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Redacted, Result } from "effect"
import * as HttpClient from "effect/http/HttpClient"
import { TestClock } from "effect/testing"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { kept } from "../../src/bucket/store/keys/Lent.ts"
import { stsOf } from "../../src/bucket/store/keys/sts.ts"
import { sign } from "../../src/bucket/store/sign.ts"
import { Unauthorized } from "../../src/oci/OciError.ts"
import { type Asked, folderWith, hour, inAnHour, keysWith, startLenders, type Told } from "./support/lenders.ts"

const lentXml = (action: string) =>
  `<${action}Response><${action}Result><Credentials><AccessKeyId>L</AccessKeyId><SecretAccessKey>S&amp;1</SecretAccessKey>` +
  `<SessionToken>T</SessionToken><Expiration>${inAnHour()}</Expiration></Credentials></${action}Result></${action}Response>`

const role = "arn:aws:iam::1:role/a"

const webIdentity = Effect.fnUntraced(function*(answer: (asked: Asked) => Told | undefined | "silence") {
  const lenders = yield* startLenders(answer)
  const folder = yield* folderWith({ token: "secret-token\n" })
  const environment = {
    AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, "token"),
    AWS_ROLE_ARN: role,
    AWS_ENDPOINT_URL_STS: `${lenders.url}/`
  }
  return { environment, folder, lenders }
})

describe("keys of a web identity", () => {
  it.live("are asked for with the token of the file, and no key", () =>
    Effect.gen(function*() {
      const { environment, lenders } = yield* webIdentity(() => ({ body: lentXml("AssumeRoleWithWebIdentity") }))
      assert.deepStrictEqual(yield* keysWith({ ...environment, AWS_ROLE_SESSION_NAME: "ci" }), ["L", "S&1", "T"])
      const [asked] = lenders.asked
      assert.strictEqual(asked?.what, "POST /")
      assert.isUndefined(asked?.headers.authorization)
      assert.deepStrictEqual(Object.fromEntries(new URLSearchParams(asked?.body)), {
        Action: "AssumeRoleWithWebIdentity",
        Version: "2011-06-15",
        RoleArn: role,
        RoleSessionName: "ci",
        WebIdentityToken: "secret-token"
      })
    }))

  it.live("are asked for once for many who need them at once, and kept for other buckets", () =>
    Effect.gen(function*() {
      const { environment, lenders } = yield* webIdentity(() => ({ body: lentXml("AssumeRoleWithWebIdentity") }))
      const all = yield* Effect.forEach(Array.from({ length: 20 }), () => keysWith(environment), { concurrency: 20 })
      assert.strictEqual(all.filter((keys) => keys[0] === "L").length, 20)
      assert.lengthOf(lenders.asked, 1)
    }))

  it.live("are refused with the word of the one who lends them, and without the token", () =>
    Effect.gen(function*() {
      const xml =
        "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>secret-token</Message></Error></ErrorResponse>"
      const { environment, lenders } = yield* webIdentity(() => ({ status: 400, body: xml }))
      const message = String(yield* keysWith(environment))
      assert.strictEqual(message, `${new URL(lenders.url).host} refuses access: InvalidIdentityToken (HTTP 400)`)
      assert.lengthOf(lenders.asked, 1)
    }))

  it.live("are asked for again where the lender fails for a moment", () =>
    Effect.gen(function*() {
      let failures = 2
      const { environment, lenders } = yield* webIdentity(() =>
        failures-- > 0 ? { status: 503, body: "" } : { body: lentXml("AssumeRoleWithWebIdentity") }
      )
      assert.deepStrictEqual(yield* keysWith(environment), ["L", "S&1", "T"])
      assert.lengthOf(lenders.asked, 3)
    }))

  it.live("need a token that can be read", () =>
    Effect.gen(function*() {
      const { environment, folder, lenders } = yield* webIdentity(() => undefined)
      writeFileSync(join(folder, "token"), "\n")
      assert.include(String(yield* keysWith(environment)), "is empty or too long")
      const gone = { ...environment, AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, "gone") }
      assert.include(String(yield* keysWith(gone)), "cannot be read")
      assert.lengthOf(lenders.asked, 0)
    }))

  it.live("may be those of a profile", () =>
    Effect.gen(function*() {
      const { folder, lenders } = yield* webIdentity(() => ({ body: lentXml("AssumeRoleWithWebIdentity") }))
      const config = `[profile ci]\nrole_arn = ${role}\nweb_identity_token_file = ${folder}/token\n`
      const environment = { AWS_PROFILE: "ci", AWS_ENDPOINT_URL: lenders.url }
      assert.deepStrictEqual(yield* keysWith(environment, yield* folderWith({ config })), ["L", "S&1", "T"])
    }))

  it("are lent in the region, by the one old endpoint where that is asked for, or where the settings say", () => {
    const at = (env: Readonly<Record<string, string>>, region: string) =>
      stsOf({ env, profileName: "default", profiles: new Map(), files: [], region })
    assert.strictEqual(at({}, "eu-west-1"), "https://sts.eu-west-1.amazonaws.com")
    assert.strictEqual(at({}, "cn-north-1"), "https://sts.cn-north-1.amazonaws.com.cn")
    assert.strictEqual(at({ AWS_STS_REGIONAL_ENDPOINTS: "legacy" }, "eu-west-1"), "https://sts.amazonaws.com")
    assert.strictEqual(
      at({ AWS_STS_REGIONAL_ENDPOINTS: "legacy" }, "me-south-1"),
      "https://sts.me-south-1.amazonaws.com"
    )
    assert.strictEqual(at({ AWS_ENDPOINT_URL: "https://minio" }, "us-east-1"), "https://minio")
    assert.strictEqual(
      at({ AWS_ENDPOINT_URL: "https://minio", AWS_ENDPOINT_URL_STS: "https://sts" }, "us-east-1"),
      "https://sts"
    )
  })
})

describe("keys of a role", () => {
  it.live("are asked for with the keys of another profile", () =>
    Effect.gen(function*() {
      const lenders = yield* startLenders(() => ({ body: lentXml("AssumeRole") }))
      const config = `[profile one]\naws_access_key_id = A\naws_secret_access_key = B\n` +
        `[profile dev]\nrole_arn = ${role}\nsource_profile = one\nexternal_id = E\nregion = eu-west-1\n`
      const environment = { AWS_PROFILE: "dev", AWS_ENDPOINT_URL_STS: lenders.url }
      assert.deepStrictEqual(yield* keysWith(environment, yield* folderWith({ config })), ["L", "S&1", "T"])
      const [asked] = lenders.asked
      const { body = "", headers } = asked ?? {}
      assert.include(body, "ExternalId=E")
      const unsigned = {
        method: "POST",
        url: new URL(`${lenders.url}/`),
        headers: { "content-type": headers?.["content-type"] ?? "" },
        body: Buffer.from(body),
        date: Date.parse(String(headers?.["x-amz-date"]).replace(/(....)(..)(..T..)(..)/u, "$1-$2-$3:$4:"))
      }
      const keys = { accessKeyId: "A", secretAccessKey: Redacted.make("B") }
      assert.strictEqual(headers?.authorization, sign(unsigned, keys, "eu-west-1", "sts")["authorization"])
      assert.include(headers?.authorization, "/eu-west-1/sts/aws4_request")
    }))
})

describe("keys that are lent", () => {
  const keysUntil = (name: string, until: number) => ({
    keys: { accessKeyId: name, secretAccessKey: Redacted.make("S") },
    until
  })
  const refused = new Unauthorized({ host: "lender", store: true, reason: "not now" })
  const unanswering = HttpClient.make(() => Effect.die("nothing is to be asked"))
  const asked = <A, E>(effect: Effect.Effect<A, E, HttpClient.HttpClient>) =>
    Effect.provideService(effect, HttpClient.HttpClient, unanswering)

  it.effect("are asked for again before they end, and hold on where that fails", () =>
    Effect.gen(function*() {
      let name = "first"
      let fails = false
      let times = 0
      const keys = asked(kept(Effect.suspend(() => {
        times++
        return fails ? Effect.fail(refused) : Effect.map(Clock.currentTimeMillis, (now) => keysUntil(name, now + hour))
      })))
      const now = Effect.map(Effect.result(keys), (got) => Result.isSuccess(got) ? got.success.accessKeyId : "none")
      assert.strictEqual(yield* now, "first")
      name = "second"
      yield* TestClock.adjust("54 minutes")
      assert.strictEqual(yield* now, "first")
      assert.strictEqual(times, 1)
      fails = true
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* now, "first")
      assert.strictEqual(yield* now, "first")
      assert.strictEqual(times, 2)
      fails = false
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* now, "second")
      fails = true
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* now, "none")
    }))

  it.effect("are refused to all who waited by one answer, and asked for anew by the next", () =>
    Effect.gen(function*() {
      let times = 0
      const keys = asked(kept(Effect.suspend(() => {
        times++
        return Effect.andThen(Effect.sleep("1 second"), Effect.fail(refused))
      })))
      const waiting = yield* Effect.forkChild(
        Effect.all(Array.from({ length: 10 }, () => Effect.flip(keys)), { concurrency: 10 })
      )
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(yield* Fiber.join(waiting), 10)
      assert.strictEqual(times, 1)
      const next = yield* Effect.forkChild(Effect.flip(keys))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(next)
      assert.strictEqual(times, 2)
    }))

  it.effect("are asked for by another who waited, where the first one goes", () =>
    Effect.gen(function*() {
      let times = 0
      const keys = asked(kept(Effect.suspend(() => {
        times++
        return Effect.as(Effect.sleep("1 second"), keysUntil("L", Number.POSITIVE_INFINITY))
      })))
      const first = yield* Effect.forkChild(keys)
      const second = yield* Effect.forkChild(keys)
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* Fiber.join(second)).accessKeyId, "L")
      assert.strictEqual(times, 2)
    }))
})
