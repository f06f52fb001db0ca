/** What a ticket is good for (the Docker registry's token scopes): `repository:team/shop:pull,push`. */
import { Schema } from "effect"
import type { Route } from "./names.ts"
import type { Action } from "./rules.ts"

export const Scope = Schema.Struct({
  /** `repository`, or `registry` for what is about all of them. */
  type: Schema.String,
  name: Schema.String,
  actions: Schema.Array(Schema.String)
})
export type Scope = typeof Scope.Type

/** Scopes of one ticket, which is a header of every request. */
const mostScopes = 32

/** What is not written as scopes are is left out. */
export const parseScopes = (query: URLSearchParams): ReadonlyArray<Scope> =>
  query.getAll("scope").flatMap((text) => text.split(" ")).flatMap((text): ReadonlyArray<Scope> => {
    const [, type = "", name = "", actions = ""] = /^(\w{1,32}):([^:"\\]{1,255}):([\w*,]{1,64})$/u.exec(text) ?? []
    return type === "" ? [] : [{ type, name, actions: actions.split(",") }]
  }).slice(0, mostScopes)

export const includes = (scopes: ReadonlyArray<Scope>, type: string, name: string, action: string): boolean =>
  scopes.some((scope) =>
    scope.type === type && scope.name === name && (scope.actions.includes(action) || scope.actions.includes("*"))
  )

/** An upload's status is of no use to those who may not upload. */
export const actionOf = (method: string, { _tag }: Route): Action => {
  if (_tag === "Upload" || _tag === "Uploads") return "push"
  if (method === "GET" || method === "HEAD") return "pull"
  return method === "DELETE" ? "delete" : "push"
}

/** What cannot be the name of a repository stands in no header. */
const isScopeName = (name: string): boolean => /^[\w./-]{1,255}$/u.test(name)

/**
 * What a client has to have for a request, as a challenge says it; nothing where any ticket will do.
 *
 * @param from where a blob is to be mounted from, which takes a pull there
 */
export const scopeFor = (method: string, route: Route, from = ""): string | undefined => {
  if ("repository" in route) {
    if (!isScopeName(route.repository)) return undefined
    const action = actionOf(method, route)
    const scope = `repository:${route.repository}:${action === "push" ? "pull,push" : action}`
    return route._tag === "Uploads" && isScopeName(from) ? `${scope} repository:${from}:pull` : scope
  }
  switch (route._tag) {
    case "Catalog":
    case "Events":
    case "Metrics":
      return `registry:${route._tag.toLowerCase()}:*`
    default:
      return undefined
  }
}
