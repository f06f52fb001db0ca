/** Credential helpers: programs that keep passwords for other programs (docker-credential-helpers). */
import { Effect, Redacted, Result } from "effect"
import { spawn } from "node:child_process"
import { fieldOf, isJsonObject } from "../../oci/Descriptor.ts"
import { errnoOf } from "../../oci/errno.ts"
import { readJson } from "../../oci/Json.ts"
import { Unauthorized } from "../../oci/OciError.ts"
import { type AuthSurroundings, passwordOf } from "./authFile.ts"
import type { Credential } from "./Credential.ts"

const outputBytes = 64 * 1024

const helperMillis = 30_000

/** What helpers print that have nothing; the first is that of the helpers' own library. */
const nothing = /credentials not found|not logged in|no such|could not be found|no credentials/iu

type Environment = AuthSurroundings["env"]

interface Ran {
  readonly code: number | null
  readonly output: Uint8Array
}

/** What it prints may be a password, and so is part of no failure. */
const run = (
  env: Environment,
  host: string,
  helper: string,
  action: "get" | "store" | "erase",
  input: string
): Effect.Effect<Ran, Unauthorized> => {
  const failed = (why: string) => new Unauthorized({ host, reason: `docker-credential-${helper} ${action} ${why}` })
  return Effect.callback<Ran, Unauthorized>((resume) => {
    const child = spawn(`docker-credential-${helper}`, [action], {
      stdio: ["pipe", "pipe", "ignore"],
      env: { ...env }
    })
    const output: Array<Buffer> = []
    let size = 0
    child.stdout.on("data", (piece: Buffer) => {
      size += piece.length
      if (size <= outputBytes) output.push(piece)
      else child.kill("SIGKILL")
    })
    child.on("error", (error) => {
      const code = errnoOf(error) === "ENOENT" ? "is not installed" : "cannot be started"
      resume(Effect.fail(failed(code)))
    })
    child.on("close", (code) => resume(Effect.succeed({ code, output: Buffer.concat(output) })))
    // It may end without reading what it is told.
    child.stdin.on("error", () => undefined)
    child.stdin.end(input)
    return Effect.sync(() => void child.kill("SIGKILL"))
  }).pipe(Effect.timeoutOrElse({
    duration: helperMillis,
    orElse: () => Effect.fail(failed(`said nothing for ${helperMillis / 1000} s`))
  }))
}

/** What a helper keeps for a key; nothing where it has nothing. */
export const askHelper = Effect.fnUntraced(function*(
  env: Environment,
  host: string,
  helper: string,
  key: string
): Effect.fn.Return<Credential | undefined, Unauthorized> {
  const { code, output } = yield* run(env, host, helper, "get", key)
  if (code !== 0) {
    if (nothing.test(Buffer.from(output).toString("utf8"))) return undefined
    return yield* new Unauthorized({ host, reason: `docker-credential-${helper} get failed` })
  }
  const json = Result.getOrUndefined(readJson(output))
  const username = isJsonObject(json) ? fieldOf(json, "Username") : undefined
  const secret = isJsonObject(json) ? fieldOf(json, "Secret") : undefined
  if (typeof username !== "string" || typeof secret !== "string") {
    return yield* new Unauthorized({ host, reason: `docker-credential-${helper} get answered nothing that is a login` })
  }
  return username === "" && secret === "" ? undefined : passwordOf(username, secret)
})

/** Has a helper keep a login. */
export const tellHelper = (
  env: Environment,
  host: string,
  helper: string,
  key: string,
  username: string,
  password: Redacted.Redacted
): Effect.Effect<void, Unauthorized> =>
  orRefused(
    host,
    helper,
    run(
      env,
      host,
      helper,
      "store",
      JSON.stringify({ ServerURL: key, Username: username, Secret: Redacted.value(password) })
    )
  )

/** Has a helper forget a login. */
export const forgetByHelper = (
  env: Environment,
  host: string,
  helper: string,
  key: string
): Effect.Effect<void, Unauthorized> => orRefused(host, helper, run(env, host, helper, "erase", key))

const orRefused = (
  host: string,
  helper: string,
  ran: Effect.Effect<Ran, Unauthorized>
): Effect.Effect<void, Unauthorized> =>
  Effect.flatMap(
    ran,
    ({ code }) =>
      code === 0 ? Effect.void : Effect.fail(new Unauthorized({ host, reason: `docker-credential-${helper} failed` }))
  )
