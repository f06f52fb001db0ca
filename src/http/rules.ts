/** Who may do what in which repositories, from a small file; what no line of it allows is denied. */
import { Result } from "effect"

export type Action = "pull" | "push" | "delete"

/** Who is asking, by what was shown. */
export type Who =
  | { readonly _tag: "Anonymous" }
  | { readonly _tag: "User"; readonly name: string }
  /** A token of the file of tokens. */
  | { readonly _tag: "Token" }

interface Rule {
  /** The name of a user, or `@users`, `@tokens` or `@anonymous`. */
  readonly who: string
  /** A name, or what a name begins with where `isPrefix`. */
  readonly repositories: string
  readonly isPrefix: boolean
  readonly actions: ReadonlySet<Action>
}

export type Rules = ReadonlyArray<Rule>

const actions: ReadonlySet<string> = new Set<Action>(["pull", "push", "delete"])
const isAction = (text: string): text is Action => actions.has(text)

/** A user has logged in, and may do also what a client without a login may. */
const isAbout = ({ who }: Rule, asking: Who): boolean => {
  if (who === "@anonymous") return true
  if (who === "@users") return asking._tag !== "Anonymous"
  if (who === "@tokens") return asking._tag === "Token"
  return asking._tag === "User" && asking.name === who
}

const covers = ({ isPrefix, repositories }: Rule, repository: string): boolean =>
  isPrefix ? repository.startsWith(repositories) : repository === repositories

export const mayIn = (rules: Rules, who: Who, action: Action, repository: string): boolean =>
  rules.some((rule) => rule.actions.has(action) && isAbout(rule, who) && covers(rule, repository))

/** In some repository, whether there is one or not. */
export const maySomewhere = (rules: Rules, who: Who, action: Action): boolean =>
  rules.some((rule) => rule.actions.has(action) && isAbout(rule, who))

/** In every repository there is or will be. */
export const mayEverywhere = (rules: Rules, who: Who, action: Action): boolean => mayIn(rules, who, action, "")

/** Whether a client may pull that has not logged in. */
export const opensToAll = (rules: Rules): boolean => maySomewhere(rules, { _tag: "Anonymous" }, "pull")

const groups = new Set(["@users", "@tokens", "@anonymous"])

/** Lines `WHO REPOSITORIES ACTIONS`, like `alice team/* pull,push`. */
export const parseRules = (text: string): Result.Result<Rules, string> => {
  const rules: Array<Rule> = []
  for (const [index, line] of text.split("\n").entries()) {
    const fields = line.trim().split(/\s+/u)
    const [who = "", repositories = "", given = "", more] = fields
    if (who === "" || who.startsWith("#")) continue
    const wrong = (what: string) => Result.fail(`line ${index + 1} ${what}`)
    if (given === "" || more !== undefined) return wrong("is no WHO REPOSITORIES ACTIONS, like: alice team/* pull,push")
    if (who.startsWith("@") && !groups.has(who)) return wrong("begins with none of @users, @tokens and @anonymous")
    if (!/^(?:[a-z0-9][a-z0-9._/-]*)?\*?$/u.test(repositories)) {
      return wrong("has neither the name of a repository nor what names begin with and a * at its end")
    }
    const all = given.split(",")
    if (!all.every(isAction)) return wrong("has actions other than pull, push and delete")
    if (who === "@anonymous" && all.some((action) => action !== "pull")) {
      return wrong("lets those push or delete who have not logged in")
    }
    const isPrefix = repositories.endsWith("*")
    rules.push({
      who,
      repositories: isPrefix ? repositories.slice(0, -1) : repositories,
      isPrefix,
      actions: new Set(all)
    })
  }
  return rules.length === 0 ? Result.fail("it has no rule") : Result.succeed(rules)
}
