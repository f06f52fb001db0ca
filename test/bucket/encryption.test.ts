/** Encryption at rest: what is asked of the store for each object that is made, and what is refused. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result } from "effect"
import { type Encryption, parseEncryption } from "../../src/bucket/index.ts"
import { makeS3Store } from "../../src/bucket/store/s3Store.ts"
import { answering, withClient } from "../remote/support/remotes.ts"

/** What a store is told with an object in one request, and with one in parts. */
const toldOf = (encryption: Encryption | undefined) =>
  Effect.scoped(withClient(Effect.gen(function*() {
    const told: Array<unknown> = []
    const { url } = yield* answering(({ headers, method, url: target }, response) => {
      const fields = Object.entries(headers).filter(([name]) => name.startsWith("x-amz-server-side-encryption"))
      told.push([method, target?.includes("uploads") === true, Object.fromEntries(fields)])
      const body = "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
      response.writeHead(200, { etag: "\"1\"", date: new Date().toUTCString() }).end(method === "POST" ? body : "")
    })
    const keys = Effect.succeed({ accessKeyId: "id", secretAccessKey: Redacted.make("secret") })
    const store = yield* makeS3Store({ bucket: "b", prefix: "p", keys, region: "r", endpoint: url, encryption })
    yield* store.put("one", new Uint8Array([1]), {})
    yield* store.begin("many")
    return told
  })))

const both = (headers: object) => [["PUT", false, headers], ["POST", true, headers]]

describe("encryption at rest", () => {
  it.live("is that of the bucket by default", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* toldOf(undefined), both({}))
    }))

  it.live.each(
    [
      ["AES256", { "x-amz-server-side-encryption": "AES256" }],
      ["aws:kms", { "x-amz-server-side-encryption": "aws:kms" }],
      ["aws:kms:dsse=arn:aws:kms:eu-west-1:1:key/2", {
        "x-amz-server-side-encryption": "aws:kms:dsse",
        "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-west-1:1:key/2"
      }]
    ] as const
  )("%s is asked for with every object", ([text, headers]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* toldOf(yield* Effect.fromResult(parseEncryption(text))), both(headers))
    }))

  it.each(["", "aes256", "AES256=key", "aws:kms=", "aws:kms=a b", "aws:kms=a\r\nx-amz-acl: public-read", "none"])(
    "%j is refused",
    (text) => {
      const refused = parseEncryption(text)
      assert.isTrue(Result.isFailure(refused))
      if (Result.isFailure(refused)) assert.include(refused.failure.message, "write AES256, aws:kms or aws:kms=KEY")
    }
  )
})
