/** The page about copying, played; `--update` writes what is printed now into it. */
import { describe, expect, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { imageFiles, layerTar, type Written } from "../image/support/layers.ts"
import { freePort } from "../support/freePort.ts"
import { hasShell, rerun } from "./transcripts.ts"

const path = fileURLToPath(new URL("../../docs/copy.md", import.meta.url))
const port = "5000"

const base: ReadonlyArray<Written> = [
  ["etc", "d", 0o755],
  ["etc/motd", "f", "Welcome.\n"]
]
const upper: ReadonlyArray<Written> = [["srv/app", "f", "a".repeat(300_000), 0o755]]
const latest: ReadonlyArray<Written> = [["srv/app", "f", "b".repeat(310_000), 0o755]]

const prepare = (folder: string): void => {
  const layers = [base, upper].map(layerTar)
  const images = { "app:v1": layers, "app:v2": [...layers, layerTar(latest)] }
  // Not compressed: what gzip makes is another thing with every zlib.
  for (const [name, bytes] of imageFiles(images, (tar) => tar, "application/vnd.oci.image.layer.v1.tar")) {
    mkdirSync(dirname(join(folder, "shop", name)), { recursive: true })
    writeFileSync(join(folder, "shop", name), bytes)
  }
}

describe("the page about copying", () => {
  it("shows what is printed", async ({ skip }) => {
    skip(!hasShell() || spawnSync("curl", ["--version"]).error !== undefined, "there is no bash, or no curl")
    const free = String(await freePort())
    const text = readFileSync(path, "utf8").replaceAll(`localhost:${port}`, `localhost:${free}`)
    const environment = { OCILAYOUT_LISTEN: free, OCILAYOUT_WORKERS: "1", REGISTRY_AUTH_FILE: "/dev/null" }
    const played = rerun(text, { prepare, environment })
    await expect(played.replaceAll(`:${free}`, `:${port}`)).toMatchFileSnapshot(path)
  }, 600_000)
})
