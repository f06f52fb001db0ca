/** Where keys, region and endpoint come from. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findAccess } from "../../src/bucket/store/credentials.ts"

const config = `[default]
region = eu-west-1
s3 =
  addressing_style = path

[profile other]
region=us-west-2
endpoint_url = http://127.0.0.1:9000

[profile lent]
credential_process = "${process.execPath}" "PRINT"
`
const credentials = `[default]
aws_access_key_id = A
aws_secret_access_key = B
[other]
aws_access_key_id = C
aws_secret_access_key = D
aws_session_token = E
`

const accessWith = (environment: Readonly<Record<string, string>>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "aws-"))
      const print = join(folder, "prints keys.mjs")
      writeFileSync(print, `console.log('{"Version":1,"AccessKeyId":"L","SecretAccessKey":"S","SessionToken":"T"}')`)
      writeFileSync(join(folder, "config"), config.replace("PRINT", print))
      writeFileSync(join(folder, "credentials"), credentials)
      return folder
    }),
    (folder) =>
      findAccess("s3://b").pipe(
        Effect.flatMap(({ endpoint, keys, region }) =>
          Effect.map(Effect.result(keys), (keys) => ({ endpoint, keys, region }))
        ),
        Effect.provideService(
          ConfigProvider.ConfigProvider,
          ConfigProvider.fromUnknown({
            AWS_CONFIG_FILE: join(folder, "config"),
            AWS_SHARED_CREDENTIALS_FILE: join(folder, "credentials"),
            ...environment
          })
        )
      ),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )

const keysOf = (id: string, secret: string, token?: string) => ({
  accessKeyId: id,
  secretAccessKey: secret,
  ...(token === undefined ? {} : { sessionToken: token })
})

describe("access to a bucket", () => {
  it.effect("comes from the default profile", () =>
    Effect.gen(function*() {
      const { endpoint, keys, region } = yield* accessWith({})
      assert.deepStrictEqual(keys, yield* Effect.result(Effect.succeed(keysOf("A", "B"))))
      assert.strictEqual(region, "eu-west-1")
      assert.isUndefined(endpoint)
    }))

  it.effect("comes from the profile that is named", () =>
    Effect.gen(function*() {
      const { endpoint, keys, region } = yield* accessWith({ AWS_PROFILE: "other" })
      assert.deepStrictEqual(keys, yield* Effect.result(Effect.succeed(keysOf("C", "D", "E"))))
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
      })
      assert.deepStrictEqual(keys, yield* Effect.result(Effect.succeed(keysOf("X", "Y"))))
      assert.strictEqual(region, "auto")
      assert.strictEqual(endpoint, "http://127.0.0.1:2")
    }))

  it.live("comes from what a profile runs", () =>
    Effect.gen(function*() {
      const { keys } = yield* accessWith({ AWS_PROFILE: "lent" })
      assert.deepStrictEqual(keys, yield* Effect.result(Effect.succeed(keysOf("L", "S", "T"))))
    }))

  it.effect("is refused without keys", () =>
    Effect.gen(function*() {
      const { keys, region } = yield* accessWith({ AWS_PROFILE: "nobody" })
      assert.strictEqual(keys._tag, "Failure")
      assert.strictEqual(region, "us-east-1")
    }))
})
