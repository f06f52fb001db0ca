/** Takes images out of archives, and writes them into new ones, in the directories that the server may use. */
import { Effect, Schema } from "effect"
import { copyCounts } from "../../ops/copy/copyCounts.ts"
import { sourceFor } from "../../ops/refs/copySource.ts"
import { findManifest } from "../../ops/refs/find.ts"
import { reported } from "../tool/content.ts"
import * as limits from "../tool/limits.ts"
import * as p from "../tool/parameters.ts"
import { shownChoice } from "../tool/platform.ts"
import type { Archives, ServerConfig } from "../tool/ServerConfig.ts"
import { defineTool, type MakeTool } from "../tool/Tool.ts"

const common = { toolset: "write", needs: "archives" } as const

/** A server without them does not offer the tools. */
const archivesOf = ({ archives }: Pick<ServerConfig, "archives">): Effect.Effect<Archives> =>
  archives === undefined ? Effect.die("a tool for archives without archives") : Effect.succeed(archives)

export const importArchive: MakeTool = (served) =>
  defineTool({
    ...common,
    name: "oci_import",
    title: "Import an archive",
    description:
      "Takes all images of an archive into the layout, under the names that they have in it, in one commit: what docker save, podman save, skopeo and oci_export_archive write, plain or compressed, and bundles, whose base has to be there. A tag that already points elsewhere is refused unless move is set. Everything is verified. Reports progress.",
    hints: { ...p.adding, destructive: true },
    input: Schema.Struct({
      path: p.path("The archive"),
      move: p.flag("Allow moving tags that point elsewhere")
    }),
    output: Schema.Struct({
      images: Schema.Array(Schema.Struct({ repository: Schema.String, digest: Schema.String, tags: p.strings })),
      left_out: p.optional(Schema.Natural),
      manifests: Schema.Natural,
      blobs_copied: Schema.Natural,
      blobs_present: Schema.Natural,
      bytes_copied: Schema.Natural
    }),
    run: Effect.fn("oci_import")(
      function*({ move, path }, { files, layout, progress }) {
        const { content } = yield* (yield* files).read(path)
        const { images } = yield* (yield* archivesOf(served)).take({ file: path, content }, layout.registry, {
          move,
          onProgress: ({ bytes, total }) => progress({ progress: bytes, total })
        })
        const shown = images.slice(0, limits.tagsPerCall)
        return {
          images: shown.map(({ digest, repository, tags }) => ({ repository, digest, tags })),
          ...(shown.length === images.length ? {} : { left_out: images.length - shown.length }),
          ...copyCounts(images)
        }
      },
      Effect.scoped
    )
  })(served)

export const exportArchive: MakeTool = (served) =>
  defineTool({
    ...common,
    name: "oci_export_archive",
    title: "Export images to an archive",
    description:
      "Writes images with everything below them to one new tar in an allowed directory, which is an OCI layout and which docker load and podman load read. Never overwrites. Has all platforms of an index unless platform is given. Reports progress and can be cancelled; a cancelled export leaves no file.",
    hints: { readOnly: false, destructive: false, idempotent: false },
    input: Schema.Struct({
      refs: p.several("Images, each repository:tag or repository@digest"),
      path: p.path("File to create"),
      platform: p.optional(p.text("Only this platform of an index, os/arch[/variant]")),
      referrers: p.flag("Also artifacts attached to them")
    }),
    output: Schema.Struct({
      path: Schema.String,
      images: p.strings,
      manifests: Schema.Natural,
      blobs: Schema.Natural,
      size: Schema.Natural,
      others: p.optional(p.strings)
    }),
    run: Effect.fn("oci_export_archive")(
      function*({ path, platform, referrers, refs }, { files, layout, progress }) {
        const found = yield* Effect.forEach(refs, (ref) => findManifest(layout, ref))
        const items = yield* Effect.forEach(found, (one, at) =>
          Effect.map(sourceFor(one, platform), (source) => ({ source, names: nameOf(one.repository, refs[at] ?? "") })))
        const { blobs, content, manifests, size } = yield* (yield* archivesOf(served)).make(items, {
          platform,
          referrers
        })
        const written = yield* (yield* files).create(path, reported(content, progress, size))
        const others = platform === undefined
          ? found.flatMap((one) =>
            one.others ?? []
          )
          : []
        return {
          path: written.path,
          images: items.flatMap(({ names }) => names),
          manifests,
          blobs,
          size,
          ...(others.length === 0 ? {} : { others: others.map(shownChoice) })
        }
      },
      Effect.scoped
    )
  })(served)

/** What an image is called in the archive; by a digest it has no name. */
const nameOf = (repository: string | undefined, ref: string): ReadonlyArray<string> => {
  const [, tag = "latest"] = /:([^:/@]+)$/u.exec(ref) ?? []
  return repository === undefined || ref.includes("@") ? [] : [`${repository}:${tag}`]
}
