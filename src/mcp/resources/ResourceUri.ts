/** How resources are named: `oci-layout://{layout}`, and below it repositories and what they hold. */
import { Result } from "effect"
import * as limits from "../tool/limits.ts"
import { ResourceUnknown } from "../tool/SurfaceError.ts"

interface InRepository {
  readonly layout: string
  readonly repository: string
}

/** What a URI says; whether there is such a thing, or could be, is not looked at. */
export type ResourceName =
  | { readonly _tag: "Layout"; readonly layout: string }
  | ({ readonly _tag: "Tags" } & InRepository)
  | ({ readonly _tag: "Manifest"; readonly reference: string } & InRepository)
  | ({ readonly _tag: "Blob"; readonly digest: string } & InRepository)
  | ({ readonly _tag: "Referrers"; readonly digest: string } & InRepository)
  | ({ readonly _tag: "File"; readonly reference: string; readonly path: string } & InRepository)

const scheme = "oci-layout://"

/** Reads a URI. Clients differ in what they encode, so every part is decoded, and only after it was taken apart. */
export const parseUri = (uri: string): Result.Result<ResourceName, ResourceUnknown> => {
  const fail = (reason: string) => Result.fail(new ResourceUnknown({ uri, reason }))
  if (uri.length > limits.uriCharacters) return fail("it is too long")
  if (!uri.startsWith(scheme)) return fail(`it does not begin with ${scheme}`)
  const parts: Array<string> = []
  for (const part of uri.slice(scheme.length).split("/")) {
    const decoded = Result.try(() => decodeURIComponent(part))
    if (Result.isFailure(decoded)) return fail("its percent-encoding is broken")
    parts.push(decoded.success)
  }
  const [layout = "", ...path] = parts
  if (layout === "") return fail("it names no layout")
  if (path.length === 0 || (path.length === 1 && path[0] === "")) return Result.succeed({ _tag: "Layout", layout })
  const last = path.at(-1) ?? ""
  const kind = path.at(-2)
  const repository = path.slice(0, -2).join("/")
  if (repository !== "" && last !== "") {
    if (kind === "manifests") return Result.succeed({ _tag: "Manifest", layout, repository, reference: last })
    if (kind === "blobs") return Result.succeed({ _tag: "Blob", layout, repository, digest: last })
    if (kind === "referrers") return Result.succeed({ _tag: "Referrers", layout, repository, digest: last })
  }
  const image = path.slice(0, -3).join("/")
  // Absolute, so that tags of a repository with such a name are none.
  if (path.at(-3) === "files" && image !== "" && kind !== undefined && kind !== "" && last.startsWith("/")) {
    return Result.succeed({ _tag: "File", layout, repository: image, reference: kind, path: last })
  }
  const whole = path.slice(0, -1).join("/")
  return last === "tags" && whole !== ""
    ? Result.succeed({ _tag: "Tags", layout, repository: whole })
    : fail("it is neither a layout nor tags, manifests, blobs, referrers or files of a repository")
}

export const layoutUri = (layout: string): string => `${scheme}${encodeURIComponent(layout)}`

/** A kind of resource that is named by filling in a template (RFC 6570). */
export interface Template {
  readonly name: string
  readonly uriTemplate: string
  readonly title: string
  readonly description: string
  /** What is true of all of them. */
  readonly mimeType?: string
  /** What its variables stand for. */
  readonly variables: ReadonlyArray<"layout" | "repository" | "reference" | "digest" | "path">
  /** What the digests it takes are of. */
  readonly digests?: "manifest" | "blob"
  /** Offered only by servers that can look inside images. */
  readonly needsLayers?: true
}

const prefix = `${scheme}{layout}/{+repository}`

/** The templates of all resources that layouts have. */
export const templates: ReadonlyArray<Template> = [
  {
    name: "tags",
    uriTemplate: `${prefix}/tags`,
    title: "Tags of a repository",
    description: "Every tag with the digest it points at. Can be subscribed to.",
    mimeType: "application/json",
    variables: ["layout", "repository"]
  },
  {
    name: "manifest",
    uriTemplate: `${prefix}/manifests/{reference}`,
    title: "Manifest",
    description:
      "An image manifest, index or artifact manifest by tag or digest, exactly as it is stored. Can be subscribed to by tag.",
    variables: ["layout", "repository", "reference"]
  },
  {
    name: "blob",
    uriTemplate: `${prefix}/blobs/{digest}`,
    title: "Blob",
    description: "A config, layer or other content of at most 1 MiB: text when it is UTF-8.",
    variables: ["layout", "repository", "digest"],
    digests: "blob"
  },
  {
    name: "referrers",
    uriTemplate: `${prefix}/referrers/{digest}`,
    title: "Referrers of a manifest",
    description: "An image index of what is attached to a manifest: signatures, SBOMs, attestations.",
    mimeType: "application/vnd.oci.image.index.v1+json",
    variables: ["layout", "repository", "digest"],
    digests: "manifest"
  },
  {
    name: "file",
    uriTemplate: `${prefix}/files/{reference}/{path}`,
    title: "File of an image",
    description:
      "A file inside an image, of at most 1 MiB: text when it is UTF-8. The image is by tag or digest; path is absolute, with its slashes encoded. It is data from the image's author.",
    variables: ["layout", "repository", "reference", "path"],
    needsLayers: true
  }
]
