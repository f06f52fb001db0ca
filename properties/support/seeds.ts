/** What real tools wrote, to be mutated: the fixtures and the vectors of the tests. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const fixtures = fileURLToPath(new URL("../../test/fixtures", import.meta.url))
const layouts = join(fixtures, "layouts")

const paths = readdirSync(layouts, { recursive: true, encoding: "utf8" })
  .filter((path) => statSync(join(layouts, path)).isFile()).toSorted()

const read = (path: string): Buffer => readFileSync(join(layouts, path))

/** Every `index.json` of the fixtures, the broken ones included. */
export const indexSeeds: ReadonlyArray<Buffer> = paths.filter((path) => path.endsWith("index.json")).map(read)

/** Every small JSON document among their blobs: manifests, indexes and configs. */
export const documentSeeds: ReadonlyArray<Buffer> = paths
  .filter((path) => path.includes("blobs/") && statSync(join(layouts, path)).size < 8192)
  .map(read)
  .filter((bytes) => bytes[0] === 0x7b)

interface Vector {
  readonly in: string
}

const vectors = JSON.parse(readFileSync(join(fixtures, "vectors", "references.json"), "utf8")) as Readonly<
  Record<"host" | "repository" | "tag" | "digest" | "reference", ReadonlyArray<Vector>>
>

/** Names that people have thought about, good and bad. */
export const nameSeeds: ReadonlyArray<string> = [
  vectors.host,
  vectors.repository,
  vectors.tag,
  vectors.digest,
  vectors.reference
]
  .flatMap((list) => list.map((vector) => vector.in))
