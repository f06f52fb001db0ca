/** Names of places that hold images, as the command line and other tools write them. */
import { Result } from "effect"
import { PlaceAmbiguous, ReferenceInvalid } from "../oci/OciError.ts"
import { isHost, parseRelative, type Reference } from "../oci/Reference.ts"

/** A registry on the network, and what of it is meant. */
export interface RemotePlace extends Partial<Omit<Reference, "host">> {
  readonly _tag: "Remote"
  /** `host` or `host:port`; `docker.io` for Docker Hub. */
  readonly host: string
}

/** A layout, as other tools name one; `name` is how an entry of it is written. */
interface LayoutPlace {
  readonly _tag: "Layout"
  readonly directory: string
  readonly name?: string
}

/** How an archive is to be written, and what is expected of one that is read. */
type ArchiveFormat = "oci" | "docker" | "any"

/** A file that holds images. */
export interface ArchivePlace {
  readonly _tag: "Archive"
  readonly format: ArchiveFormat
  /** `-` for standard input or output. */
  readonly file: string
  /** How an image of it is called. */
  readonly name?: string
}

/** A directory of skopeo's `dir:` transport: one image, each blob a file. */
export interface DirectoryPlace {
  readonly _tag: "Directory"
  readonly directory: string
}

/** `BUCKET[/PREFIX][/REPOSITORY][:TAG][@DIGEST]`: only a look at the bucket tells where the prefix ends. */
interface BucketPlace {
  readonly _tag: "Bucket"
  readonly bucket: string
  /** What stands after the bucket, without slashes at its ends. */
  readonly path: string
}

/** `PATH[/REPOSITORY][:TAG][@DIGEST]`: only a look at the file system tells where the path ends. */
interface PathPlace {
  readonly _tag: "Path"
  readonly path: string
}

export type Place = RemotePlace | LayoutPlace | ArchivePlace | DirectoryPlace | BucketPlace | PathPlace

/** Whether a text names a bucket, or something in one. */
export const isBucket = (text: string): boolean => text.startsWith("s3://")

const form = /^(docker:\/\/|s3:\/\/|oci:|oci-archive:|docker-archive:|dir:)(.*)$/su

/**
 * The place that a text names: `docker://HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]`, `oci:DIR[:REF]`, `oci-archive:FILE[:REF]`,
 * `docker-archive:FILE[:REF]`, `dir:DIR`, `s3://BUCKET/PATH`, `-`, and else a path. After `oci:` and the archives the first colon ends the
 * path, as skopeo has it. Without a host, names are those of Docker Hub, as Docker reads them; `docker://HOST/` is the
 * registry as a whole. `ReferenceInvalid`; `PlaceAmbiguous` for a host without a slash after it, which is a name on Docker Hub as well.
 */
export const parsePlace = (text: string): Result.Result<Place, ReferenceInvalid | PlaceAmbiguous> => {
  if (text === "" || text.includes("\0")) {
    return Result.fail(noPlace(text, text === "" ? "is empty" : "has a NUL in it"))
  }
  if (text === "-") return Result.succeed({ _tag: "Archive", format: "any", file: "-" })
  const [, transport, rest = ""] = form.exec(text) ?? []
  if (transport === undefined) return Result.succeed({ _tag: "Path", path: text })
  if (rest === "") return Result.fail(noPlace(text, "has nothing after its transport"))
  switch (transport) {
    case "docker://":
      return remoteOf(text, rest)
    case "s3://":
      return bucketOf(text, rest)
    case "dir:":
      return Result.succeed({ _tag: "Directory", directory: rest })
    case "oci:":
      return Result.map(
        cutAtColon(text, rest),
        ({ before, ...name }) => ({ _tag: "Layout", directory: before, ...name })
      )
    default:
      return Result.map(cutAtColon(text, rest), ({ before, ...name }) => ({
        _tag: "Archive",
        format: transport === "oci-archive:" ? "oci" : "docker",
        file: before,
        ...name
      }))
  }
}

const noPlace = (input: string, reason: string): ReferenceInvalid =>
  new ReferenceInvalid({ input, reason, expected: "a place" })

const cutAtColon = (
  text: string,
  rest: string
): Result.Result<{ readonly before: string; readonly name?: string }, ReferenceInvalid> => {
  const colon = rest.indexOf(":")
  if (colon < 0) return Result.succeed({ before: rest })
  if (colon === 0) return Result.fail(noPlace(text, "has no path"))
  if (colon === rest.length - 1) return Result.fail(noPlace(text, "has nothing after its last colon"))
  return Result.succeed({ before: rest.slice(0, colon), name: rest.slice(colon + 1) })
}

const bucketOf = (text: string, rest: string): Result.Result<BucketPlace, ReferenceInvalid> => {
  const [, bucket, path = ""] = /^([A-Za-z0-9][A-Za-z0-9._-]{1,62})(?:\/(.*?))?\/?$/su.exec(rest) ?? []
  if (bucket === undefined) return Result.fail(noPlace(text, "names no bucket"))
  // No address of an object can have such a part.
  return path !== "" && path.split("/").some((part) => part === "" || part === "." || part === "..")
    ? Result.fail(noPlace(text, "has an empty part, or one of dots"))
    : Result.succeed({ _tag: "Bucket", bucket, path })
}

const remoteOf = (text: string, rest: string): Result.Result<RemotePlace, ReferenceInvalid | PlaceAmbiguous> => {
  const slash = rest.indexOf("/")
  const first = slash < 0 ? rest : rest.slice(0, slash)
  const looksLikeHost = isHost(first) || first === "localhost"
  // `alpine:3` alone is a tag on Docker Hub, though `alpine:3/` would have a port.
  if (looksLikeHost && slash < 0 && /[.[]|^localhost(?::|$)/u.test(first)) {
    return Result.fail(
      new PlaceAmbiguous({ input: text, candidates: [`docker://${rest}/`, `docker://docker.io/library/${rest}`] })
    )
  }
  if (slash === rest.length - 1) {
    return looksLikeHost
      ? Result.succeed({ _tag: "Remote", host: first })
      : Result.fail(noPlace(text, "has a slash at its end, and no host before it"))
  }
  // Docker takes this one name for a host though it has no dot.
  const local = first === "localhost"
  const read = parseRelative(local ? `${first}:0${rest.slice(slash)}` : rest)
  return Result.mapBoth(read, {
    onFailure: ({ reason }) => noPlace(text, reason),
    onSuccess: (reference): RemotePlace => ({ _tag: "Remote", ...reference, ...(local ? { host: first } : {}) })
  })
}

/** A place as it is written; what it parses to is the same. */
export const formatPlace = (place: Place): string => {
  switch (place._tag) {
    case "Path":
      return place.path
    case "Bucket":
      return `s3://${place.bucket}${place.path === "" ? "" : `/${place.path}`}`
    case "Directory":
      return `dir:${place.directory}`
    case "Layout":
      return `oci:${place.directory}${place.name === undefined ? "" : `:${place.name}`}`
    case "Archive":
      return place.format === "any" && place.name === undefined
        ? place.file
        : `${place.format === "docker" ? "docker" : "oci"}-archive:${place.file}${
          place.name === undefined ? "" : `:${place.name}`
        }`
    case "Remote": {
      const { digest, host, repository = "", tag } = place
      return `docker://${host}/${repository}${tag === undefined ? "" : `:${tag}`}${
        digest === undefined ? "" : `@${digest}`
      }`
    }
  }
}
