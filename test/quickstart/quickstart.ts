/**
 * What an agent can do with a layout that skopeo wrote: the official MCP client drives the built server over stdio.
 *
 * `npm run quickstart` builds the server and runs this; it prints every call with its answer, and exits non-zero as
 * soon as one is not what it should be.
 */
import { strict as assert } from "node:assert"
import { createHash } from "node:crypto"
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { connect, type Session } from "./session.ts"
import { abbreviate, answer, note, step, title } from "./transcript.ts"

/** What was built; a test of the README gives the sources. */
const server = process.argv[2] ?? fileURLToPath(new URL("../../dist/bin/ocilayout.js", import.meta.url))
const fixture = fileURLToPath(new URL("../fixtures/layouts/t13-skopeo-copy", import.meta.url))

const manifestType = "application/vnd.oci.image.manifest.v1+json"
const configType = "application/vnd.oci.image.config.v1+json"
const layerType = "application/vnd.oci.image.layer.v1.tar"
const sbomType = "application/spdx+json"

const sha256 = (content: string): string => `sha256:${createHash("sha256").update(content).digest("hex")}`

const lookAround = async ({ call, client }: Session): Promise<void> => {
  step("What can be done here, and what is here?")
  const { tools } = await client.listTools()
  note(`${tools.length} tools, from ${tools.at(0)?.name} to ${tools.at(-1)?.name}`)
  const { layouts } = await call("oci_list_layouts")
  answer(JSON.stringify(layouts))
  const { tags } = await call("oci_list_tags", { repository: "shop" })
  assert.deepEqual(tags, ["multi", "v1"])
  answer("tags", tags)

  step("Pin a tag to a digest, and find the file that holds it")
  const resolved = await call("oci_resolve", { ref: "shop:v1" })
  assert.equal(resolved["digest"], "sha256:9bae8e4b53794c7e8df7ec84229161346c22d51fa32681f10e2f43bbe6cf0d44")
  assert.equal(sha256(await readFile(String(resolved["path"]), "utf8")), resolved["digest"])
  answer(resolved["digest"], "in", resolved["path"])

  step("Understand an image, and an index of several")
  const image = await call("oci_inspect_image", { ref: "shop:v1" })
  assert.equal(image["platform"], "linux/amd64")
  answer(image["platform"], "with layers", image["layers"], "and", image["total_size"], "bytes in all")
  const { platforms } = await call("oci_inspect_image", { ref: "shop:multi" })
  assert.match(JSON.stringify(platforms), /linux\/amd64.*linux\/arm64/u)
  answer("platforms", platforms)
}

interface Pushed {
  readonly digest: unknown
  readonly mediaType: unknown
  readonly size: unknown
}

/** Config, layer, manifest: an image of one file. */
const pushImage = async ({ call }: Session, work: string, tag: string): Promise<Pushed> => {
  const layer = join(work, `layer-${tag}.tar`)
  await writeFile(layer, `pretend this is the tar of ${tag}`)
  const config = JSON.stringify({
    os: "linux",
    architecture: "amd64",
    config: { Entrypoint: ["/shop"], Env: [`VERSION=${tag}`] }
  })
  const configBlob = await call("oci_push_blob", { repository: "shop", text: config, media_type: configType })
  const layerBlob = await call("oci_push_blob", { repository: "shop", path: layer, media_type: layerType })
  const descriptor = ({ digest, mediaType, size }: Record<string, unknown>): Pushed => ({ mediaType, digest, size })
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptor(configBlob),
    layers: [descriptor(layerBlob)]
  }
  const pushed = await call("oci_push_manifest", { repository: "shop", manifest, tags: [tag] })
  assert.deepEqual([pushed["digest"], pushed["tags"]], [sha256(JSON.stringify(manifest)), [tag]])
  answer("stored as", pushed["digest"], "and tagged", pushed["tags"])
  return descriptor(pushed)
}

/** Two chunks now, the third by the next process. */
const startUpload = async ({ call }: Session, chunks: ReadonlyArray<string>): Promise<unknown> => {
  step("Upload a blob in three chunks, and kill the server after the second")
  const { upload_id } = await call("oci_upload_start", { repository: "shop" })
  const [first = "", second = ""] = chunks
  await call("oci_upload_append", { upload_id, offset: 0, text: first })
  const { offset } = await call("oci_upload_append", { upload_id, offset: first.length, text: second })
  assert.equal(offset, first.length + second.length)
  answer("at offset", offset)
  return upload_id
}

const finishUpload = async ({ call }: Session, upload_id: unknown, chunks: ReadonlyArray<string>): Promise<unknown> => {
  step("Go on where it stopped, in another process")
  const resumed = await call("oci_upload_start", { repository: "shop", upload_id })
  answer("at offset", resumed["offset"])
  await call("oci_upload_append", { upload_id, offset: resumed["offset"], text: chunks.at(-1) })
  const blob = await call("oci_upload_commit", { upload_id, digest: sha256(chunks.join("")) })
  assert.equal(blob["size"], chunks.join("").length)
  answer("committed", blob["digest"], "of", blob["size"], "bytes")
  return blob["digest"]
}

const attach = async ({ call }: Session, subject: Pushed, digest: unknown): Promise<void> => {
  step("Make the blob readable in another repository")
  const mounted = await call("oci_mount_blob", { from_repository: "shop", to_repository: "shop/sboms", digest })
  answer("in", mounted["repository"], "too")

  step("Attach it to the image as an SBOM, and find it again")
  const empty = await call("oci_push_blob", {
    repository: "shop",
    text: "{}",
    media_type: "application/vnd.oci.empty.v1+json"
  })
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    artifactType: sbomType,
    config: { mediaType: empty["mediaType"], digest: empty["digest"], size: empty["size"] },
    layers: [{ mediaType: sbomType, digest, size: mounted["size"] }],
    subject
  }
  const pushed = await call("oci_push_manifest", { repository: "shop", manifest })
  assert.equal(pushed["subject"], subject.digest)
  const { referrers } = await call("oci_list_referrers", { ref: "shop:1.0", artifact_type: sbomType })
  const { digest: found, size } = pushed
  assert.deepEqual(referrers, [{ mediaType: manifestType, digest: found, size, artifact_type: sbomType }])
  answer("referrers", referrers)
}

const moveTag = async ({ call, refused }: Session, one: Pushed, two: Pushed): Promise<void> => {
  step("Move a tag, but only from where it was seen")
  await call("oci_tag", { ref: "shop:1.0", tags: ["stable"] })
  const moved = await call("oci_tag", { ref: "shop:1.1", tags: ["stable"], if_digest: one.digest })
  assert.deepEqual(moved["moved"], [{ tag: "stable", from: one.digest }])
  answer("stable moved from", one.digest, "to", two.digest)

  step("The same again is refused: the tag is not where it was")
  const conflict = await refused("oci_tag", { ref: "shop:v1", tags: ["stable"], if_digest: one.digest })
  assert.match(conflict, /^CONFLICT: /u)
  answer(conflict)

  step("So is pushing over a tag, and a name that is not there")
  const exists = await refused("oci_tag", { ref: "shop:1.0", tags: ["stable"] })
  assert.match(exists, /^TAG_EXISTS: /u)
  answer(exists)
  const unknown = await refused("oci_resolve", { ref: "shop:1.2" })
  assert.match(unknown, /^MANIFEST_UNKNOWN: .*\nHint: Tags of shop: 1\.0/u)
  answer(unknown)
}

const takeBack = async ({ call }: Session, one: Pushed, two: Pushed, layout: string): Promise<void> => {
  step("Delete the wrong tag, find that in the history, and take it back")
  const deleted = await call("oci_delete", { kind: "tag", ref: "shop:1.1" })
  assert.equal(deleted["digest"], two.digest)
  answer("it pointed at", deleted["digest"])
  const { commits } = await call("oci_history", { repository: "shop", tag: "1.1", limit: 1 })
  const [last] = commits as ReadonlyArray<{ readonly revision: number; readonly events: unknown }>
  assert(last !== undefined)
  answer("revision", last.revision, last.events)
  const { events, revision } = await call("oci_restore", { undo: last.revision })
  assert.equal(revision, last.revision + 1)
  answer("as revision", revision, events)
  const { digest } = await call("oci_resolve", { ref: "shop:1.1" })
  assert.equal(digest, two.digest)
  answer(digest)

  step("Ask where a tag was before it moved, and what nothing needs")
  const before = await call("oci_resolve", { ref: "shop:stable", at: "-1" })
  assert.equal(before["digest"], one.digest)
  answer(before["digest"])
  const { blobs, bytes, kept } = await call("oci_gc")
  assert.equal(blobs, 0)
  const [first] = kept as ReadonlyArray<unknown>
  answer(blobs, "blobs of", bytes, "bytes; what stays, by reason:", first, "…")

  step("skopeo still finds its own names, and ours")
  const index = await readFile(join(layout, "index.json"), "utf8")
  const names = Array.from(index.matchAll(/"org\.opencontainers\.image\.ref\.name": *"([^"]*)"/gu), ([, name]) => name)
  assert.deepEqual(new Set(names), new Set(["multi", "v1", "1.0", "1.1", "stable"]))
  note("index.json names", names.join(", "))
}

const main = async (root: string): Promise<void> => {
  const layout = join(root, "shop")
  const work = join(root, "files")
  abbreviate(root)
  await cp(fixture, layout, { recursive: true })
  await mkdir(work)
  title(`ocilayout mcp ${layout} --allowed-dir ${work}`)

  const chunks = ["{\"spdxVersion\":", "\"SPDX-2.3\",", "\"name\":\"shop\"}"]
  const first = await connect(server, ["mcp", "--create", layout, "--allowed-dir", work])
  await lookAround(first)
  step("Push an image: config and layer, then the manifest that names them")
  const one = await pushImage(first, work, "1.0")
  const upload = await startUpload(first, chunks)
  await first.kill()

  const second = await connect(server, ["mcp", "--create", layout, "--allowed-dir", work])
  const digest = await finishUpload(second, upload, chunks)
  await attach(second, one, digest)
  step("Push the next version")
  const two = await pushImage(second, work, "1.1")
  await moveTag(second, one, two)
  await takeBack(second, one, two, layout)
  await second.client.close()
  title("All as expected.")
}

const root = await mkdtemp(join(tmpdir(), "ocilayout-quickstart-"))
try {
  await main(root)
} catch (error) {
  process.exitCode = 1
  console.error(`\nNot as expected: ${error instanceof Error ? error.message : String(error)}`)
} finally {
  await rm(root, { recursive: true, force: true })
}
