/** A bucket of an S3-compatible store as an `ObjectStore`. */
import { Effect } from "effect"
import type { HttpClient } from "effect/http/HttpClient"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import { field } from "../../oci/field.ts"
import { encryptionHeaders } from "./encryption.ts"
import type { ListedObject, ObjectInfo, ObjectStore, Precondition } from "./ObjectStore.ts"
import { type BucketOptions, makeS3Wire, reading, wrong } from "./s3Wire.ts"
import { elementsOf, encoded, textOf } from "./xml.ts"

export const makeS3Store = Effect.fnUntraced(function*(
  options: BucketOptions
): Effect.fn.Return<ObjectStore, never, HttpClient> {
  const { bucket, encryption, prefix } = options
  const { bodyOf, bytesOf, changing, host, refused, requireBucket, requireDate, send, wholeOf } = yield* makeS3Wire(
    options
  )
  const encrypted = encryptionHeaders(encryption)

  const page = (start: string, limit: number, token: string | undefined, delimiter?: string) => {
    const operation = "listing objects"
    return reading(Effect.scoped(Effect.gen(function*() {
      const response = yield* send({
        method: "GET",
        key: undefined,
        query: {
          "list-type": "2",
          prefix: start,
          "max-keys": String(limit),
          ...(token === undefined ? {} : { "continuation-token": token }),
          ...field("delimiter", delimiter)
        },
        operation
      })
      if (response.status !== 200) return yield* refused(operation, response)
      return { date: yield* requireDate(operation, response), xml: yield* wholeOf(operation, response) }
    })))
  }

  return {
    name: `s3://${bucket}${prefix === "" ? "" : `/${prefix}`}`,
    head: (key) => {
      const operation = `asking for ${key}`
      return reading(Effect.scoped(Effect.gen(function*() {
        const response = yield* send({ method: "HEAD", key, operation })
        if (response.status !== 200 && response.status !== 404) return yield* refused(operation, response)
        const date = yield* requireDate(operation, response)
        return { date, value: response.status === 404 ? undefined : infoOf(response) }
      })))
    },
    get: (key, { unless } = {}) => {
      const operation = `reading ${key}`
      return reading(Effect.scoped(Effect.gen(function*() {
        const headers = unless === undefined ? {} : { "if-none-match": unless }
        const response = yield* send({ method: "GET", key, headers, operation })
        const { status } = response
        if (status !== 200 && status !== 404 && status !== 304) return yield* refused(operation, response)
        const date = yield* requireDate(operation, response)
        if (status === 404) {
          yield* requireBucket(operation, response)
          return { date, value: undefined }
        }
        if (status === 304) return { date, value: "unchanged" as const }
        return { date, value: { ...infoOf(response), bytes: yield* bytesOf(operation, response) } }
      })))
    },
    read: (key, window) => {
      const operation = `reading ${key}`
      return reading(Effect.gen(function*() {
        const headers = window === undefined
          ? {}
          : { range: `bytes=${window.offset}-${window.offset + window.length - 1}` }
        const response = yield* send({ method: "GET", key, headers, operation })
        const { status } = response
        if (status === 404) return undefined
        if (status !== 200 && status !== 206) return yield* refused(operation, response)
        return { ...infoOf(response), content: bodyOf(operation, response) }
      }))
    },
    put: (key, body, { condition, relies }) =>
      Effect.scoped(changing({
        method: "PUT",
        key,
        headers: { ...conditionHeaders(condition), ...encrypted },
        body,
        relies,
        operation: `writing ${key}`
      }, false)),
    remove: (key, { etag, relies } = {}) =>
      Effect.scoped(changing({
        method: "DELETE",
        key,
        headers: etag === undefined ? {} : { "if-match": etag },
        relies,
        operation: `removing ${key}`
      }, true)),
    list: Effect.fnUntraced(function*(start, limit = Number.POSITIVE_INFINITY) {
      const whole = prefix === "" ? "" : `${prefix}/`
      const found: Array<ListedObject> = []
      let token: string | undefined
      let date = Number.POSITIVE_INFINITY
      do {
        const { date: told, xml } = yield* page(`${whole}${start}`, Math.min(1000, limit - found.length), token)
        date = Math.min(date, told)
        for (const each of elementsOf(xml, "Contents")) {
          const key = textOf(each, "Key") ?? ""
          found.push({
            key: key.slice(whole.length),
            etag: textOf(each, "ETag") ?? "",
            size: Number(textOf(each, "Size")),
            modified: Date.parse(textOf(each, "LastModified") ?? "")
          })
        }
        token = nextOf(xml)
      } while (token !== undefined && found.length < limit)
      return { date, value: found }
    }),
    names: Effect.fnUntraced(function*(folder) {
      const start = `${prefix === "" ? "" : `${prefix}/`}${folder}`
      const found: Array<string> = []
      let token: string | undefined
      do {
        const { xml } = yield* page(start, 1000, token, "/")
        const keys = elementsOf(xml, "Contents").map((each) => textOf(each, "Key"))
        const folders = elementsOf(xml, "CommonPrefixes").map((each) => textOf(each, "Prefix"))
        found.push(...[...keys, ...folders].map((key = "") => key.slice(start.length)))
        token = nextOf(xml)
      } while (token !== undefined)
      return found
    }),
    begin: (key) => {
      const operation = `beginning ${key}`
      return Effect.scoped(Effect.gen(function*() {
        const response = yield* send({
          method: "POST",
          key,
          query: { uploads: "" },
          headers: encrypted,
          operation
        })
        if (response.status !== 200) return yield* refused(operation, response)
        const id = textOf(yield* wholeOf(operation, response), "UploadId")
        return id ?? (yield* wrong(host, operation, "its answer has no UploadId"))
      }))
    },
    part: (key, upload, number, body) => {
      const operation = `writing a part of ${key}`
      // Sending the same part again replaces it by itself.
      return reading(Effect.scoped(Effect.gen(function*() {
        const query = { partNumber: String(number), uploadId: upload }
        const response = yield* send({ method: "PUT", key, query, body, operation })
        const etag = response.headers["etag"]
        if (response.status !== 200 || etag === undefined) return yield* refused(operation, response)
        return { number, etag }
      })))
    },
    complete: (key, upload, parts, { condition, relies }) => {
      const list = parts.map(({ etag, number }) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>${encoded(etag)}</ETag></Part>`
      )
      return Effect.scoped(changing({
        method: "POST",
        key,
        query: { uploadId: upload },
        headers: conditionHeaders(condition),
        body: Buffer.from(`<CompleteMultipartUpload>${list.join("")}</CompleteMultipartUpload>`),
        relies,
        operation: `completing ${key}`
      }, false))
    },
    abort: (key, upload) =>
      Effect.scoped(Effect.asVoid(
        changing({ method: "DELETE", key, query: { uploadId: upload }, operation: `giving up ${key}` }, true)
      ))
  }
})

const nextOf = (xml: string): string | undefined =>
  textOf(xml, "IsTruncated") === "true" ? textOf(xml, "NextContinuationToken") : undefined

const conditionHeaders = (condition: Precondition | undefined): Readonly<Record<string, string>> =>
  condition === undefined
    ? {}
    : condition._tag === "Absent"
    ? { "if-none-match": "*" }
    : { "if-match": condition.etag }

const infoOf = ({ headers }: HttpClientResponse): ObjectInfo => ({
  etag: headers["etag"] ?? "",
  size: Number(/\/(\d+)$/u.exec(headers["content-range"] ?? "")?.[1] ?? headers["content-length"]),
  modified: Date.parse(headers["last-modified"] ?? "")
})
