/** Where keys, region and endpoint come from. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Redacted, Result } from "effect"
import { inspect } from "node:util"
import { findAccess } from "../../src/bucket/store/credentials.ts"
import { withClient } from "./support/gateway.ts"
import { accessWith, folderWith, keysWith } from "./support/lenders.ts"

const config = `[default]
region = eu-west-1
s3 =
  addressing_style = path

[profile other]
region=us-west-2
endpoint_url = http://127.0.0.1:9000

[profile lent]
credential_process = "${process.execPath}" "--version"

[profile turned]
role_arn = arn:aws:iam::1:role/a
source_profile = round

[profile round]
role_arn = arn:aws:iam::1:role/b
source_profile = turned

[profile coded]
role_arn = arn:aws:iam::1:role/a
source_profile = default
mfa_serial = arn:aws:iam::1:mfa/me
`
const credentials = `[default]
aws_access_key_id = A
aws_secret_access_key = B
[other]
aws_access_key_id = C
aws_secret_access_key = D
aws_session_token = E
`

const folder = folderWith({ config, credentials })

describe("access to a bucket", () => {
  it.effect("comes from the default profile", () =>
    Effect.gen(function*() {
      const { endpoint, keys, region } = yield* accessWith({}, yield* folder)
      assert.deepStrictEqual(keys, Result.succeed(["A", "B"]))
      assert.strictEqual(region, "eu-west-1")
      assert.isUndefined(endpoint)
    }))

  it.effect("comes from the profile that is named", () =>
    Effect.gen(function*() {
      const { endpoint, keys, region } = yield* accessWith({ AWS_PROFILE: "other" }, yield* folder)
      assert.deepStrictEqual(keys, Result.succeed(["C", "D", "E"]))
      assert.strictEqual(region, "us-west-2")
      assert.strictEqual(endpoint, "http://127.0.0.1:9000")
    }))

  it.effect("comes from the environment first", () =>
    Effect.gen(function*() {
      const { endpoint, keys, region } = yield* accessWith({
        AWS_PROFILE: "other",
        AWS_ACCESS_KEY_ID: "X",
        AWS_SECRET_ACCESS_KEY: "Y",
        AWS_REGION: "auto",
        AWS_ENDPOINT_URL: "http://127.0.0.1:1",
        AWS_ENDPOINT_URL_S3: "http://127.0.0.1:2"
      }, yield* folder)
      assert.deepStrictEqual(keys, Result.succeed(["X", "Y"]))
      assert.strictEqual(region, "auto")
      assert.strictEqual(endpoint, "http://127.0.0.1:2")
    }))

  it.live("comes from what a profile runs", () =>
    Effect.gen(function*() {
      const folder = yield* folderWith({
        "prints keys.mjs": `console.log('{"Version":1,"AccessKeyId":"L","SecretAccessKey":"S","SessionToken":"T"}')`
      })
      const config = `[profile lent]\ncredential_process = "${process.execPath}" "${folder}/prints keys.mjs"\n`
      const at = yield* folderWith({ config })
      assert.deepStrictEqual(yield* keysWith({ AWS_PROFILE: "lent" }, at), ["L", "S", "T"])
    }))

  it.live("is refused where what a profile runs prints no keys", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        yield* keysWith({ AWS_PROFILE: "lent" }, yield* folder),
        "\"credential_process of profile lent\" refuses access: it prints no keys"
      )
    }))

  it.effect("is refused without keys, and all is told where they were looked for", () =>
    Effect.gen(function*() {
      const message = String(yield* keysWith({ AWS_EC2_METADATA_DISABLED: "TRUE" }, "/nothing"))
      for (const name of ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "profile default in /nothing/config"]) {
        assert.include(message, name)
      }
    }))

  it.effect("is refused where it is said by half, or leads nowhere", () =>
    Effect.gen(function*() {
      const at = yield* folder
      const cases: ReadonlyArray<readonly [Readonly<Record<string, string>>, string]> = [
        [{ AWS_ACCESS_KEY_ID: "X" }, "only one is set"],
        [{ AWS_SECRET_ACCESS_KEY: "Y" }, "only one is set"],
        [{ AWS_WEB_IDENTITY_TOKEN_FILE: "/token" }, "set AWS_ROLE_ARN"],
        [{ AWS_PROFILE: "none" }, `there is no profile none in ${at}/config`],
        [{ AWS_PROFILE: "turned" }, "leads to itself by source_profile"],
        [{ AWS_PROFILE: "coded" }, "asks for a code of a device"]
      ]
      for (const [environment, told] of cases) assert.include(String(yield* keysWith(environment, at)), told)
    }))

  it.effect("shows no secret when it is printed", () =>
    Effect.gen(function*() {
      const { keys } = yield* withClient(findAccess("s3://b"))
      const got = yield* Effect.result(keys)
      assert.notInclude(inspect(got, { depth: 9 }), "testsecret")
      assert.notInclude(JSON.stringify(got), "testsecret")
      assert.strictEqual(got._tag === "Success" ? Redacted.value(got.success.secretAccessKey) : "", "testsecret")
    }).pipe(Effect.provide(
      ConfigProvider.layer(ConfigProvider.fromUnknown({ AWS_ACCESS_KEY_ID: "X", AWS_SECRET_ACCESS_KEY: "testsecret" }))
    )))
})
