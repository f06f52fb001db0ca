import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Errors from "../../src/oci/OciError.ts"

const digest = `sha256:${"a".repeat(64)}`
const other = `sha256:${"b".repeat(64)}`

/** One of each, with its code and the message a person reads. */
const cases: ReadonlyArray<readonly [Errors.OciError | Errors.StorageError, string, string]> = [
  [
    new Errors.AlgorithmUnsupported({ digest: "md5:aa", algorithm: "md5" }),
    "DIGEST_INVALID",
    "algorithm md5 of md5:aa is not supported; use sha256 or sha512"
  ],
  [new Errors.BlobUnknown({ digest }), "BLOB_UNKNOWN", `blob ${digest} is not in the layout`],
  [
    new Errors.BlobUploadUnknown({ upload: "../x y" }),
    "BLOB_UPLOAD_UNKNOWN",
    "no upload session \"../x y\" is open; start a new upload"
  ],
  [
    new Errors.Conflict({
      reason: "ifDigest did not hold",
      repository: "a/b",
      tag: "v1",
      expected: other,
      actual: digest
    }),
    "CONFLICT",
    `a/b:v1 is not as required: ifDigest did not hold (it is at ${digest}, wanted ${other})`
  ],
  [
    new Errors.Conflict({ reason: "ifDigest did not hold", repository: "a/b", tag: "v1", expected: other }),
    "CONFLICT",
    `a/b:v1 is not as required: ifDigest did not hold (the tag does not exist, wanted ${other})`
  ],
  [
    new Errors.Conflict({ reason: "it moved", repository: "a/b", tag: "v1", actual: digest }),
    "CONFLICT",
    `a/b:v1 is not as required: it moved (it is at ${digest})`
  ],
  [
    new Errors.ContentMismatch({ digest, actual: other, reason: "the file was changed" }),
    "CONTENT_MISMATCH",
    `content stored as ${digest} is ${other}: the file was changed; push the blob again to replace it`
  ],
  [
    new Errors.Denied({ operation: "tag_delete", reason: "the registry is read-only" }),
    "DENIED",
    "tag_delete is denied: the registry is read-only"
  ],
  [
    new Errors.DigestAmbiguous({ prefix: "sha256:a", candidates: ["sha256:aa", "sha256:ab"] }),
    "DIGEST_AMBIGUOUS",
    "sha256:a could be sha256:aa, sha256:ab; give more characters"
  ],
  [
    new Errors.DigestInvalid({ digest, actual: other }),
    "DIGEST_INVALID",
    `content hashes to ${other}, not ${digest}`
  ],
  [
    new Errors.DigestInvalid({ digest: "x", reason: "it has no colon" }),
    "DIGEST_INVALID",
    "\"x\" is not a digest: it has no colon"
  ],
  [
    new Errors.DigestInvalid({ digest: "x" }),
    "DIGEST_INVALID",
    "\"x\" is not a digest: it does not fit algorithm:encoded"
  ],
  [
    new Errors.FileExists({ path: "/tmp/a.tar" }),
    "FILE_EXISTS",
    "\"/tmp/a.tar\" exists already; choose another path"
  ],
  [
    new Errors.FileUnknown({ path: "/tmp/a.tar", reason: "does not exist" }),
    "FILE_UNKNOWN",
    "\"/tmp/a.tar\" does not exist"
  ],
  [
    new Errors.IndexInvalid({ path: "index.json", reason: "is empty" }),
    "INDEX_INVALID",
    "index \"index.json\" is empty; verify and repair the layout"
  ],
  [
    new Errors.IndexTooLarge({ what: "entries", actual: 11, limit: 10 }),
    "INDEX_TOO_LARGE",
    "the index would hold 11 entries, more than the limit of 10; put some repositories into another layout"
  ],
  [
    new Errors.LayoutInvalid({ path: "/l", reason: "is empty" }),
    "LAYOUT_INVALID",
    "\"/l\" is not a valid image layout: it is empty"
  ],
  [
    new Errors.LayoutLocked({ path: "/l", waitedMillis: 30_000 }),
    "LAYOUT_LOCKED",
    "layout \"/l\" is still locked by another process after 30000 ms; try again"
  ],
  [
    new Errors.LayoutLocked({ path: "/l", waitedMillis: 5, holder: "pid 7" }),
    "LAYOUT_LOCKED",
    "layout \"/l\" is still locked by \"pid 7\" after 5 ms; try again"
  ],
  [new Errors.LayoutNotFound({ path: "/l" }), "LAYOUT_NOT_FOUND", "no image layout at \"/l\""],
  [
    new Errors.FormatUnsupported({ path: ".ocilayout/journal/2/current.ndjson", version: 3 }),
    "FORMAT_UNSUPPORTED",
    "journal \".ocilayout/journal/2/current.ndjson\" has lines of format 3, which a later version of ocilayout has " +
    "written; use that version; nothing was changed"
  ],
  [
    new Errors.LayoutVersionUnsupported({ path: "/l", version: "2.0.0" }),
    "LAYOUT_VERSION_UNSUPPORTED",
    "layout \"/l\" has version \"2.0.0\"; only \"1.0.0\" is supported"
  ],
  [
    new Errors.LimitExceeded({ what: "indexes inside indexes", limit: 32 }),
    "LIMIT_EXCEEDED",
    "too many indexes inside indexes: the limit is 32"
  ],
  [
    new Errors.ManifestBlobUnknown({ missing: [{ path: "config", digest }, { path: "layers[0]", digest: other }] }),
    "MANIFEST_BLOB_UNKNOWN",
    `the manifest needs content that is not in the layout: config ${digest}, layers[0] ${other}; push it first`
  ],
  [
    new Errors.ManifestInvalid({ reason: "is required", path: "config" }),
    "MANIFEST_INVALID",
    "manifest is invalid: config is required"
  ],
  [new Errors.ManifestInvalid({ reason: "is empty" }), "MANIFEST_INVALID", "manifest is invalid: it is empty"],
  [
    new Errors.ManifestTooLarge({ size: 5, limit: 4 }),
    "MANIFEST_INVALID",
    "manifest has 5 bytes, more than the limit of 4"
  ],
  [
    new Errors.ManifestUnknown({ repository: "a/b", reference: "v1" }),
    "MANIFEST_UNKNOWN",
    "no manifest v1 in repository a/b"
  ],
  [
    new Errors.MediaTypeUnsupported({ mediaType: "text/plain" }),
    "UNSUPPORTED",
    "media type \"text/plain\" is neither a manifest nor an image index"
  ],
  [
    new Errors.NameInvalid({ repository: "A", reason: "has an upper-case letter" }),
    "NAME_INVALID",
    "\"A\" is not a repository name: it has an upper-case letter"
  ],
  [new Errors.NameUnknown({ repository: "a/b" }), "NAME_UNKNOWN", "no repository a/b in the layout"],
  [
    new Errors.OutcomeUnknown({ operation: "manifest_push", reason: "the folder could not be synced" }),
    "OUTCOME_UNKNOWN",
    "manifest_push was published but is not known to be durable: the folder could not be synced; read the layout again to learn the outcome"
  ],
  [
    new Errors.LayerInvalid({ digest: "sha256:abc", reason: "the tar is cut short" }),
    "LAYER_INVALID",
    "layer sha256:abc cannot be read: the tar is cut short"
  ],
  [
    new Errors.ImageUnsuitable({ digest: "sha256:abc", reason: "has no config" }),
    "UNSUPPORTED",
    "sha256:abc has no config"
  ],
  [
    new Errors.InputUnsuitable({ input: "/srv/app.sock", reason: "is a socket" }),
    "UNSUPPORTED",
    "\"/srv/app.sock\" is a socket"
  ],
  [
    new Errors.LayerUnsupported({ digest: "sha256:abc", mediaType: "application/wasm" }),
    "UNSUPPORTED",
    "layer sha256:abc of type \"application/wasm\" cannot be read: its type is no layer of files"
  ],
  [
    new Errors.LayerUnsupported({
      digest: "sha256:abc",
      mediaType: "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"
    }),
    "UNSUPPORTED",
    "layer sha256:abc of type \"application/vnd.oci.image.layer.v1.tar+gzip+encrypted\" cannot be read: it is encrypted"
  ],
  [
    new Errors.PathUnknown({ path: "/etc/x", reason: "does not exist" }),
    "PATH_UNKNOWN",
    "\"/etc/x\" in the image does not exist"
  ],
  [
    new Errors.ArchiveInvalid({ path: "/a.tar", reason: "it is cut short" }),
    "ARCHIVE_INVALID",
    "\"/a.tar\" is not an archive of images: it is cut short"
  ],
  [
    new Errors.BundleBaseUnknown({ path: "/b.tar", missing: [{ digest, size: 3 }, { digest: other, size: 4 }] }),
    "BUNDLE_BASE_UNKNOWN",
    `nothing was changed: "/b.tar" builds on content that is not there: ${digest}, ${other} (7 bytes)`
  ],
  [
    new Errors.PlaceAmbiguous({ input: "a.tar:v1", candidates: ["oci:a.tar:v1", "oci-archive:a.tar:v1"] }),
    "PLACE_AMBIGUOUS",
    "\"a.tar:v1\" could mean several places; write \"oci:a.tar:v1\" or \"oci-archive:a.tar:v1\""
  ],
  [
    new Errors.RegistriesConfInvalid({ path: "/etc/r.conf", place: "registry 2", reason: "has no location" }),
    "REGISTRIES_CONF_INVALID",
    "\"/etc/r.conf\" cannot be used; nothing was asked of a registry: registry 2: has no location"
  ],
  [
    new Errors.RegistryBlocked({ asked: "example.com/app", path: "/etc/r.conf", entry: "*.com" }),
    "REGISTRY_BLOCKED",
    "example.com/app is blocked by the entry \"*.com\" in \"/etc/r.conf\""
  ],
  [
    new Errors.RemoteError({
      host: "example.com",
      operation: "reading app:v1",
      reason: "it is busy",
      status: 429,
      passing: true
    }),
    "REMOTE_ERROR",
    "example.com, reading app:v1: it is busy (HTTP 429)"
  ],
  [
    new Errors.RemoteError({ host: "example.com", operation: "reading app:v1", reason: "no answer", passing: true }),
    "REMOTE_ERROR",
    "example.com, reading app:v1: no answer"
  ],
  [
    new Errors.Unauthorized({ host: "example.com", reason: "it wants a login" }),
    "UNAUTHORIZED",
    "example.com refuses access: it wants a login"
  ],
  [
    new Errors.PathDenied({ path: "/etc", allowed: ["/l", "/m"] }),
    "PATH_DENIED",
    "path \"/etc\" may not be used: it is outside the allowed directories (allowed: \"/l\", \"/m\")"
  ],
  [
    new Errors.PathDenied({ path: "/etc", allowed: [], reason: "it exists" }),
    "PATH_DENIED",
    "path \"/etc\" may not be used: it exists (none is)"
  ],
  [new Errors.RangeInvalid({ offset: 9, size: 4 }), "RANGE_INVALID", "offset 9 does not fit the 4 bytes there are"],
  [
    new Errors.PlanExpired({ plan: "0a" }),
    "PLAN_EXPIRED",
    "there is no plan 0a, or it is older than an hour; make another one"
  ],
  [
    new Errors.PlatformUnknown({ platform: "linux/riscv64", available: ["linux/amd64", "linux/arm64"] }),
    "PLATFORM_UNKNOWN",
    "the index has no image for linux/riscv64; it has: linux/amd64, linux/arm64"
  ],
  [
    new Errors.RevisionUnknown({ asked: "revision 9", newest: 7 }),
    "REVISION_UNKNOWN",
    "there is no revision 9 in the history; the newest revision is 7"
  ],
  [
    new Errors.RevisionUnknown({ asked: "revision 1", newest: 7, oldest: 3 }),
    "REVISION_UNKNOWN",
    "there is no revision 1 in the history; it goes back to revision 3"
  ],
  [
    new Errors.HistoryInvalid({ from: 4, reason: "is not what was written before" }),
    "HISTORY_INVALID",
    "the history of the layout is not what was written before; from revision 4 on it is whole"
  ],
  [
    new Errors.HistoryInvalid({ reason: "has a broken chain" }),
    "HISTORY_INVALID",
    "the history of the layout has a broken chain"
  ],
  [
    new Errors.Conflict({ reason: "it has been changed again since", names: ["app:v1 in revision 4"] }),
    "CONFLICT",
    "nothing was changed: of what is to be taken back, it has been changed again since: app:v1 in revision 4"
  ],
  [
    new Errors.RangeInvalid({ offset: -1, size: 4, reason: "it is negative" }),
    "RANGE_INVALID",
    "offset -1 does not fit the 4 bytes there are: it is negative"
  ],
  [
    new Errors.Referenced({ digest, by: [other] }),
    "DENIED",
    `${digest} is still needed by ${other}, and stays as long as it is`
  ],
  [
    new Errors.ReferenceInvalid({ input: "a:", reason: "has no tag" }),
    "REFERENCE_INVALID",
    "\"a:\" is not a reference: it has no tag"
  ],
  [new Errors.SizeInvalid({ expected: 1, actual: 2 }), "SIZE_INVALID", "content has 2 bytes, not 1"],
  [
    new Errors.StorageError({ operation: "write", path: "blobs/x", kind: "full", cause: new Error("ENOSPC") }),
    "STORAGE_ERROR",
    "cannot write \"blobs/x\": the disk or quota is full; free some space and try again"
  ],
  [
    new Errors.SymlinkRefused({ path: "index.json" }),
    "SYMLINK_REFUSED",
    "\"index.json\" is or passes through a symbolic link; replace it by the file, or allow links for this layout"
  ],
  [
    new Errors.TagExists({ repository: "a/b", tag: "v1", digest }),
    "TAG_EXISTS",
    `a/b:v1 exists already and points to ${digest}`
  ],
  [new Errors.TagInvalid({ tag: "", reason: "is empty" }), "TAG_INVALID", "\"\" is not a tag: it is empty"],
  [
    new Errors.Unsupported({ operation: "mount", reason: "no source" }),
    "UNSUPPORTED",
    "mount is not supported: no source"
  ],
  [
    new Errors.UploadBusy({ upload: "u1" }),
    "UPLOAD_BUSY",
    "upload u1 is being written by another client; try again when that is done"
  ]
]

describe("OciError", () => {
  for (const [error, code, message] of cases) {
    it(`${error._tag} says: ${message.slice(0, 60)}`, () => {
      assert.strictEqual(error.code, code)
      assert.strictEqual(error.message, message)
      assert.instanceOf(error, Error)
    })
  }

  it("the cases cover every error there is", () => {
    const classes = Object.keys(Errors).filter((name) => name !== "OciError" && name !== "RegistryError")
    assert.deepStrictEqual(new Set(cases.map(([error]) => error._tag as string)), new Set(classes))
  })

  it("the union holds all of them but StorageError", () => {
    const isOciError = Schema.is(Errors.OciError)
    for (const [error] of cases) assert.strictEqual(isOciError(error), error._tag !== "StorageError", error._tag)
  })

  it("survives a trip through JSON, fields and code included", () => {
    const codec = Schema.toCodecJson(Errors.OciError)
    for (const [error] of cases) {
      if (error._tag === "StorageError") continue
      const json = Schema.encodeSync(codec)(error)
      assert.include(JSON.stringify(json), `"code":"${error.code}"`)
      const back = Schema.decodeUnknownSync(codec)(JSON.parse(JSON.stringify(json)))
      assert.strictEqual(back._tag, error._tag)
      assert.strictEqual(back.message, error.message)
    }
  })

  it("no field takes the place of what every error has", () => {
    for (const [error] of cases) assert.strictEqual(error.name, error._tag)
  })

  it("messages start in lower case, end without a full stop and hold no control characters", () => {
    for (const [error] of cases) {
      assert.match(error.message, /^[^A-Z]/u)
      assert.notMatch(error.message, /\.$/u)
    }
  })

  it("a hostile name floods and paints nothing", () => {
    const hostile = "\u001b[31m\n".repeat(1_000_000)
    const errors = [
      new Errors.BlobUnknown({ digest: hostile }),
      new Errors.NameInvalid({ repository: hostile, reason: hostile }),
      new Errors.Conflict({ reason: hostile, repository: hostile, tag: hostile, expected: hostile, actual: hostile }),
      new Errors.ManifestBlobUnknown({
        missing: Array.from({ length: 50 }, () => ({ path: hostile, digest: hostile }))
      }),
      new Errors.Referenced({ digest: hostile, by: [hostile, hostile, hostile, hostile, hostile, hostile] }),
      new Errors.ImageUnsuitable({ digest: hostile, reason: hostile }),
      new Errors.InputUnsuitable({ input: hostile, reason: hostile }),
      new Errors.LayerInvalid({ digest: hostile, reason: hostile }),
      new Errors.LayerUnsupported({ digest: hostile, mediaType: hostile }),
      new Errors.PathUnknown({ path: hostile, reason: hostile }),
      new Errors.ArchiveInvalid({ path: hostile, reason: hostile }),
      new Errors.BundleBaseUnknown({ path: hostile, missing: [{ digest: hostile, size: 1 }] }),
      new Errors.PlaceAmbiguous({ input: hostile, candidates: [hostile] }),
      new Errors.RegistriesConfInvalid({ path: hostile, place: hostile, reason: hostile }),
      new Errors.RegistryBlocked({ asked: hostile, path: hostile, entry: hostile }),
      new Errors.RemoteError({ host: hostile, operation: hostile, reason: hostile, passing: false }),
      new Errors.Unauthorized({ host: hostile, reason: hostile }),
      new Errors.PathDenied({ path: hostile, allowed: [hostile], reason: hostile }),
      new Errors.OutcomeUnknown({ operation: hostile, reason: hostile }),
      new Errors.StorageError({ operation: hostile, path: hostile, kind: "other", cause: undefined })
    ]
    for (const { message } of errors) {
      assert.notMatch(message, /\p{Cc}/u)
      assert.isBelow(message.length, 6000)
    }
  })

  it("StorageError keeps its cause and names each kind apart", () => {
    const cause = new Error("EIO")
    const kinds = ["full", "readOnly", "denied", "tooManyFiles", "device", "other"] as const
    const errors = kinds.map((kind) => new Errors.StorageError({ operation: "sync", path: "index.json", kind, cause }))
    assert.strictEqual(errors[0]?.cause, cause)
    assert.strictEqual(new Set(errors.map(({ message }) => message)).size, kinds.length)
  })
})
