import { assert, describe, expect, it } from "@effect/vitest"
import { UriTemplate } from "@modelcontextprotocol/sdk/shared/uriTemplate.js"
import { Result } from "effect"
import fc from "fast-check"
import { fileURLToPath } from "node:url"
import { parseUri, type ResourceName, templates } from "../../../src/mcp/resources/ResourceUri.ts"
import { uriOf } from "./uriOf.ts"

const digest = `sha256:${"a".repeat(64)}`

describe("the URI of a resource", () => {
  const forms: ReadonlyArray<readonly [string, ResourceName]> = [
    ["oci-layout://main", { _tag: "Layout", layout: "main" }],
    ["oci-layout://main/app/tags", { _tag: "Tags", layout: "main", repository: "app" }],
    ["oci-layout://main/a/b/tags", { _tag: "Tags", layout: "main", repository: "a/b" }],
    ["oci-layout://main/manifests/tags", { _tag: "Tags", layout: "main", repository: "manifests" }],
    ["oci-layout://main/a%2Fmanifests/tags", { _tag: "Tags", layout: "main", repository: "a/manifests" }],
    ["oci-layout://main/a/manifests/tags", { _tag: "Manifest", layout: "main", repository: "a", reference: "tags" }],
    [
      `oci-layout://main/a/b/manifests/${encodeURIComponent(digest)}`,
      { _tag: "Manifest", layout: "main", repository: "a/b", reference: digest }
    ],
    [
      `oci-layout://main/a/blobs/${encodeURIComponent(digest)}`,
      { _tag: "Blob", layout: "main", repository: "a", digest }
    ],
    [
      `oci-layout://main/a/referrers/${encodeURIComponent(digest)}`,
      { _tag: "Referrers", layout: "main", repository: "a", digest }
    ],
    [
      "oci-layout://main/a/b/files/1.0/%2Fetc%2Fmotd",
      { _tag: "File", layout: "main", repository: "a/b", reference: "1.0", path: "/etc/motd" }
    ]
  ]

  for (const [uri, name] of forms) {
    it(`${uri.slice(0, 60)} is read and written`, () => {
      assert.deepStrictEqual(parseUri(uri), Result.succeed(name))
      assert.strictEqual(uriOf(name), uri)
    })
  }

  it("is the same with and without encoding, and with a slash behind a layout", () => {
    assert.deepStrictEqual(
      parseUri(`oci-layout://main/a/blobs/${digest}`),
      parseUri(`oci-layout://ma%69n/%61/blobs/${encodeURIComponent(digest)}`)
    )
    assert.deepStrictEqual(parseUri("oci-layout://main/"), parseUri("oci-layout://main"))
  })

  it("of anything else is refused with the reason", () => {
    const refusals: ReadonlyArray<readonly [string, RegExp]> = [
      ["file:///etc/passwd", /does not begin with oci-layout/u],
      ["oci-layout://", /names no layout/u],
      ["oci-layout:///app/tags", /names no layout/u],
      ["oci-layout://main/%zz/tags", /percent-encoding is broken/u],
      ["oci-layout://main/tags", /neither a layout nor/u],
      ["oci-layout://main/app", /neither a layout nor/u],
      ["oci-layout://main/app/manifests/", /neither a layout nor/u],
      ["oci-layout://main/manifests/x", /neither a layout nor/u],
      ["oci-layout://main/app/files/1.0/motd", /neither a layout nor/u],
      [`oci-layout://main/${"a/".repeat(3000)}tags`, /too long/u]
    ]
    for (const [uri, reason] of refusals) {
      const parsed = parseUri(uri)
      assert.isTrue(Result.isFailure(parsed), uri.slice(0, 50))
      assert.match(Result.isFailure(parsed) ? parsed.failure.message : "", reason)
    }
  })

  it("written from any name is read back as that name", () => {
    const text = fc.string({ unit: "binary", minLength: 1, maxLength: 20 }).filter((one) => one.isWellFormed())
    const part = fc.oneof(fc.constantFrom("tags", "manifests", "blobs", "referrers", "a", ".."), text)
    const repository = fc.array(part.filter((one) => !one.includes("/")), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join("/"))
    const inRepository = { layout: text, repository }
    const name: fc.Arbitrary<ResourceName> = fc.oneof(
      fc.record({ _tag: fc.constant("Layout" as const), layout: text }),
      fc.record({ _tag: fc.constant("Tags" as const), ...inRepository }),
      fc.record({ _tag: fc.constant("Manifest" as const), ...inRepository, reference: part }),
      fc.record({ _tag: fc.constant("Blob" as const), ...inRepository, digest: part }),
      fc.record({ _tag: fc.constant("Referrers" as const), ...inRepository, digest: part }),
      fc.record({
        _tag: fc.constant("File" as const),
        ...inRepository,
        // Images by tags of these names are named by their digest.
        reference: part.filter((one) => !["manifests", "blobs", "referrers"].includes(one)),
        path: text.map((one) => `/${one}`)
      })
    )
    fc.assert(fc.property(name, (name) => {
      assert.deepStrictEqual(parseUri(uriOf(name)), Result.succeed(name))
    }))
  })
})

describe("the templates", () => {
  const file = fileURLToPath(new URL("templates.json", import.meta.url))

  it("are what their file says, and give URIs of the kind that they are for", async () => {
    await expect(`${JSON.stringify(templates, undefined, 2)}\n`).toMatchFileSnapshot(file)
    const values = { layout: "main", repository: "team/app", reference: "1.0", digest, path: "/etc/motd" }
    const kinds = templates.map(({ uriTemplate, variables }) => {
      const template = new UriTemplate(uriTemplate)
      assert.deepStrictEqual(template.variableNames, Array.from(variables))
      const parsed = parseUri(template.expand(values))
      return Result.isSuccess(parsed) ? parsed.success : parsed.failure.message
    })
    const inRepository = { layout: "main", repository: "team/app" }
    assert.deepStrictEqual(kinds, [
      { _tag: "Tags", ...inRepository },
      { _tag: "Manifest", ...inRepository, reference: "1.0" },
      { _tag: "Blob", ...inRepository, digest },
      { _tag: "Referrers", ...inRepository, digest },
      { _tag: "File", ...inRepository, reference: "1.0", path: "/etc/motd" }
    ])
  })
})
