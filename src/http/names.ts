/** Which part of the distribution-spec's API, or of the page, a request is about, by its path. */
import { Result } from "effect"
import { Refused } from "./Refused.ts"

export type Route =
  | { readonly _tag: "Health" }
  | { readonly _tag: "Ready" }
  | { readonly _tag: "Metrics" }
  | { readonly _tag: "Token" }
  | { readonly _tag: "Events" }
  /** The page; its path is absent where the slash at the end of `/ui/` is. */
  | { readonly _tag: "Ui"; readonly path?: string }
  | { readonly _tag: "UiLogin" }
  | { readonly _tag: "Base" }
  | { readonly _tag: "Catalog" }
  | { readonly _tag: "Tags"; readonly repository: string }
  | { readonly _tag: "Referrers"; readonly repository: string; readonly digest: string }
  | { readonly _tag: "Manifest"; readonly repository: string; readonly reference: string }
  | { readonly _tag: "Blob"; readonly repository: string; readonly digest: string }
  | { readonly _tag: "Uploads"; readonly repository: string }
  | { readonly _tag: "Upload"; readonly repository: string; readonly id: string }

/**
 * Names have slashes in them, so a path is read from its end. Each part is decoded by itself: a slash that is encoded
 * joins no path, and stays as it is written, which is in no name.
 */
export const routeOf = (path: string): Result.Result<Route, Refused> => {
  if (path === "/healthz") return Result.succeed({ _tag: "Health" })
  if (path === "/readyz") return Result.succeed({ _tag: "Ready" })
  if (path === "/metrics") return Result.succeed({ _tag: "Metrics" })
  if (path === "/token") return Result.succeed({ _tag: "Token" })
  if (path === "/events") return Result.succeed({ _tag: "Events" })
  if (path === "/ui") return Result.succeed({ _tag: "Ui" })
  if (path === "/ui/login") return Result.succeed({ _tag: "UiLogin" })
  if (path.startsWith("/ui/")) return Result.succeed({ _tag: "Ui", path: path.slice("/ui/".length) })
  if (path === "/v2/" || path === "/v2") return Result.succeed({ _tag: "Base" })
  if (!path.startsWith("/v2/")) return Result.fail(nothingHere)
  const parts = partsOf(path.slice("/v2/".length))
  return parts === undefined ? Result.fail(notDecodable) : routeOfParts(parts)
}

const routeOfParts = (parts: ReadonlyArray<string>): Result.Result<Route, Refused> => {
  const last = parts.at(-1) ?? ""
  const before = parts.at(-2)
  if (parts.length === 1 && last === "_catalog") return Result.succeed({ _tag: "Catalog" })
  const name = (without: number) => parts.slice(0, -without).join("/")
  if (parts.length > 3 && before === "uploads" && parts.at(-3) === "blobs") {
    return last === ""
      ? Result.succeed({ _tag: "Uploads", repository: name(3) })
      : Result.succeed({ _tag: "Upload", repository: name(3), id: last })
  }
  if (parts.length < 3) return Result.fail(nothingHere)
  const repository = name(2)
  switch (before) {
    case "manifests":
      return Result.succeed({ _tag: "Manifest", repository, reference: last })
    case "blobs":
      return last === "uploads"
        ? Result.succeed({ _tag: "Uploads", repository })
        : Result.succeed({ _tag: "Blob", repository, digest: last })
    case "referrers":
      return Result.succeed({ _tag: "Referrers", repository, digest: last })
    case "tags":
      return last === "list" ? Result.succeed({ _tag: "Tags", repository }) : Result.fail(nothingHere)
    default:
      return Result.fail(nothingHere)
  }
}

const partsOf = (path: string): ReadonlyArray<string> | undefined => {
  const parts = path.split("/")
  if (!path.includes("%")) return parts
  try {
    return parts.map((part) => {
      const decoded = decodeURIComponent(part)
      return decoded.includes("/") ? part : decoded
    })
  } catch {
    // What is no UTF-8 is no name.
    return undefined
  }
}

export const nothingHere = new Refused({ status: 404, code: "NOT_FOUND", message: "there is nothing at this path" })

const notDecodable = new Refused({
  status: 400,
  code: "NAME_INVALID",
  message: "the path has a percent sign that begins no encoded character"
})
