/** Where in the page one is: the part of the address behind `#`, which no server is told. */
import { useEffect, useState } from "preact/hooks"

export type ViewName = "images" | "image" | "diff" | "history" | "space" | "health"

const views: ReadonlySet<string> = new Set<ViewName>(["images", "image", "diff", "history", "space", "health"])
const isView = (name: string): name is ViewName => views.has(name)

export interface Route {
  readonly view: ViewName
  readonly params: Readonly<Record<string, string>>
}

export const parseRoute = (hash: string): Route => {
  const [name = "", search = ""] = hash.replace(/^#\/?/u, "").split("?")
  const params = Object.fromEntries(new URLSearchParams(search))
  return isView(name) ? { view: name, params } : { view: "images", params: {} }
}

export type Params = Readonly<Record<string, string | undefined>>

export const hrefOf = (view: ViewName, params: Params = {}): string => {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(params)) if (value !== undefined && value !== "") search.set(key, value)
  const text = search.toString()
  return `#/${view}${text === "" ? "" : `?${text}`}`
}

export const go = (view: ViewName, params: Params = {}): void => {
  location.hash = hrefOf(view, params)
}

/** Changes the address without a step for the browser's way back. */
export const replace = (view: ViewName, params: Params = {}): void => {
  history.replaceState(null, "", hrefOf(view, params))
  dispatchEvent(new HashChangeEvent("hashchange"))
}

export const useRoute = (): Route => {
  const [route, setRoute] = useState(() => parseRoute(location.hash))
  useEffect(() => {
    const changed = (): void => setRoute(parseRoute(location.hash))
    addEventListener("hashchange", changed)
    return () => removeEventListener("hashchange", changed)
  }, [])
  return route
}
