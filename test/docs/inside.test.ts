/** The page about looking inside images, played; `--update` writes what is printed now into it. */
import { assert, describe, expect, it } from "@effect/vitest"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { imageEntries, layerLimits, pathBytes } from "../../src/image/limits.ts"
import { imageFiles, layerTar, type Written } from "../image/support/layers.ts"
import { hasShell, rerun } from "./transcripts.ts"

const path = fileURLToPath(new URL("../../docs/inside.md", import.meta.url))

const base: ReadonlyArray<Written> = [
  ["bin", "s", "usr/bin"],
  ["etc", "d", 0o755],
  ["etc/motd", "f", "Welcome.\n"],
  ["etc/os-release", "f", "NAME=Example\nVERSION_ID=1\n"],
  ["etc/secret", "f", "a password that somebody forgot here\n", 0o600],
  ["usr", "d", 0o755],
  ["usr/bin", "d", 0o755],
  ["usr/bin/passwd", "f", "p".repeat(68_208), 0o4755],
  ["usr/bin/sh", "f", "s".repeat(125_688), 0o755],
  ["var/lib/dpkg/status", "f", "Package: libssl3\nStatus: install ok installed\nVersion: 3.0.15\nSource: openssl\n"]
]
const upper: ReadonlyArray<Written> = [
  ["etc/.wh.secret", "f", ""],
  ["etc/motd", "f", "Welcome to version 1.\n"],
  ["srv/app", "f", "a".repeat(300_000), 0o755]
]
const latest: ReadonlyArray<Written> = [
  ["srv/app", "f", "b".repeat(310_000), 0o755],
  ["srv/app.bak", "f", "a".repeat(300_000), 0o755],
  ["usr/bin/.wh.passwd", "f", ""]
]

const prepare = (folder: string): void => {
  const layers = [base, upper].map(layerTar)
  const images = { "app:v0": layers.slice(0, 1), "app:v1": layers, "app:v2": [...layers, layerTar(latest)] }
  // Not compressed: what gzip makes is another thing with every zlib.
  for (const [name, bytes] of imageFiles(images, (tar) => tar, "application/vnd.oci.image.layer.v1.tar")) {
    mkdirSync(dirname(join(folder, "shop", name)), { recursive: true })
    writeFileSync(join(folder, "shop", name), bytes)
  }
}

describe("the page about looking inside", () => {
  it("shows what is printed", async ({ skip }) => {
    skip(!hasShell(), "there is no bash, or no sha256sum")
    await expect(rerun(readFileSync(path, "utf8"), { prepare })).toMatchFileSnapshot(path)
  })

  it("names the limits that there are", () => {
    const page = readFileSync(path, "utf8")
    const said = {
      "files of a layer": layerLimits.entries.toLocaleString("en"),
      "bytes of the table of contents of a layer": `${layerLimits.tableBytes / 1024 ** 2} MiB`,
      "bytes of a layer, uncompressed, holes included": `${layerLimits.size / 1024 ** 3} GiB`,
      [`how many times its blob a layer may have, from ${layerLimits.ratioFrom / 1024 ** 3} GiB upwards`]: String(
        layerLimits.ratio
      ),
      "files of an image, all layers": imageEntries.toLocaleString("en"),
      "bytes of a path": String(pathBytes)
    }
    for (const [limit, value] of Object.entries(said)) {
      assert.match(page, new RegExp(`^\\| ${limit} +\\| ${value} +\\|`, "mu"))
    }
  })
})
