/** Keys of those who have signed on by `aws sso login`, for as long as the token holds that it has left. */
import { Clock, Effect, Result } from "effect"
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { fieldOf, isJsonObject } from "../../../oci/Descriptor.ts"
import { readJson } from "../../../oci/Json.ts"
import { Unauthorized } from "../../../oci/OciError.ts"
import { wrongAnswer } from "../../../remote/wire/problems.ts"
import { ask } from "./ask.ts"
import { keysOf, type Lender, lentOf, textIn } from "./Lent.ts"
import { awsHost, type Profile, type Settings, urlOf } from "./settings.ts"

const operation = "asking for the keys of who has signed on"

export const hasSignOn = (profile: Profile): boolean =>
  profile["sso_session"] !== undefined || profile["sso_start_url"] !== undefined

/** The token of a sign-on, and its end as `aws sso login` has written it: with `Z`, or formerly `UTC`. */
const tokenIn = (text: string) => {
  const json = Result.getOrUndefined(readJson(Buffer.from(text)))
  return {
    token: textIn(json, "accessToken"),
    until: Date.parse((textIn(json, "expiresAt") ?? "").replace("UTC", "Z"))
  }
}

export const bySignOn = ({ env, profiles }: Settings, name: string): Lender =>
  Effect.gen(function*() {
    const profile = profiles.get(name) ?? {}
    const session = profile["sso_session"]
    const signOn = session === undefined ? profile : profiles.get(`sso-session ${session}`) ?? {}
    const { sso_account_id: account, sso_role_name: role } = profile
    const { sso_region: region, sso_start_url: start } = signOn
    const refuse = (reason: string) =>
      new Unauthorized({ host: `the single sign-on of profile ${name}`, store: true, reason })
    if (account === undefined || role === undefined || region === undefined || start === undefined) {
      return yield* refuse(
        session !== undefined && !profiles.has(`sso-session ${session}`)
          ? `there is no section [sso-session ${session}]`
          : "it needs sso_account_id, sso_role_name, sso_region and sso_start_url"
      )
    }
    const again = `run aws sso login --profile ${name}`
    const file = join(
      homedir(),
      ".aws",
      "sso",
      "cache",
      `${createHash("sha1").update(session ?? start).digest("hex")}.json`
    )
    const text = yield* Effect.tryPromise({
      try: () => readFile(file, "utf8"),
      catch: () => refuse(`there is no token in ${file}; ${again}`)
    })
    const { token, until } = tokenIn(text)
    if (token === undefined || !/^[\x21-\x7e]+$/u.test(token)) return yield* refuse(`${file} has no token; ${again}`)
    if (!(until > (yield* Clock.currentTimeMillis))) return yield* refuse(`its token has ended; ${again}`)
    const portal = yield* Effect.fromResult(
      urlOf(env.AWS_ENDPOINT_URL_SSO ?? `https://${awsHost("portal.sso", region)}`)
    )
    const url = new URL("federation/credentials", portal)
    url.search = new URLSearchParams({ role_name: role, account_id: account }).toString()
    const headers = { "x-amz-sso_bearer_token": token }
    const answer = yield* ask({ url, headers, operation, millis: 10_000, tries: 3 }).pipe(
      Effect.catchTag("Unauthorized", ({ host, reason }) =>
        Effect.fail(
          new Unauthorized({
            host,
            store: true,
            reason: `${reason}; to sign on anew, ${again}`
          })
        ))
    )
    const json = Result.getOrUndefined(readJson(Buffer.from(answer)))
    const lent = isJsonObject(json) ? fieldOf(json, "roleCredentials") : undefined
    const keys = keysOf(textIn(lent, "accessKeyId"), textIn(lent, "secretAccessKey"), textIn(lent, "sessionToken"))
    const expiration = isJsonObject(lent) ? fieldOf(lent, "expiration") : undefined
    return lentOf(keys, typeof expiration === "number" ? expiration : undefined) ??
      (yield* wrongAnswer(url.host, operation, "its answer has no keys"))
  })
