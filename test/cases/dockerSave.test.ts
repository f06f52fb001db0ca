/** What `docker save` writes beside the index, and `docker load` reads in the place of it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { makeToolCatalog } from "../../src/mcp/catalog/toolCatalog.ts"
import { callTool } from "../../src/mcp/requests/callTool.ts"
import { ocl } from "../cli/support/command.ts"
import { memoryFiles } from "../mcp/support/memoryFiles.ts"
import { findings, type Given, given } from "./given.ts"

const path = "13-sparse-index/docker_save_sparse"

const told = (layout: Given) =>
  Effect.map(
    findings(layout),
    (found) =>
      found.filter(({ code }) => code === "DOCKER_SAVE_DIFFERS").map(({ message, path }) => `${path}: ${message}`)
  )

const manifestIn = ({ directory }: Given) => join(directory, "manifest.json")

interface Saved {
  readonly Config: string
  readonly RepoTags: ReadonlyArray<string>
}

const rewrite = (layout: Given, change: (images: ReadonlyArray<Saved>) => ReadonlyArray<object>): void => {
  const images = JSON.parse(fs.readFileSync(manifestIn(layout), "utf8")) as ReadonlyArray<Saved>
  fs.writeFileSync(manifestIn(layout), JSON.stringify(change(images)))
}

describe("manifest.json and repositories", () => {
  it.live("agree with the index as docker save leaves them", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* told(yield* given(path)), [])
    }).pipe(Effect.scoped))

  it.live("no longer agree once tags are added, moved or deleted, and verify says how", () =>
    Effect.gen(function*() {
      const layout = yield* given(path)
      const { registry } = layout
      const repository = "docker.io/library/alpine"
      const { digest } = yield* registry.resolveTag(repository, "3.20")
      yield* registry.tagManifest(repository, digest, ["edge"])
      assert.deepStrictEqual(yield* told(layout), [
        `manifest.json: manifest.json does not say what index.json says: ${repository}:edge is not in it`
      ])
      yield* registry.deleteTag(repository, "edge")
      yield* registry.deleteTag(repository, "3.20")
      assert.deepStrictEqual(yield* told(layout), [
        "manifest.json: manifest.json does not say what index.json says: alpine:3.20 is not in index.json",
        "repositories: repositories does not say what index.json says: alpine:3.20 is not in index.json"
      ])
    }).pipe(Effect.scoped))

  it.live("name another image under a name, in the old form of paths as in the new one", () =>
    Effect.gen(function*() {
      for (const config of [`${"a".repeat(64)}.json`, `blobs/sha256/${"a".repeat(64)}`]) {
        const layout = yield* given(path)
        // The index is whole, so that all of its images are known.
        const index = join(layout.directory, "index.json")
        const image = "sha256:713882b587a9574a6992399535de0b423e0f0f81f35c9d31654215792ec3813c"
        const document = JSON.parse(fs.readFileSync(index, "utf8")) as { readonly manifests: ReadonlyArray<object> }
        const mediaType = "application/vnd.oci.image.manifest.v1+json"
        const manifests = document.manifests.map((entry) => ({ ...entry, mediaType, digest: image, size: 418 }))
        fs.writeFileSync(index, JSON.stringify({ ...document, manifests }))
        assert.deepStrictEqual(yield* told(layout), [])
        rewrite(layout, (images) => images.map((one) => ({ ...one, Config: config })))
        assert.deepStrictEqual(yield* told(layout), [
          "manifest.json: manifest.json does not say what index.json says: alpine:3.20 is another image"
        ])
      }
    }).pipe(Effect.scoped))

  it.live("are another tool's where they are nothing that docker save writes", () =>
    Effect.gen(function*() {
      for (const content of ["{", "[1]", "[]", "{}", `{"schemaVersion":2}`]) {
        const layout = yield* given(path)
        fs.writeFileSync(manifestIn(layout), content)
        assert.deepStrictEqual(yield* told(layout), [], content)
      }
    }).pipe(Effect.scoped))

  it.live("are told of by the tool that changes the layout, and by none that reads it", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* given(path)
      const catalogue = makeToolCatalog({
        layouts: [{ id: "main", path: directory, registry, perRepository: false }],
        mode: "write",
        files: memoryFiles([])
      })
      const ref = "docker.io/library/alpine:3.20"
      const read = yield* callTool(catalogue, { name: "oci_resolve", args: { ref } })
      assert.lengthOf(read.content, 1)
      const { content } = yield* callTool(catalogue, { name: "oci_tag", args: { ref, tags: ["edge"] } })
      assert.match(content[1]?.text ?? "", /^Note: manifest\.json.*does not change with index\.json.*oci_verify/u)
    }).pipe(Effect.scoped))

  it.live("are told of by commands that change the layout, and not by those that read it", () =>
    Effect.gen(function*() {
      const { directory } = yield* given(path)
      const warnings: Array<string> = []
      const logged = (args: ReadonlyArray<string>) =>
        Effect.provide(ocl(args), Logger.layer([Logger.make(({ message }) => warnings.push(String(message)))]))
      yield* logged(["tags", directory])
      assert.deepStrictEqual(warnings, [])
      yield* logged(["tag", "set", `${directory}/docker.io/library/alpine:3.20`, "edge"])
      assert.lengthOf(warnings, 1)
      assert.include(warnings[0], "manifest.json, as docker save writes it, does not change with index.json")
    }).pipe(Effect.scoped))
})
