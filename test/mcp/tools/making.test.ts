import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeToolCatalog } from "../../../src/mcp/catalog/toolCatalog.ts"
import { callTool } from "../../../src/mcp/requests/callTool.ts"
import { localFiles, makeDisk } from "../../../src/node/index.ts"
import { folderTar } from "../../../src/node/making/folderTar.ts"
import { layerMaker } from "../../../src/node/making/layerMaker.ts"
import { temporaryFolder } from "../../support/folders.ts"

interface Manifest {
  readonly config: { readonly digest: string }
  readonly layers: ReadonlyArray<{ readonly digest: string }>
  readonly manifests?: ReadonlyArray<{ readonly digest: string; readonly platform: object }>
  readonly subject?: { readonly digest: string }
  readonly artifactType?: string
}

/** A server over a layout on disk, with a folder of files that it may read and one that it may not. */
const world = Effect.gen(function*() {
  const root = yield* temporaryFolder
  for (const name of ["allowed/site", "denied"]) fs.mkdirSync(join(root, name), { recursive: true })
  fs.writeFileSync(join(root, "allowed/site/index.html"), "<h1>Hello</h1>")
  fs.writeFileSync(join(root, "allowed/sbom.json"), "{}")
  fs.writeFileSync(join(root, "denied/secret"), "secret")
  fs.symlinkSync("../denied", join(root, "allowed/link"))
  const registry = yield* Effect.orDie(
    makeDisk({ directory: join(root, "layout"), durability: "none", defaultRepository: "app" })
  )
  const catalogue = makeToolCatalog({
    layouts: [{ id: "main", registry, perRepository: false }],
    mode: "write",
    files: localFiles([join(root, "allowed")]),
    making: { maker: layerMaker, folderTar }
  })
  const call = (name: string, args: object) =>
    Effect.map(callTool(catalogue, { name, args: { ...args } }), ({ content, structuredContent }) => {
      assert.isDefined(structuredContent, content[0]?.text)
      return structuredContent ?? {}
    })
  const fails = (name: string, args: object) =>
    Effect.map(callTool(catalogue, { name, args: { ...args } }), ({ content, isError }) => {
      assert.isTrue(isError)
      return content[0]?.text ?? ""
    })
  const manifest = (reference: string) =>
    Effect.map(registry.get("app", reference), ({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as Manifest)
  const config = Effect.fnUntraced(function*(reference: string) {
    const { config: { digest } } = yield* manifest(reference)
    const { stream } = yield* registry.getBlob("app", digest)
    const pieces: Array<Uint8Array> = []
    yield* Stream.runForEach(stream, (bytes) => Effect.sync(() => void pieces.push(bytes.slice())))
    return JSON.parse(Buffer.concat(pieces).toString()) as { readonly config: object; readonly os: string }
  })
  return { root, site: join(root, "allowed/site"), call, fails, manifest, config, registry }
})

describe("tools that make content", () => {
  it.live("build an image, edit it, and make an index of both", () =>
    Effect.gen(function*() {
      const { call, config, fails, manifest, site } = yield* world
      const built = yield* call("oci_build_image", {
        repository: "app",
        tags: ["1"],
        layers: [site],
        entrypoint: ["/bin/serve"],
        env: { PORT: "80" }
      })
      assert.deepStrictEqual(built["tags"], ["1"])
      assert.deepStrictEqual((yield* config("1")).config, { Env: ["PORT=80"], Entrypoint: ["/bin/serve"] })
      const again = yield* call("oci_build_image", {
        repository: "app",
        layers: [site],
        entrypoint: ["/bin/serve"],
        env: { PORT: "80" }
      })
      assert.deepStrictEqual([again["digest"], again["existed"]], [built["digest"], true])

      yield* call("oci_edit_image", { ref: "app:1", env: { PORT: "" }, user: "1000", tags: ["edited"] })
      assert.deepStrictEqual((yield* config("edited")).config, { Entrypoint: ["/bin/serve"], User: "1000" })
      yield* call("oci_edit_image", { ref: "app:edited", layers: [site], replace: true })
      assert.strictEqual((yield* manifest("edited")).layers.length, 2)
      yield* call("oci_edit_image", { ref: "app:edited", flatten: true, tags: ["flat"] })
      assert.strictEqual((yield* manifest("flat")).layers.length, 1)

      yield* call("oci_build_image", { repository: "app", tags: ["arm"], layers: [site], platform: "linux/arm64" })
      yield* call("oci_make_index", { repository: "app", refs: ["app:1", "app:arm"], tags: ["all"] })
      assert.deepStrictEqual((yield* manifest("all")).manifests?.map(({ platform }) => platform), [
        { architecture: "amd64", os: "linux" },
        { architecture: "arm64", os: "linux" }
      ])
      yield* call("oci_edit_image", { ref: "app:all", labels: { team: "web" }, tags: ["both"] })
      for (const { digest } of (yield* manifest("both")).manifests ?? []) {
        assert.deepInclude((yield* config(digest)).config, { Labels: { team: "web" } })
      }
      assert.include(
        yield* fails("oci_edit_image", { ref: "app:1", user: "1", tags: ["no tag"] }),
        "no tag"
      )
      yield* call("oci_make_index", { ref: "app:all", platforms: ["linux/arm64"], replace: true })
      assert.strictEqual((yield* manifest("all")).manifests?.length, 1)
    }))

  it.live("attach a file", () =>
    Effect.gen(function*() {
      const { call, manifest, root, site } = yield* world
      const { digest } = yield* call("oci_build_image", { repository: "app", tags: ["1"], layers: [site] })
      const path = join(root, "allowed/sbom.json")
      yield* call("oci_attach", { ref: "app:1", type: "spdx", path, tags: ["sbom"] })
      const { artifactType, subject } = yield* manifest("sbom")
      assert.deepStrictEqual<unknown>([subject?.digest, artifactType], [digest, "application/spdx+json"])
      const { referrers } = yield* call("oci_list_referrers", { ref: "app:1" })
      assert.lengthOf(referrers as ReadonlyArray<unknown>, 1)
    }))

  it.live("read nothing outside of the allowed directories", () =>
    Effect.gen(function*() {
      const { fails, registry, root } = yield* world
      for (const path of ["denied", "denied/secret", "allowed/link", "allowed/../denied", "allowed/none"]) {
        const text = yield* fails("oci_build_image", { repository: "app", tags: ["1"], layers: [join(root, path)] })
        assert.match(text, /^(?:PATH_DENIED|FILE_UNKNOWN)/u, path)
      }
      assert.include(["MANIFEST_UNKNOWN", "NAME_UNKNOWN"], (yield* Effect.flip(registry.resolveTag("app", "1"))).code)
    }))

  it.live("refuse what cannot be, and say what to do", () =>
    Effect.gen(function*() {
      const { call, fails, site } = yield* world
      yield* call("oci_build_image", { repository: "app", tags: ["1"], layers: [site] })
      assert.include(yield* fails("oci_build_image", { repository: "app", tags: ["1"] }), "TAG")
      assert.include(yield* fails("oci_make_index", { ref: "app:1", remove: ["linux/amd64"] }), "is no index")
      assert.include(yield* fails("oci_make_index", { refs: ["app:1"] }), "give repository and refs")
      assert.include(yield* fails("oci_edit_image", { ref: "app:1", flatten: true, layers: [site] }), "flatten")
      assert.include(yield* fails("oci_build_image", { repository: "app", platform: "linux" }), "os/arch")
    }))
})
