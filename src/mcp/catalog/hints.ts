/** What to do about a failure: one table of hints, and the names that are near where a name was wrong. */
import { Effect, Option, Stream } from "effect"
import { named } from "../../oci/quoted.ts"
import * as limits from "../tool/limits.ts"
import { nearest } from "../tool/nearest.ts"
import { isWritable, movesFiles, type ServedLayout, type ServerConfig, tellsPaths } from "../tool/ServerConfig.ts"
import type { ToolError } from "../tool/SurfaceError.ts"

const table: { readonly [Tag in ToolError["_tag"]]?: string } = {
  BlobUploadUnknown: "It was committed, cancelled or has expired; start a new one with oci_upload_start.",
  Conflict: "Look where the tag points now with oci_resolve, and decide again.",
  ContentMismatch:
    "The stored bytes are damaged; push the same content again to replace them. oci_verify tells all that is.",
  Declined: "Call again only if the person asks for it.",
  Denied: "oci_list_layouts shows what may be done here.",
  HistoryInvalid: "What is newer is told by oci_history; the rest of the history is lost, the content is not.",
  PathUnknown: "oci_list_files shows what an image has, oci_find_files where it is.",
  PlanExpired: "Call oci_gc without plan again.",
  RevisionUnknown: "oci_history shows the revisions there are.",
  DigestAmbiguous: "Give more digits of the one that is meant.",
  DigestInvalid:
    "A digest is sha256: and 64 hexadecimal digits, computed over the exact bytes; oci_resolve tells that of a tag.",
  FileUnknown: "Check the path; it has to be a regular file.",
  IndexTooLarge: "Remove tags or manifests that are no longer needed.",
  InvalidArgument: "Correct the arguments and call again.",
  LayoutLocked: "Another process is writing; call again.",
  LayoutNotFound: "oci_list_layouts shows the layouts and what is wrong with them.",
  LayoutInvalid: "oci_verify tells what is wrong with the layout, and what would repair it.",
  IndexInvalid: "oci_verify tells what is wrong with the layout, and what would repair it.",
  ManifestBlobUnknown:
    "Push or mount what is missing (oci_push_blob, oci_mount_blob; oci_push_manifest for children of an index), then push the manifest again.",
  ManifestInvalid: "oci_read_blob shows the exact bytes; a pushed manifest has to follow the OCI image-spec.",
  ManifestTooLarge: "oci_export_blob writes it to a file.",
  MediaTypeUnsupported: "media_type is that of an OCI or Docker manifest or index.",
  NameInvalid:
    "Repository names are lower-case path components of letters and digits separated by . _ - or /, e.g. app/web.",
  OutcomeUnknown: "Ask with oci_resolve whether the change is there before repeating it.",
  PlatformUnknown: "Pass one of these as platform.",
  ReferenceInvalid: "Write repository:tag or repository@sha256:<digest>; oci_list_repositories shows the names.",
  ResourceUnknown: "The layouts are listed as resources; what is in them is named by the templates.",
  SizeInvalid: "Nothing was stored; pass the size of the exact bytes, or none.",
  StorageError: "Nothing is acknowledged that was not stored; a person may have to look at the disk, then call again.",
  SymlinkRefused: "A person can start the server with --symlinks inside or --symlinks follow.",
  TagExists: "Nothing was changed; move the tag on purpose with oci_tag and move.",
  TagInvalid: "A tag is at most 128 letters, digits, _ . or -, and starts with a letter, a digit or _.",
  UploadBusy: "Wait for the other call, then ask for the offset with oci_upload_start and upload_id."
}

const gone = "oci_verify tells what else is missing; oci_repair with source fetches it from another layout."

const left = "Call again with sparse to copy what is there; oci_verify tells what else is missing."

/** What to do next; names are looked for in the layout that the call was about. */
export const hintFor = (
  error: ToolError,
  layout: ServedLayout,
  served: ServerConfig
): Effect.Effect<string | undefined> => {
  switch (error._tag) {
    case "NameUnknown":
      return Effect.zipWith(wasThere(layout, error.repository), repositoriesNear(layout, error.repository), joined)
    case "ManifestUnknown":
      if (error.absent === true) return Effect.succeed(gone)
      if (error.neededBy !== undefined) return Effect.succeed(left)
      return Effect.zipWith(
        wasThere(layout, error.repository, error.reference),
        tagsNear(layout, error.repository, error.reference),
        joined
      )
    case "BlobUnknown":
      if (error.neededBy !== undefined) return Effect.succeed(left)
      return holderOf(layout, error.digest, served)
    case "PathDenied":
      return Effect.succeed(
        error.allowed.length === 0 && served.files.allowed.length > 0
          ? "The client's roots leave none of the server's directories; a person can add a root."
          : error.allowed.length === 0 && !tellsPaths(served)
          ? "This server reads and writes no files; content comes inline, or in pieces with oci_upload_start."
          : error.allowed.length === 0
          ? "A person can start the server with --allowed-dir; until then pass small content inline."
          : "Use an absolute path inside an allowed directory."
      )
    case "ReferenceInvalid":
      return Effect.succeed(error.expected === undefined ? table[error._tag] : undefined)
    case "RangeInvalid":
      return Effect.succeed(`Continue from offset ${error.size}, or ask for an offset below it.`)
    case "Referenced":
      return Effect.succeed(
        "Nothing was deleted; delete what needs it first. A manifest can also be deleted with force, a blob cannot."
      )
    case "ContentTooLarge":
      return Effect.succeed(
        error.unit === "bytes"
          ? movesFiles(served)
            ? "Write the content to a file in an allowed directory and pass its path."
            : "Send it in pieces: oci_upload_start, oci_upload_append, oci_upload_commit."
          : "Ask for less: a smaller limit, format summary, or a window with oci_read_blob; oci_export_blob writes all of it to a file."
      )
    case "ResourceTooLarge":
      return Effect.succeed(
        error.what === "content"
          ? "oci_export_blob writes all of it to a file. oci_read_blob reads a part of it."
          : `oci_list_${error.what} lists them by the page.`
      )
    default:
      return Effect.succeed(table[error._tag])
  }
}

/** The first names, and how many there are besides. */
const listed = (names: ReadonlyArray<string>, all: number = names.length): string =>
  `${names.map(named).join(", ")}${all > names.length ? `, and ${all - names.length} more` : ""}`

const joined = (...sentences: ReadonlyArray<string>): string => sentences.filter((text) => text !== "").join(" ")

/** What has gone can be looked at, and brought back. */
const wasThere = ({ registry }: ServedLayout, repository: string, tag?: string): Effect.Effect<string> => {
  if (tag?.includes(":") === true) return Effect.succeed("")
  const name = named(tag === undefined ? repository : `${repository}:${tag}`)
  return Stream.runHead(registry.history({ repository, tag, limit: 1 })).pipe(
    Effect.map(Option.match({
      onNone: () => "",
      onSome: ({ changes, revision }) =>
        changes.some(({ to }) => to !== undefined) ?
          "" :
          `${name} was there until revision ${revision}, see oci_history. To bring it back call oci_restore with to ${
            revision - 1
          } and repository${tag === undefined ? "" : " and tag"}.`
    })),
    Effect.orElseSucceed(() => "")
  )
}

const repositoriesNear = ({ registry }: ServedLayout, wanted: string): Effect.Effect<string> =>
  Stream.runCollect(Stream.take(registry.repositories(), limits.suggestionCandidates)).pipe(
    Effect.map((names) =>
      names.length === 0
        ? "The layout has no repositories yet."
        : `Repositories: ${listed(nearest(wanted, names, limits.suggestions), names.length)}.`
    ),
    Effect.orElseSucceed(() => "oci_list_repositories shows the names.")
  )

const tagsNear = ({ registry }: ServedLayout, repository: string, reference: string): Effect.Effect<string> =>
  Stream.runCollect(Stream.take(registry.tags(repository), limits.suggestionCandidates)).pipe(
    Effect.map((tags) => {
      if (tags.length === 0) return `${named(repository)} has no tags; name manifests by digest.`
      const shown = reference.includes(":")
        ? tags.slice(0, limits.suggestions)
        : nearest(reference, tags, limits.suggestions)
      return `Tags of ${named(repository)}: ${listed(shown, tags.length)}.`
    }),
    Effect.orElseSucceed(() => "oci_list_repositories and oci_list_tags show the names.")
  )

/** In a tree of layouts another repository may have the blob; in a shared one there is nowhere else to look. */
const holderOf = (layout: ServedLayout, digest: string, served: ServerConfig): Effect.Effect<string> => {
  const missing = "Check the digest with oci_get_manifest; the content may never have been pushed."
  if (!layout.perRepository) return Effect.succeed(missing)
  return layout.registry.repositories().pipe(
    Stream.take(limits.suggestionCandidates),
    Stream.filterEffect((repository) => Effect.isSuccess(layout.registry.resolveBlob(repository, digest))),
    Stream.take(limits.suggestions),
    Stream.runCollect,
    Effect.map((holders) => {
      if (holders.length === 0) return missing
      const mount = isWritable(served) ? "; oci_mount_blob makes it readable here" : ""
      return `Repositories that have it: ${listed(holders)}${mount}.`
    }),
    Effect.orElseSucceed(() => missing)
  )
}
