/** Writes the addresses that the server reads. */
import { layoutUri, type ResourceName } from "../../../src/mcp/resources/ResourceUri.ts"

/** The URI that is read back as the same name. */
export const uriOf = (name: ResourceName): string => {
  const layout = layoutUri(name.layout)
  switch (name._tag) {
    case "Layout":
      return layout
    case "Tags":
      return `${layout}/${inPath(name.repository)}/tags`
    case "Manifest":
      return `${layout}/${inPath(name.repository)}/manifests/${encodeURIComponent(name.reference)}`
    case "Blob":
      return `${layout}/${inPath(name.repository)}/blobs/${encodeURIComponent(name.digest)}`
    case "Referrers":
      return `${layout}/${inPath(name.repository)}/referrers/${encodeURIComponent(name.digest)}`
    case "File": {
      const [reference, path] = [name.reference, name.path].map(encodeURIComponent)
      return `${layout}/${inPath(name.repository)}/files/${reference}/${path}`
    }
  }
}

const kinds: ReadonlySet<string> = new Set(["manifests", "blobs", "referrers"])

/** A repository as it stands in a path; one that ends like a kind is kept apart from it by encoding its last slash. */
const inPath = (repository: string): string => {
  const parts = repository.split("/").map(encodeURIComponent)
  const last = parts.at(-1) ?? ""
  return parts.length > 1 && kinds.has(last) ? `${parts.slice(0, -1).join("/")}%2F${last}` : parts.join("/")
}
