/** Calls every tool that a server offers, most of them in several ways, each with success. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { ToolCatalog } from "../../../src/mcp/catalog/toolCatalog.ts"
import { callTool } from "../../../src/mcp/requests/callTool.ts"
import { layerTar } from "../../image/support/layers.ts"
import { bytesOf, digestOf, type Image, pushImage, pushIndex } from "./images.ts"

type Arguments = Readonly<Record<string, unknown>>
type Output = Readonly<Record<string, unknown>>

export const tour = Effect.fnUntraced(function*(
  catalogue: ToolCatalog,
  seen: (tool: string, output: Output) => void
) {
  const [{ registry }] = catalogue.served.layouts
  const image = yield* pushImage(registry, { tags: ["1.0", "latest"], config, layers: ["one", "two"] })
  yield* pushImage(registry, {
    configType: "application/vnd.example.config.v1+json",
    manifest: { artifactType: "application/spdx+json", subject: subjectOf(image), annotations: { name: "sbom" } }
  })
  yield* pushIndex(registry, [{ ...image, platform: { os: "linux", architecture: "amd64" } }], ["all"])

  yield* pushImage(registry, { tags: ["files"], layers: [layerTar([["etc/motd", "f", "hello\n"]]).toString()] })

  /** Nothing where the tool is not offered. */
  const call = (name: string, args: Arguments = {}): Effect.Effect<Output> =>
    catalogue.tools.has(name)
      ? Effect.map(callTool(catalogue, { name, args }), ({ content, structuredContent }) => {
        assert.isDefined(structuredContent, `${name} ${JSON.stringify(args)}: ${content[0]?.text}`)
        seen(name, structuredContent ?? {})
        return structuredContent ?? {}
      })
      : Effect.succeed({})

  yield* looking(call, `app@${image.digest}`)
  yield* adding(call, image)
  yield* uploading(call)
  yield* takingBack(call, image.digest)
})

type Call = (name: string, args?: Arguments) => Effect.Effect<Output>

const looking = Effect.fnUntraced(function*(call: Call, ref: string) {
  yield* call("oci_list_layouts")
  yield* call("oci_list_repositories")
  yield* call("oci_list_repositories", { prefix: "no" })
  yield* call("oci_list_tags", { repository: "app" })
  yield* call("oci_list_tags", { repository: "app", detail: true, limit: 1 })
  for (const name of ["oci_resolve", "oci_get_manifest", "oci_inspect_image", "oci_list_referrers"]) {
    for (const asked of ["app:1.0", "app:all", ref]) yield* call(name, { ref: asked })
  }
  for (const format of ["json", "raw"]) yield* call("oci_get_manifest", { ref, format })
  yield* call("oci_inspect_image", { ref, history: true })
  yield* call("oci_read_blob", { ref })
  yield* call("oci_read_blob", { ref, length: 10, encoding: "base64" })
  for (const name of ["oci_list_files", "oci_find_files"]) yield* call(name, { ref: "app:files" })
  yield* call("oci_read_file", { ref: "app:files", path: "/etc/motd" })
  yield* call("oci_diff", { ref: "app:files", other: "app:files" })
  yield* call("oci_packages", { ref: "app:files" })
  yield* call("oci_usage", { ref: "app:files" })
  yield* call("oci_export_blob", { ref, path: "/files/manifest.json" })
  yield* call("oci_history", { limit: 1 })
  yield* call("oci_usage")
  yield* call("oci_verify")
  yield* call("oci_gc", { untagged: true })
})

const adding = Effect.fnUntraced(function*(call: Call, { bytes, config: { digest } }: Image) {
  yield* call("oci_push_blob", { repository: "app", text: "hello" })
  yield* call("oci_mount_blob", { from_repository: "app", to_repository: "web", digest })
  const raw = `${Buffer.from(bytes).toString("utf8")}\n`
  yield* call("oci_push_manifest", { repository: "app", raw, tags: ["new"] })
  yield* call("oci_tag", { ref: "app:new", tags: ["1.0", "newer"], move: true })
  yield* call("oci_copy", { ref: "app:all", to_repository: "copied", tags: ["all"], referrers: true })
  yield* call("oci_attach", { ref: "app:1.0", type: "spdx", text: "{}", title: "sbom.json" })
  yield* call("oci_build_image", { repository: "app", tags: ["built"], cmd: ["run"] })
  yield* call("oci_edit_image", { ref: "app:built", env: { A: "1" }, replace: true })
  yield* call("oci_export_archive", { refs: ["app:1.0", "app:all"], path: "/files/images.tar", referrers: true })
  yield* call("oci_import", { path: "/files/images.tar" })
  yield* call("oci_make_index", { repository: "app", refs: ["app:built"], tags: ["index"] })
})

const uploading = Effect.fnUntraced(function*(call: Call) {
  const { upload_id } = yield* call("oci_upload_start", { repository: "app" })
  yield* call("oci_upload_append", { upload_id, offset: 0, text: "uploaded" })
  yield* call("oci_upload_commit", { upload_id, digest: digestOf(bytesOf("uploaded")) })
  const other = yield* call("oci_upload_start", { repository: "app" })
  yield* call("oci_upload_cancel", { upload_id: other["upload_id"] })
})

const takingBack = Effect.fnUntraced(function*(call: Call, digest: string) {
  yield* call("oci_delete", { kind: "tag", ref: "app:newer" })
  yield* call("oci_delete", { kind: "manifest", ref: `app@${digest}`, dry_run: true })
  yield* call("oci_restore", { to: "-1", repository: "app", tag: "1.0" })
  yield* call("oci_repair")
  yield* call("oci_pin", { ref: `app@${digest}` })
  yield* call("oci_pin", { ref: `app@${digest}`, pinned: false })
})

const config = {
  os: "linux",
  architecture: "amd64",
  created: "2024-03-01T00:00:00Z",
  config: { Cmd: ["run"], Env: ["A=1"], User: "app", Labels: { name: "app" }, ExposedPorts: { "80/tcp": {} } },
  history: [{ created_by: "COPY one" }, { created_by: "COPY two" }]
}

const subjectOf = ({ digest, mediaType, size }: { digest: string; mediaType: string; size: number }) => ({
  mediaType,
  digest,
  size
})
