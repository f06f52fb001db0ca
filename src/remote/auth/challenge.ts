/** What a registry asks for (RFC 9110, section 11.6.1; RFC 6750), and what it is asked for. */

/** One way to show who asks. */
export type Challenge =
  | { readonly _tag: "Basic" }
  | {
    readonly _tag: "Bearer"
    readonly realm: string
    readonly service: string | undefined
    readonly scope: string | undefined
  }

const longest = 8192

/** The challenges of a `WWW-Authenticate` header that are known here, in its order. */
export const parseChallenges = (header: string | undefined): ReadonlyArray<Challenge> => {
  if (header === undefined || header.length > longest) return []
  const found: Array<{ readonly scheme: string; readonly fields: Map<string, string> }> = []
  const part = /\s*,?\s*(?:([A-Za-z0-9-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))|([A-Za-z][A-Za-z0-9-]*))/uy
  for (let match = part.exec(header); match !== null; match = part.exec(header)) {
    const [, key, quotedValue, bare, scheme] = match
    if (scheme !== undefined) found.push({ scheme: scheme.toLowerCase(), fields: new Map() })
    else if (key !== undefined) {
      found.at(-1)?.fields.set(key.toLowerCase(), quotedValue?.replace(/\\(.)/gu, "$1") ?? bare ?? "")
    }
  }
  return found.flatMap(({ fields, scheme }): ReadonlyArray<Challenge> => {
    if (scheme === "basic") return [{ _tag: "Basic" }]
    const realm = fields.get("realm")
    return scheme === "bearer" && realm !== undefined
      ? [{ _tag: "Bearer", realm, service: fields.get("service"), scope: fields.get("scope") }]
      : []
  })
}

/** Actions by resource, such as `repository:team/app` with `pull` and `push`. */
export type Scopes = ReadonlyMap<string, ReadonlySet<string>>

export const scopesOf = (texts: Iterable<string>): Scopes => {
  const scopes = new Map<string, Set<string>>()
  for (const text of texts) {
    const colon = text.lastIndexOf(":")
    if (colon <= 0) continue
    const actions = scopes.get(text.slice(0, colon)) ?? new Set()
    for (const action of text.slice(colon + 1).split(",")) if (action !== "") actions.add(action)
    scopes.set(text.slice(0, colon), actions)
  }
  return scopes
}

/** The repositories that something is asked of. */
export const repositoriesOf = (scopes: Scopes): ReadonlyArray<string> =>
  Array.from(scopes.keys()).flatMap((resource) => resource.startsWith("repository:") ? [resource.slice(11)] : [])

/** As a token is asked for, each resource once; equal scopes give equal texts. */
export const formatScopes = (scopes: Scopes): ReadonlyArray<string> =>
  Array.from(scopes, ([resource, actions]) => `${resource}:${Array.from(actions).toSorted().join(",")}`).toSorted()

/** Whether all that is wanted is in what there is. */
export const covers = (has: Scopes, wanted: Scopes): boolean =>
  Array.from(wanted).every(([resource, actions]) => {
    const own = has.get(resource)
    return own !== undefined && (own.has("*") || Array.from(actions).every((action) => own.has(action)))
  })
