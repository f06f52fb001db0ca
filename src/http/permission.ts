/** What one client may do, by the rules there are and by what its ticket is good for. */
import type { Route } from "./names.ts"
import { type Action, mayEverywhere, mayIn, maySomewhere, type Rules, type Who } from "./rules.ts"
import { includes, type Scope } from "./scopes.ts"

export interface Permission {
  /** Whether it may do this in a repository. */
  readonly in: (action: Action, repository: string) => boolean
  /** Whether it may do this in every repository, so that nothing has to be left out of what it is told. */
  readonly everywhere: (action: Action) => boolean
  /** Whether it may ask for what is at a route at all. */
  readonly reach: (route: Route, action: Action) => boolean
  /** The part of a scope that this client may have; an empty list if it may have none of it. */
  readonly grant: (scope: Scope) => ReadonlyArray<Scope>
}

/** Of those who may do everything that the registry offers. */
export const unlimited: Permission = {
  in: () => true,
  everywhere: () => true,
  reach: () => true,
  grant: (scope) => [scope]
}

export const permissionOf = ({ anonymousPull, rules, scopes, who }: {
  readonly rules: Rules | undefined
  /** Where there are no rules: whether those may pull who have not logged in. */
  readonly anonymousPull: boolean
  readonly who: Who
  readonly scopes?: ReadonlyArray<Scope> | undefined
}): Permission => {
  const withoutRules = (action: Action): boolean => who._tag !== "Anonymous" || (anonymousPull && action === "pull")
  const byRules = (action: Action, repository: string): boolean =>
    rules === undefined ? withoutRules(action) : mayIn(rules, who, action, repository)
  const somewhere = (action: Action): boolean =>
    rules === undefined ? withoutRules(action) : maySomewhere(rules, who, action)
  // A ticket for one repository takes nothing away that a client without a login may.
  const anonymously = (action: Action, repository: string): boolean =>
    rules === undefined ? anonymousPull && action === "pull" : mayIn(rules, { _tag: "Anonymous" }, action, repository)
  const inScope = (type: string, name: string, action: string): boolean =>
    scopes === undefined || includes(scopes, type, name, action)
  const permission: Permission = {
    in: (action, repository) =>
      byRules(action, repository) &&
      (inScope("repository", repository, action) || anonymously(action, repository)),
    // What is about all repositories is told to a ticket for that, whichever repositories it is for besides.
    everywhere: (action) => rules === undefined ? withoutRules(action) : mayEverywhere(rules, who, action),
    reach: (route, action) => {
      if ("repository" in route) return permission.in(action, route.repository)
      switch (route._tag) {
        case "Catalog":
        case "Events":
        case "Metrics":
          return somewhere("pull") && inScope("registry", route._tag.toLowerCase(), "*")
        case "UiLogin":
          return who._tag !== "Anonymous"
        default:
          return who._tag !== "Anonymous" || anonymousPull
      }
    },
    grant: (scope) => {
      if (scope.type === "registry") return somewhere("pull") ? [scope] : []
      if (scope.type !== "repository") return []
      const asked: ReadonlyArray<string> = scope.actions.includes("*") ? ["pull", "push", "delete"] : scope.actions
      const actions = (["pull", "push", "delete"] as const).filter((action) =>
        asked.includes(action) && byRules(action, scope.name)
      )
      return actions.length === 0 ? [] : [{ ...scope, actions }]
    }
  }
  return permission
}
