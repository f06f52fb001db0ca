/**
 * How an agent finds out what is wrong with a layout and puts it right: the official MCP client drives the built server.
 *
 * `npm run quickstart` runs this as well; it exits non-zero as soon as something is not what it should be.
 */
import { strict as assert } from "node:assert"
import { cp, mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { connect, type Session } from "./session.ts"
import { abbreviate, answer, step, title } from "./transcript.ts"

/** What was built; a test of the README gives the sources. */
const server = process.argv[2] ?? fileURLToPath(new URL("../../dist/bin/ocilayout.js", import.meta.url))
const fixture = fileURLToPath(new URL("../fixtures/layouts/t13-skopeo-copy", import.meta.url))

/** The layer of `shop:v1`, and its config. */
const layer = "746381acc87931f17de8d725830a78138c353d59c46ceef235c6b99a8dcbca2e"
const config = "a107d7a23cf001437ed2e01ab2e57c9a9cf7eee56b54a82bc3d1ceea8a14ea05"

interface Step {
  readonly code: string
  readonly path: string
  readonly what: string
}

const told = (steps: unknown): string =>
  (steps as ReadonlyArray<Step>).map(({ code, path, what }) => `${code} ${path}: ${what}`).join("\n") || "nothing"

const problems = async ({ call }: Session, args: Record<string, unknown>): Promise<ReadonlyArray<string>> => {
  const { blobs, bytes, manifests, ok, problems } = await call("oci_verify", args)
  answer(`ok ${String(ok)}: ${String(manifests)} manifests, ${String(blobs)} blobs, ${String(bytes)} bytes`)
  const list = problems as ReadonlyArray<
    {
      readonly severity: string
      readonly code: string
      readonly message: string
      readonly needed_by?: ReadonlyArray<string>
    }
  >
  for (const { code, message, needed_by, severity } of list) {
    answer(`${severity} ${code}: ${message}${needed_by === undefined ? "" : `, needed by ${needed_by[0] ?? ""}`}`)
  }
  return list.map(({ code }) => code)
}

const repaired = async ({ call }: Session, args: Record<string, unknown>): Promise<void> => {
  const { done, left } = await call("oci_repair", args)
  answer(told(done))
  assert.deepEqual(left, [])
}

const blobs = async (session: Session, shop: string): Promise<void> => {
  step("Is everything there, and what it says it is?")
  assert.deepEqual(await problems(session, {}), [])

  step("A layer is deleted, a config damaged, and a skopeo interrupted that copied something")
  await rm(join(shop, "blobs/sha256", layer))
  await writeFile(join(shop, "blobs/sha256", config), "damaged")
  const leftover = join(shop, "oci-put-blob2864419")
  await writeFile(leftover, "half a layer")
  await utimes(leftover, new Date("2026-01-01"), new Date("2026-01-01"))
  assert.deepEqual(await problems(session, {}), ["SIZE_MISMATCH", "BLOB_MISSING", "LEFTOVER"])

  step("Repair it from a mirror: first what would be done, then that")
  await repaired(session, { source: "mirror" })
  await repaired(session, { source: "mirror", dry_run: false })
  assert.deepEqual(await problems(session, { ref: "shop:v1" }), [])
}

const index = async (session: Session, shop: string): Promise<void> => {
  step("Tag something, and lose half of index.json")
  await session.call("oci_tag", { ref: "shop:v1", tags: ["stable"] })
  const path = join(shop, "index.json")
  const text = await readFile(path, "utf8")
  await writeFile(path, text.slice(0, text.length / 2))
  await utimes(path, new Date("2026-01-01"), new Date("2026-01-01"))
  answer(await session.refused("oci_list_tags", { repository: "shop" }))
  assert.deepEqual((await problems(session, { level: "links" }))[0], "INDEX_INVALID")

  step("The journal still knows what was in it")
  await repaired(session, { dry_run: false })
  const { tags } = await session.call("oci_list_tags", { repository: "shop" })
  assert.deepEqual(tags, ["multi", "stable", "v1"])
  answer("tags", tags)
}

const root = await mkdtemp(join(tmpdir(), "ocilayout-quickstart-"))
try {
  const [shop, mirror] = [join(root, "shop"), join(root, "mirror")]
  abbreviate(root)
  for (const layout of [shop, mirror]) await cp(fixture, layout, { recursive: true })
  title(`ocilayout mcp ${shop} ${mirror}`)
  const session = await connect(server, ["mcp", shop, mirror])
  await blobs(session, shop)
  await index(session, shop)
  await session.client.close()
  title("All as expected.")
} catch (error) {
  process.exitCode = 1
  console.error(`\nNot as expected: ${error instanceof Error ? error.message : String(error)}`)
} finally {
  await rm(root, { recursive: true, force: true })
}
