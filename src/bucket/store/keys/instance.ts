/** Keys of the role of a virtual machine of EC2, by version 2 of its metadata service: nothing is read without its token. */
import { Effect, Result } from "effect"
import { readJson } from "../../../oci/Json.ts"
import { wrongAnswer } from "../../../remote/wire/problems.ts"
import { encodePart } from "../sign.ts"
import { ask } from "./ask.ts"
import { type Lender, lentIn } from "./Lent.ts"
import { type Environment, urlOf } from "./settings.ts"

const operation = "asking for the keys of this instance"
const path = "latest/meta-data/iam/security-credentials/"

export const isDisabled = (env: Environment): boolean => env.AWS_EC2_METADATA_DISABLED?.toLowerCase() === "true"

/** Where that service is: at an address that is the same on every machine. */
export const instanceService = (env: Environment): string =>
  env.AWS_EC2_METADATA_SERVICE_ENDPOINT ??
    (env.AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE?.toLowerCase() === "ipv6"
      ? "http://[fd00:ec2::254]"
      : "http://169.254.169.254")

/** A setting that is no number above zero says nothing. */
const numberOf = (text: string | undefined, otherwise: number): number => {
  const number = Number(text)
  return number > 0 && number <= 60 ? number : otherwise
}

export const byInstance = (env: Environment): Lender =>
  Effect.gen(function*() {
    const base = yield* Effect.fromResult(urlOf(instanceService(env)))
    const common = {
      operation,
      millis: 1000 * numberOf(env.AWS_METADATA_SERVICE_TIMEOUT, 1),
      tries: Math.ceil(numberOf(env.AWS_METADATA_SERVICE_NUM_ATTEMPTS, 1))
    }
    const token = yield* ask({
      ...common,
      method: "PUT",
      url: new URL("latest/api/token", base),
      headers: { "x-aws-ec2-metadata-token-ttl-seconds": "21600" }
    })
    const headers = { "x-aws-ec2-metadata-token": token.trim() }
    const roles = yield* ask({ ...common, url: new URL(path, base), headers })
    const [role = ""] = roles.trim().split(/\s+/u)
    if (!/^[\w+=,.@-]{1,128}$/u.test(role)) return yield* wrongAnswer(base.host, operation, "it names no role")
    const text = yield* ask({ ...common, url: new URL(path + encodePart(role), base), headers })
    return lentIn(Result.getOrUndefined(readJson(Buffer.from(text))), "Token") ??
      (yield* wrongAnswer(base.host, operation, `its answer has no keys of the role ${role}`))
  })
