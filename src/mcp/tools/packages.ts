/** Lists what is installed in an image. */
import { Effect, Schema } from "effect"
import { fitsGlob } from "../../image/inside/glob.ts"
import { packagesOf } from "../../image/packages/packagesOf.ts"
import { field } from "../../oci/field.ts"
import { clean, pageOf } from "../tool/display.ts"
import * as p from "../tool/parameters.ts"
import { defineTool } from "../tool/Tool.ts"
import { opened } from "./inside.ts"

const Package = Schema.Struct({
  type: Schema.String,
  name: Schema.String,
  version: Schema.String,
  source_name: p.optional(Schema.String),
  path: p.optional(Schema.String),
  layer: p.optional(Schema.Natural)
})

export const listPackages = defineTool({
  name: "oci_packages",
  toolset: "inspect",
  title: "List packages of an image",
  description:
    "Lists what is installed in an image: what dpkg, apk, rpm, pip, npm, gem and Go programs record, with version, the file that says so and its layer (from 0); or what an attached SBOM says, which known_from tells. No vulnerability data.",
  hints: p.reading,
  needs: "layers",
  input: Schema.Struct({
    ref: p.ref,
    name: p.optional(p.text("Glob with * and ? on the name, e.g. *ssl*")),
    from: p.choice("auto: an SBOM where one is attached, else files", ["auto", "files", "sbom"], "auto"),
    limit: p.integer("Packages to return", { minimum: 1, maximum: 500, default: 100 }),
    offset: p.integer("next_offset of the previous page", { minimum: 0, maximum: 10_000_000, default: 0 }),
    platform: p.platform
  }),
  output: Schema.Struct({
    known_from: Schema.Literals(["files", "sbom"]),
    sbom: p.optional(Schema.String),
    sbom_of_index: p.optional(Schema.String),
    system: p.optional(Schema.String),
    packages: Schema.Array(Package),
    total: Schema.Natural,
    unread: p.optional(p.strings),
    next_offset: p.optional(Schema.Natural)
  }),
  run: Effect.fn("oci_packages")(function*({ from, limit, name, offset, platform, ref }, call) {
    const image = yield* opened(call, ref, platform)
    const found = yield* packagesOf(image, { from })
    const wanted = name?.toLowerCase()
    const all = found.packages.filter((one) => wanted === undefined || fitsGlob(wanted, one.name.toLowerCase()))
    const rows = all.slice(offset, offset + limit).map(({ layer, name, path, sourceName, type, version }) => ({
      type,
      name: clean(name),
      version: clean(version),
      ...(sourceName === undefined ? {} : { source_name: clean(sourceName) }),
      ...(type === "sbom" ? {} : { path }),
      ...field("layer", layer)
    }))
    const { items: packages } = pageOf(rows, rows.length)
    const end = offset + packages.length
    return {
      known_from: found.from.kind,
      ...(found.from.kind === "sbom" ? { sbom: found.from.digest } : {}),
      ...(found.from.kind === "sbom" && found.from.index !== undefined ? { sbom_of_index: found.from.index } : {}),
      ...(found.system === undefined ? {} : { system: clean(found.system.name) }),
      packages,
      total: all.length,
      ...(found.unread.length === 0
        ? {}
        : { unread: found.unread.slice(0, 10).map(({ path, reason }) => clean(`${path} ${reason}`)) }),
      ...(end < all.length ? { next_offset: end } : {})
    }
  })
})
