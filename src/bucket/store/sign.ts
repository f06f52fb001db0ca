/** Signs requests with AWS Signature Version 4, as S3 and STS take it. */
import { Redacted } from "effect"
import { createHash, createHmac } from "node:crypto"

/** What opens a bucket. */
export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: Redacted.Redacted
  /** Of temporary keys. */
  readonly sessionToken?: Redacted.Redacted | undefined
}

export interface Unsigned {
  readonly method: string
  readonly url: URL
  /** In lower case; all of them are signed. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** When it counts as signed, in milliseconds since 1970: the store refuses what is 15 minutes older than its clock. */
  readonly date: number
}

const sha256 = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex")
const hmac = (key: string | Uint8Array, text: string): Uint8Array => createHmac("sha256", key).update(text).digest()

/** As RFC 3986 has it, which leaves fewer characters alone than `encodeURIComponent`. */
export const encodePart = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/gu, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)

/** The headers of a request, with those that sign it. */
export const sign = (
  { body, date, headers, method, url }: Unsigned,
  { accessKeyId, secretAccessKey, sessionToken }: Keys,
  region: string,
  service: "s3" | "sts" = "s3"
): Readonly<Record<string, string>> => {
  const time = new Date(date).toISOString().replaceAll(/[-:]|\.\d{3}/gu, "")
  const day = time.slice(0, 8)
  const hash = sha256(body)
  const all: Readonly<Record<string, string>> = {
    ...headers,
    host: url.host,
    "x-amz-content-sha256": hash,
    "x-amz-date": time,
    ...(sessionToken === undefined ? {} : { "x-amz-security-token": Redacted.value(sessionToken) })
  }
  const names = Object.keys(all).toSorted()
  const query = Array.from(url.searchParams, ([name, value]) => `${encodePart(name)}=${encodePart(value)}`).toSorted()
  const request = [
    method,
    url.pathname,
    query.join("&"),
    ...names.map((name) => `${name}:${(all[name] ?? "").trim().replaceAll(/ +/gu, " ")}`),
    "",
    names.join(";"),
    hash
  ].join("\n")
  const scope = `${day}/${region}/${service}/aws4_request`
  const key = hmac(hmac(hmac(hmac(`AWS4${Redacted.value(secretAccessKey)}`, day), region), service), "aws4_request")
  const signature = createHmac("sha256", key)
    .update(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(request)}`)
    .digest("hex")
  const { host: _, ...sent } = all
  const credential = `Credential=${accessKeyId}/${scope}`
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 ${credential},SignedHeaders=${names.join(";")},Signature=${signature}`
  }
}
