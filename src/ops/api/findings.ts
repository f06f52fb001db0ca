/** Everything that can be found wrong with a layout: its code, how bad it is, and what would put it right. */
import { field } from "../../oci/field.ts"
import type { Repository } from "../../oci/Reference.ts"

/**
 * `error`: something cannot be read, or not as what it says it is. `warning`: it works, though not for every tool or
 * every reader. `info`: nothing is wrong.
 */
export type Severity = "error" | "warning" | "info"

/** Something that was found wrong, or worth knowing. */
export interface Finding {
  readonly code: FindingCode
  readonly severity: Severity
  /** The file, relative to the layout, or to the root of a tree of them; of several files of one kind, the first. */
  readonly path: string
  /** In a tree of layouts, whose it is. */
  readonly repository?: Repository
  readonly digest?: string
  readonly message: string
  /** Entries that reach it, by their names: `app:v1`, `app@sha256:…`; not all where they are many. */
  readonly affected: ReadonlyArray<string>
  /** Manifests that name it, by their digests; not all where they are many. */
  readonly neededBy: ReadonlyArray<string>
  readonly repair: {
    /** `repair` does it; or does it when it has another layout to take the content from; or a person has to. */
    readonly by: "repair" | "source" | "person"
    readonly how: string
  }
}

type Kind = readonly [Severity, Finding["repair"]["by"], how: string]

const kinds = {
  // The files that make a folder a layout.
  LAYOUT_FILE_MISSING: ["error", "repair", "write oci-layout"],
  LAYOUT_FILE_INVALID: [
    "error",
    "person",
    `make sure that it is a layout of version 1.0.0, then write {"imageLayoutVersion":"1.0.0"} into it`
  ],
  INDEX_INVALID: [
    "error",
    "repair",
    "write the index of the last commit again; without a journal, what can be read of it, and list the manifests under blobs/ in the repository recovered"
  ],
  INDEX_MISSING: [
    "error",
    "repair",
    "write the index of the last commit again; without a journal, list the manifests under blobs/ in the repository recovered"
  ],
  INDEX_UNREADABLE: ["error", "person", "put the file back in its place, or allow what is refused"],
  INDEX_NO_LIST: ["warning", "repair", `write "manifests": []`],
  INDEX_VERSION: ["warning", "person", `write "schemaVersion": 2 into index.json; some tools refuse it otherwise`],
  INDEX_KEY_TWICE: ["warning", "person", "make one of the two in index.json; the last one counts"],
  JOURNAL_DAMAGED: [
    "warning",
    "person",
    "none needed: what came before the damage stays lost; the next write puts aside a journal that does not lead to the index any more, and starts a new one"
  ],
  JOURNAL_TORN: ["info", "person", "none needed: the next write cuts it off and keeps it aside"],

  // Entries of the index.
  ENTRY_INVALID: [
    "error",
    "repair",
    "where only digest, mediaType or size are wrong and the content is there, write what it says; otherwise write it as a descriptor by hand"
  ],
  NAME_UNREADABLE: ["warning", "person", "set a tag to the digest, then delete the entry"],
  NAME_TWICE: ["warning", "repair", "drop the name from all but the first, which is the one that is read"],
  NAME_TWICE_RAW: ["warning", "person", "set a tag to the digest of each, then delete the entries of the name"],

  DOCKER_SAVE_DIFFERS: [
    "warning",
    "person",
    "remove manifest.json and repositories, which docker load reads in the place of index.json, or make an archive for it anew: skopeo copy oci:DIR:TAG docker-archive:FILE"
  ],

  // Content.
  MANIFEST_MISSING: ["error", "source", "fetch it from another layout"],
  MANIFEST_CORRUPT: ["error", "repair", "move it to the quarantine, and fetch it from another layout"],
  MANIFEST_INVALID: ["error", "person", "push a valid manifest and move the tag"],
  MANIFEST_IRREGULAR: ["warning", "person", "none needed to read it; push it anew to other registries' taste"],
  MANIFEST_TOO_LARGE: ["warning", "person", "none: what it needs was not looked at"],
  MEDIA_TYPE_MISMATCH: ["warning", "person", "push the manifest again under the media type that it has itself"],
  BLOB_MISSING: ["error", "source", "fetch it from another layout"],
  MANIFEST_HELD: ["warning", "repair", "put it back, as the next write does as well"],
  BLOB_HELD: ["warning", "repair", "put it back, as the next write does as well"],
  BLOB_CORRUPT: ["error", "repair", "move it to the quarantine, and fetch it from another layout"],
  SIZE_MISMATCH: [
    "error",
    "repair",
    "if its bytes are damaged, move it to the quarantine and fetch it from another layout; if they are right, correct the size in index.json"
  ],
  BLOB_NO_FILE: ["error", "person", "put the file back in its place, or allow links"],
  FILE_UNREADABLE: [
    "error",
    "person",
    "let the user who runs this read it: look at its owner and mode, then at the disk"
  ],
  DIGEST_UNSUPPORTED: ["warning", "person", "none: only sha256 and sha512 can be checked"],
  SUBJECT_MISSING: ["warning", "person", "copy it here from where it is; what refers to it can be read without it"],
  LIMIT_EXCEEDED: ["warning", "person", "none: what is beyond the limit was not looked at"],

  // What lies about.
  FILE_MODE: ["warning", "person", "chmod a+r, so that all users who may look into the layout may read it"],
  LEFTOVER: ["info", "repair", "remove it once it has not been touched for a day"],
  STRAY_FILE: [
    "warning",
    "person",
    "move it out of blobs/: other tools' garbage collection stops at it, or removes it"
  ],
  REFERRER_UNLISTED: ["warning", "repair", "list it, so that every tool finds it"],
  MANIFEST_UNLISTED: [
    "info",
    "repair",
    "list it in the repository recovered, when that is asked for by its code; otherwise garbage collection removes it"
  ],
  BLOB_UNREFERENCED: ["info", "person", "none needed: garbage collection removes what nothing needs"]
} as const satisfies Record<string, Kind>

/** The code of a finding. */
export type FindingCode = keyof typeof kinds

export const isFindingCode = (code: string): code is FindingCode => Object.hasOwn(kinds, code)

/** The codes of all findings. */
export const findingCodes: ReadonlyArray<FindingCode> = Object.keys(kinds).filter(isFindingCode)

/** What would put findings of a code right. */
export const repairOf = (code: FindingCode): Finding["repair"] => {
  const [, by, how] = kinds[code]
  return { by, how }
}

/** What differs from one finding of a code to the next. */
export interface Particulars {
  readonly path: string
  readonly message: string
  readonly digest?: string
  readonly affected?: ReadonlyArray<string>
  readonly neededBy?: ReadonlyArray<string>
  /** Where it is worse, or not as bad, as usual. */
  readonly severity?: Severity
}

/** @param layout in a tree of layouts, the repository that this one is */
export const finding = (
  code: FindingCode,
  { affected = [], digest, message, neededBy = [], path, severity }: Particulars,
  layout?: Repository
): Finding => {
  const [usual] = kinds[code]
  return {
    code,
    severity: severity ?? usual,
    path: layout === undefined ? path : `${layout}/${path}`,
    ...field("repository", layout),
    ...field("digest", digest),
    message,
    affected,
    neededBy,
    repair: repairOf(code)
  }
}
