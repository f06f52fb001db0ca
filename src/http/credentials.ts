/** Who may come in: users with passwords from a file as htpasswd writes it, and tokens. */
import { Result } from "effect"

export interface Credentials {
  /** Hashes of passwords, by user. */
  readonly users: ReadonlyMap<string, string>
  readonly tokens: ReadonlyArray<string>
}

/** Characters that a token has at least, so that it cannot be guessed. */
const tokenCharacters = 16

const lines = (text: string): ReadonlyArray<readonly [line: string, number: number]> =>
  text.split("\n").map((line, index) => [line.trim(), index + 1] as const).filter(([line]) =>
    line !== "" && !line.startsWith("#")
  )

/** Lines `USER:HASH`; other hashes than bcrypt's can be tried out too fast, and are refused. Never repeats a line. */
export const parseHtpasswd = (text: string): Result.Result<Credentials["users"], string> => {
  const users = new Map<string, string>()
  for (const [line, number] of lines(text)) {
    const [, user, hash] = /^([^:]+):(\$2[aby]\$\d{2}\$[./A-Za-z0-9]{53})$/u.exec(line) ?? []
    if (user === undefined || hash === undefined) {
      return Result.fail(`line ${number} is no USER:HASH with a bcrypt hash, as htpasswd -B writes it`)
    }
    if (users.has(user)) return Result.fail(`line ${number} has a user that is there before`)
    users.set(user, hash)
  }
  return users.size === 0 ? Result.fail("it has no user") : Result.succeed(users)
}

/** A token on each line. Never repeats one. */
export const parseTokens = (text: string): Result.Result<Credentials["tokens"], string> => {
  const tokens = lines(text)
  const wrong = tokens.find(([token]) => !/^[\x21-\x7e]+$/u.test(token) || token.length < tokenCharacters)
  if (wrong !== undefined) {
    return Result.fail(
      `line ${wrong[1]} is no token of at least ${tokenCharacters} printable characters without spaces`
    )
  }
  return tokens.length === 0 ? Result.fail("it has no token") : Result.succeed(tokens.map(([token]) => token))
}
