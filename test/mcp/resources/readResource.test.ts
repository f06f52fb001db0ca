import { assert, describe, it } from "@effect/vitest"
import type { ReadResourceResult } from "@modelcontextprotocol/sdk/types.js"
import { Effect, Exit, Stream } from "effect"
import { layoutUri } from "../../../src/mcp/resources/ResourceUri.ts"
import { makeMemory } from "../../../src/memory/index.ts"
import { StorageError } from "../../../src/oci/OciError.ts"
import { Tag } from "../../../src/oci/Reference.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { bytesOf, digestOf, imageManifest, pushBlob, pushImage } from "../support/images.ts"
import { type Session, session } from "../support/session.ts"
import { uriOf } from "./uriOf.ts"

const read = ({ client }: Session, uri: string) =>
  Effect.map(Effect.promise(() => client.readResource({ uri })), ({ contents }: ReadResourceResult) => {
    assert.lengthOf(contents, 1)
    const [content] = contents
    assert.isDefined(content)
    assert.strictEqual(content.uri, uri)
    return content
  })

const refusal = ({ client }: Session, uri: string) =>
  Effect.map(Effect.flip(Effect.tryPromise(() => client.readResource({ uri }))), ({ cause }) => {
    assert.instanceOf(cause, Error)
    assert.nestedPropertyVal(cause, "data.uri", uri)
    return { code: "code" in cause ? cause.code : undefined, message: cause.message }
  })

const text = (value: unknown): unknown => {
  assert.isTrue(typeof value === "object" && value !== null && "text" in value && typeof value.text === "string")
  return JSON.parse(typeof value === "object" && value !== null && "text" in value ? String(value.text) : "")
}

/** What is not there yet can be subscribed to, if it can ever be there. */
const isTag = (uri: string): boolean => /^oci-layout:\/\/main\/app\/manifests\/__proto__$/u.test(uri)

const uri = (repository: string, kind: "manifests" | "blobs" | "referrers", what: string): string =>
  `oci-layout://main/${repository}/${kind}/${what}`

describe("resources", () => {
  it.live("are offered, one for each layout, and templates for what is in them", () =>
    Effect.gen(function*() {
      const other = yield* Effect.orDie(makeMemory())
      const { client } = yield* session({ others: { other } })
      assert.deepStrictEqual(client.getServerCapabilities()?.resources, { subscribe: true })
      const { resources } = yield* Effect.promise(() => client.listResources())
      assert.deepStrictEqual(resources.map((one) => one.uri), ["oci-layout://main", "oci-layout://other"])
      const { resourceTemplates } = yield* Effect.promise(() => client.listResourceTemplates())
      assert.deepStrictEqual(resourceTemplates.map(({ uriTemplate }) => uriTemplate), [
        "oci-layout://{layout}/{+repository}/tags",
        "oci-layout://{layout}/{+repository}/manifests/{reference}",
        "oci-layout://{layout}/{+repository}/blobs/{digest}",
        "oci-layout://{layout}/{+repository}/referrers/{digest}"
      ])
      for (const template of resourceTemplates) assert.notProperty(template, "variables")
    }))

  it.live("tell of a layout what the tool tells", () =>
    Effect.gen(function*() {
      const s = yield* session()
      yield* pushImage(s.registry, { tags: ["1"] })
      const summary = yield* read(s, layoutUri("main"))
      assert.strictEqual(summary.mimeType, "application/json")
      const { layouts } = yield* s.call("oci_list_layouts")
      assert.deepStrictEqual([text(summary)], layouts)
    }))

  it.live("are the tags of a repository, with what they point at", () =>
    Effect.gen(function*() {
      const s = yield* session()
      const one = yield* pushImage(s.registry, { repository: "team/app", tags: ["1", "__proto__"] })
      const two = yield* pushImage(s.registry, { repository: "team/app", tags: ["2"], layers: ["two"] })
      const tags = yield* read(s, "oci-layout://main/team/app/tags")
      assert.strictEqual(tags.mimeType, "application/json")
      assert.deepStrictEqual(
        "text" in tags && tags.text,
        `{"1":"${one.digest}","2":"${two.digest}","__proto__":"${one.digest}"}`
      )
    }))

  it.live("are manifests byte for byte, by tag and digest, however the URI is encoded", () =>
    Effect.gen(function*() {
      const s = yield* session()
      const image = yield* pushImage(s.registry, { repository: "team/app", tags: ["1"] })
      const name = { _tag: "Manifest", layout: "main", repository: "team/app", reference: image.digest } as const
      for (
        const one of [
          uri("team/app", "manifests", "1"),
          uri("team/app", "manifests", image.digest),
          uri("team%2Fapp", "manifests", "%31"),
          uriOf(name)
        ]
      ) {
        const content = yield* read(s, one)
        assert.strictEqual(content.mimeType, imageManifest)
        assert.strictEqual("text" in content && content.text, Buffer.from(image.bytes).toString("utf8"))
      }
    }))

  it.live("are blobs: text, or base64 where they are none", () =>
    Effect.gen(function*() {
      const s = yield* session()
      const config = yield* pushBlob(s.registry, "app", "{\"größe\": 1}")
      const binary = yield* pushBlob(s.registry, "app", Uint8Array.of(0xff, 0, 1))
      assert.deepInclude(yield* read(s, uri("app", "blobs", config.digest)), {
        mimeType: "text/plain",
        text: "{\"größe\": 1}"
      })
      assert.deepInclude(yield* read(s, uri("app", "blobs", binary.digest)), {
        mimeType: "application/octet-stream",
        blob: "/wAB"
      })
    }))

  it.live("are what is attached to a manifest, as an image index", () =>
    Effect.gen(function*() {
      const s = yield* session()
      const { digest, size } = yield* pushImage(s.registry, { tags: ["1"] })
      const subject = { mediaType: imageManifest, digest, size }
      const manifest = { artifactType: "application/spdx+json", subject, annotations: { note: "x" } }
      const sbom = yield* pushImage(s.registry, { layers: ["sbom"], manifest })
      const referrers = yield* read(s, uri("app", "referrers", digest))
      assert.strictEqual(referrers.mimeType, "application/vnd.oci.image.index.v1+json")
      assert.deepStrictEqual(text(referrers), {
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.index.v1+json",
        manifests: [{
          mediaType: imageManifest,
          digest: sbom.digest,
          size: sbom.size,
          artifactType: "application/spdx+json",
          annotations: { note: "x" }
        }]
      })
      assert.include(JSON.stringify(yield* read(s, uri("app", "referrers", sbom.digest))), "\\\"manifests\\\":[]")
    }))
})

describe("a resource is refused", () => {
  it.live("when it is not there, with what is near", () =>
    Effect.gen(function*() {
      const s = yield* session()
      yield* pushImage(s.registry, { tags: ["1.0"] })
      const nothing = digestOf(bytesOf("nothing"))
      const unknown: ReadonlyArray<readonly [string, RegExp]> = [
        ["oci-layout://none", /RESOURCE_UNKNOWN: .*no layout none/u],
        ["oci-layout://none/app/tags", /RESOURCE_UNKNOWN/u],
        ["file:///etc/passwd", /RESOURCE_UNKNOWN/u],
        ["oci-layout://main/ap/tags", /NAME_UNKNOWN: .*\nHint: Repositories: app/u],
        [uri("app", "manifests", "1.1"), /MANIFEST_UNKNOWN: .*\nHint: Tags of app: 1\.0/u],
        [uri("app", "blobs", nothing), /BLOB_UNKNOWN/u]
      ]
      for (const [uri, message] of unknown) {
        const { code, message: text } = yield* refusal(s, uri)
        assert.strictEqual(code, -32002, uri)
        assert.match(text, message)
      }
    }))

  it.live("when its name is none, and never reaches a path", () =>
    Effect.gen(function*() {
      const s = yield* session()
      const wrong = [
        "oci-layout://main/..%2F..%2Fetc/tags",
        "oci-layout://main/App/tags",
        uri("app", "manifests", "..%2Fx"),
        uri("app", "blobs", "sha256:..%2F..%2Fpasswd"),
        uri("app", "referrers", "x")
      ]
      for (const one of wrong) assert.strictEqual((yield* refusal(s, one)).code, -32602, one)
    }))

  it.live("whatever its URI is made of, without asking the layout for what cannot be", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const s = yield* session({ registry })
      const parts = [
        "..",
        "../..",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f%2e%2e",
        "..%5c..%5cx",
        "%252e%252e%252f",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "C:%5Cx",
        "a%00b",
        "a\u0000b",
        "\ud800",
        "%ed%a0%80",
        "%",
        "%ff",
        "a%0Ab",
        "\u202egnp",
        "__proto__",
        "a".repeat(3000),
        "%61".repeat(100_000),
        "a/".repeat(2000)
      ]
      const uris = parts.flatMap((part) => [
        `oci-layout://${part}`,
        `oci-layout://main/${part}`,
        `oci-layout://main/${part}/tags`,
        `oci-layout://main/app/manifests/${part}`,
        `oci-layout://main/app/blobs/sha256:${part}`,
        `oci-layout://main/app/blobs/${part}`,
        `oci-layout://main/app/referrers/${part}`,
        `file://${part}`,
        part
      ])
      for (const uri of uris) {
        const { code, message } = yield* refusal(s, uri)
        assert.include([-32002, -32602], code, uri.slice(0, 80))
        assert.notMatch(message.replaceAll("\n", ""), /[\p{Cc}\p{Cf}\p{Cs}]/u, uri.slice(0, 80))
        assert.isAtMost(message.length, 1500, uri.slice(0, 80))
        const subscribed = yield* Effect.exit(Effect.tryPromise(() => s.client.subscribeResource({ uri })))
        assert.strictEqual(Exit.isSuccess(subscribed), isTag(uri), uri.slice(0, 80))
      }
    }))

  it.live("when it is larger than 1 MiB, with the tool that takes it", () =>
    Effect.gen(function*() {
      const s = yield* session()
      const most = yield* pushBlob(s.registry, "app", Buffer.alloc(1024 * 1024, 97))
      const more = yield* pushBlob(s.registry, "app", Buffer.alloc(1024 * 1024 + 1, 97))
      yield* read(s, uri("app", "blobs", most.digest))
      const { code, message } = yield* refusal(s, uri("app", "blobs", more.digest))
      assert.strictEqual(code, -32603)
      assert.match(message, /CONTENT_TOO_LARGE: .* 1048577 bytes, .*\nHint: oci_export_blob writes/u)
      const without = yield* session({ registry: s.registry, allowed: [] })
      assert.notInclude((yield* refusal(without, uri("app", "blobs", more.digest))).message, "oci_export_blob")
    }))

  it.live("when what comes is more than was said, and when a list is too long", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const big = yield* pushBlob(registry, "app", Buffer.alloc(1024 * 1024 + 1))
      yield* pushImage(registry, { tags: ["1"] })
      const names = Array.from({ length: 20_000 }, (_, at) => Tag.make(`tag-${at}`))
      const lying: LayoutRegistry = {
        ...registry,
        tags: () => Stream.fromIterable(names),
        resolveTag: () => registry.resolveTag("app", "1"),
        getBlob: (repository, digest, options) =>
          Effect.map(registry.getBlob(repository, digest, options), (content) => ({
            ...content,
            descriptor: { ...content.descriptor, size: 1 }
          }))
      }
      const s = yield* session({ registry: lying })
      assert.match((yield* refusal(s, uri("app", "blobs", big.digest))).message, /CONTENT_TOO_LARGE/u)
      const { message } = yield* refusal(s, "oci-layout://main/app/tags")
      assert.match(message, /CONTENT_TOO_LARGE: the list of tags .*\nHint: oci_list_tags lists them/u)
    }))

  it.live("when the medium fails, or we do, without telling more than that", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const broken = yield* session({
        registry: {
          ...registry,
          getTag: () =>
            Effect.fail(
              new StorageError({ operation: "read", path: "index.json", kind: "device", cause: new Error("secret") })
            ),
          resolveTag: () => Effect.die(new Error("secret"))
        }
      })
      yield* pushImage(registry, { tags: ["1"] })
      for (const uri of ["oci-layout://main/app/manifests/1", "oci-layout://main/app/tags"]) {
        const { code, message } = yield* refusal(broken, uri)
        assert.strictEqual(code, -32603)
        assert.notInclude(message, "secret")
      }
    }))
})
