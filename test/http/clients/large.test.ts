/**
 * A layer of 2 GiB through the clients that people use. It takes minutes and 12 GiB of disk: only with
 * `OCILAYOUT_LARGE=1`.
 */
import { assert, describe } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { makeDisk } from "../../../src/node/index.ts"
import { type Bench, bench, digestAt, where } from "../support/clients.ts"

const mebibytes = 2 * 1024
/** The repository of a layout of that name, whose tags other tools know as they are. */
const repository = "source"
const manifestType = "application/vnd.oci.image.manifest.v1+json"

/** An image with one layer, in a layout of its own. */
const makeImage = Effect.fnUntraced(function*(directory: string) {
  const registry = yield* makeDisk({ directory, durability: "none" })
  const piece = randomBytes(1024 * 1024)
  const content = Stream.range(1, mebibytes).pipe(Stream.map((count) => {
    piece.writeUInt32LE(count)
    return new Uint8Array(piece)
  }))
  const layer = yield* registry.pushBlob(repository, content)
  const config = yield* registry.pushBlob(
    repository,
    Stream.succeed(Buffer.from(JSON.stringify({
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: [layer.descriptor.digest] }
    })))
  )
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: { ...config.descriptor, mediaType: "application/vnd.oci.image.config.v1+json" },
    layers: [{ ...layer.descriptor, mediaType: "application/vnd.oci.image.layer.v1.tar" }]
  }
  const pushed = yield* registry.pushManifest(repository, Buffer.from(JSON.stringify(manifest)), manifestType, {
    tags: ["v1"]
  })
  return { image: pushed.descriptor.digest, layer: layer.descriptor }
})

/** What a client does with the image in the layout `source`, and then with what it pushed. */
type Use = (made: Bench) => Effect.Effect<unknown>

const through = (tool: string, push: Use, pull: Use) =>
  where(
    tool,
    "pushes and pulls a layer of 2 GiB",
    Effect.gen(function*() {
      const made = yield* bench()
      const { image, layer } = yield* Effect.orDie(makeImage(join(made.home, repository)))
      yield* push(made)
      assert.strictEqual(yield* digestAt(made, "/v2/team/app/manifests/v1"), image)
      fs.rmSync(join(made.home, repository), { recursive: true })
      yield* pull(made)
      const [, hex = ""] = layer.digest.split(":")
      assert.strictEqual(fs.statSync(join(made.home, "back", "blobs", "sha256", hex)).size, layer.size)
    })
  )

describe.runIf(process.env["OCILAYOUT_LARGE"] === "1")("a large layer", { timeout: 600_000 }, () => {
  through(
    "skopeo",
    ({ home, host, run }) =>
      run(
        "skopeo",
        "copy",
        "--preserve-digests",
        "--dest-tls-verify=false",
        `oci:${home}/source:v1`,
        `docker://${host}/team/app:v1`
      ),
    ({ home, host, run }) =>
      run(
        "skopeo",
        "copy",
        "--preserve-digests",
        "--src-tls-verify=false",
        `docker://${host}/team/app:v1`,
        `oci:${home}/back:v1`
      )
  )
  through(
    "crane",
    ({ host, run }) => run("crane", "push", "source", `${host}/team/app:v1`),
    ({ host, run }) => run("crane", "pull", "--format", "oci", `${host}/team/app:v1`, "back")
  )
  through(
    "oras",
    ({ host, run }) => run("oras", "cp", "--from-oci-layout", "--to-plain-http", "source:v1", `${host}/team/app:v1`),
    ({ host, run }) => run("oras", "cp", "--from-plain-http", "--to-oci-layout", `${host}/team/app:v1`, "back:v1")
  )
  through(
    "regctl",
    ({ host, run }) =>
      run("regctl", "image", "copy", "--host", `reg=${host},tls=disabled`, "ocidir://source:v1", `${host}/team/app:v1`),
    ({ host, run }) =>
      run("regctl", "image", "copy", "--host", `reg=${host},tls=disabled`, `${host}/team/app:v1`, "ocidir://back:v1")
  )
})
