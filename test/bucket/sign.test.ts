/** Signatures, against the examples of AWS ("Signature Calculations: Examples of how to calculate Signature Version 4"). */
import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import { encodePart, sign } from "../../src/bucket/store/sign.ts"

const keys = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: Redacted.make("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
}
const date = Date.UTC(2013, 4, 24)
const none = new Uint8Array()

const signatureOf = (method: string, url: string, headers: Readonly<Record<string, string>>, body = none) =>
  /Signature=([0-9a-f]{64})$/u.exec(
    sign({ method, url: new URL(url), headers, body, date }, keys, "us-east-1")["authorization"] ?? ""
  )?.[1]

describe("a signature", () => {
  it("of a window of an object", () => {
    assert.strictEqual(
      signatureOf("GET", "https://examplebucket.s3.amazonaws.com/test.txt", { range: "bytes=0-9" }),
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )
  })

  it("of an object that is written", () => {
    assert.strictEqual(
      signatureOf(
        "PUT",
        `https://examplebucket.s3.amazonaws.com/${encodePart("test$file.text")}`,
        { date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" },
        Buffer.from("Welcome to Amazon S3.")
      ),
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    )
  })

  it("of a setting of a bucket", () => {
    assert.strictEqual(
      signatureOf("GET", "https://examplebucket.s3.amazonaws.com/?lifecycle=", {}),
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    )
  })

  it("of a listing", () => {
    assert.strictEqual(
      signatureOf("GET", "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", {}),
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    )
  })

  it("names the token of temporary keys", () => {
    const headers = sign(
      { method: "GET", url: new URL("https://example.com/"), headers: {}, body: none, date },
      { ...keys, sessionToken: Redacted.make("token") },
      "us-east-1"
    )
    assert.strictEqual(headers["x-amz-security-token"], "token")
    assert.include(headers["authorization"], "x-amz-date;x-amz-security-token,")
    assert.strictEqual(headers["x-amz-date"], "20130524T000000Z")
  })
})
