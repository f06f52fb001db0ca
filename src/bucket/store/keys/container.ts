/** Keys that a container is lent by the host that runs it: ECS, EKS Pod Identity, and what does the same. */
import { Effect, Result } from "effect"
import { readFile } from "node:fs/promises"
import { readJson } from "../../../oci/Json.ts"
import { Unauthorized } from "../../../oci/OciError.ts"
import { isLoopback } from "../../../remote/wire/Host.ts"
import { wrongAnswer } from "../../../remote/wire/problems.ts"
import { ask } from "./ask.ts"
import { type Lender, lentIn } from "./Lent.ts"
import type { Environment } from "./settings.ts"

const operation = "asking for the keys of this container"

const ofEcs = "http://169.254.170.2"
/** Where plain HTTP leaves the machine for no other one. */
const hosts = new Set(["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"])

const refuse = (host: string, reason: string) => new Unauthorized({ host, store: true, reason })

/** Where it is to ask, or why it must not. */
const urlOf = (env: Environment): Result.Result<URL, Unauthorized> => {
  const relative = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
  if (relative !== undefined) {
    return relative.startsWith("/") && URL.canParse(ofEcs + relative)
      ? Result.succeed(new URL(ofEcs + relative))
      : Result.fail(refuse(ofEcs, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with a slash"))
  }
  const variable = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
  const full = env[variable] ?? ""
  if (!URL.canParse(full)) return Result.fail(refuse(variable, "it is no URL"))
  const url = new URL(full)
  const isNear = url.protocol === "http:" && (hosts.has(url.hostname) || isLoopback(url.hostname))
  if (url.protocol === "https:" || isNear) return Result.succeed(url)
  return Result.fail(
    refuse(
      url.host,
      `${variable} may be HTTPS; plain HTTP only to this machine, 169.254.170.2, 169.254.170.23 or fd00:ec2::23`
    )
  )
}

/** The file wins over the variable, and is read whenever keys are asked for. */
const authorization = Effect.fnUntraced(function*(
  env: Environment,
  host: string
): Effect.fn.Return<Readonly<Record<string, string>>, Unauthorized> {
  const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
  const token = file === undefined
    ? env.AWS_CONTAINER_AUTHORIZATION_TOKEN
    : yield* Effect.tryPromise({
      try: () => readFile(file, "utf8"),
      catch: () => refuse(host, `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: ${file} cannot be read`)
    })
  if (token === undefined) return {}
  const trimmed = token.trim()
  return /^[\x20-\x7e]+$/u.test(trimmed)
    ? { authorization: trimmed }
    : yield* refuse(host, "its authorization token is empty, or has more than one line")
})

export const byContainer = (env: Environment): Lender =>
  Effect.gen(function*() {
    const url = yield* Effect.fromResult(urlOf(env))
    const headers = yield* authorization(env, url.host)
    const text = yield* ask({
      url,
      headers: { ...headers, accept: "application/json" },
      operation,
      millis: 2000,
      tries: 3
    })
    return lentIn(Result.getOrUndefined(readJson(Buffer.from(text))), "Token") ??
      (yield* wrongAnswer(url.host, operation, "its answer has no keys"))
  })
