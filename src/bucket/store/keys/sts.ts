/** Keys of a role, as AWS's Security Token Service lends them: for a token of another identity, or for other keys. */
import { Clock, Effect } from "effect"
import { readFile } from "node:fs/promises"
import { Unauthorized } from "../../../oci/OciError.ts"
import { wrongAnswer } from "../../../remote/wire/problems.ts"
import { sign } from "../sign.ts"
import { textOf } from "../xml.ts"
import { ask, formType } from "./ask.ts"
import { keysOf, type KeySource, type Lender, lentOf } from "./Lent.ts"
import { awsHost, type Settings, urlOf } from "./settings.ts"

export interface Role {
  readonly arn: string
  /** What logs of AWS call who has it. */
  readonly session: string | undefined
}

const operation = "asking for the keys of a role"

/** Regions whose keys the one old endpoint lends as well. */
const oldRegions = new Set(
  ("ap-northeast-1 ap-south-1 ap-southeast-1 ap-southeast-2 aws-global ca-central-1 eu-central-1 eu-north-1 eu-west-1 " +
    "eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2").split(" ")
)

/** Another store than AWS commonly lends keys where it has its objects. */
export const stsOf = ({ env, profileName, profiles, region }: Settings): string => {
  const profile = profiles.get(profileName)
  const endpoint = env.AWS_ENDPOINT_URL_STS ?? env.AWS_ENDPOINT_URL ?? profile?.["endpoint_url"]
  if (endpoint !== undefined) return endpoint
  const kind = env.AWS_STS_REGIONAL_ENDPOINTS ?? profile?.["sts_regional_endpoints"]
  const isOld = kind?.toLowerCase() === "legacy" && oldRegions.has(region)
  return `https://${isOld ? "sts.amazonaws.com" : awsHost("sts", region)}`
}

const lend = Effect.fnUntraced(function*(
  address: string,
  action: string,
  { arn, session }: Role,
  more: Readonly<Record<string, string>>,
  signed?: { readonly source: KeySource; readonly region: string }
) {
  const url = yield* Effect.fromResult(urlOf(address))
  const now = yield* Clock.currentTimeMillis
  const body = new URLSearchParams({
    Action: action,
    Version: "2011-06-15",
    RoleArn: arn,
    RoleSessionName: session ?? `ocilayout-${now}`,
    ...more
  }).toString()
  const headers = { "content-type": formType }
  const bytes = new Uint8Array(Buffer.from(body))
  const text = yield* ask(
    {
      method: "POST",
      url,
      body,
      operation,
      millis: 10_000,
      tries: 3,
      headers: signed === undefined
        ? headers
        : sign({ method: "POST", url, headers, body: bytes, date: now }, yield* signed.source, signed.region, "sts")
    },
    (xml) => textOf(xml, "Code") ?? ""
  )
  const keys = keysOf(textOf(text, "AccessKeyId"), textOf(text, "SecretAccessKey"), textOf(text, "SessionToken"))
  return lentOf(keys, textOf(text, "Expiration")) ?? (yield* wrongAnswer(url.host, operation, "its answer has no keys"))
})

/** @param file has the token, and another one in time: it is read whenever keys are asked for */
export const byWebIdentity = (address: string, role: Role, file: string): Lender =>
  Effect.gen(function*() {
    const told = (reason: string) =>
      new Unauthorized({ host: address, store: true, reason: `the token in ${file} ${reason}` })
    const text = yield* Effect.tryPromise({
      try: () => readFile(file, "utf8"),
      catch: () => told("cannot be read")
    })
    const token = text.trim()
    if (token === "" || token.length > 65_536) return yield* told("is empty or too long")
    return yield* lend(address, "AssumeRoleWithWebIdentity", role, { WebIdentityToken: token })
  })

/** @param source has the keys that may take the role */
export const byRole = (
  address: string,
  role: Role,
  externalId: string | undefined,
  region: string,
  source: KeySource
): Lender =>
  lend(address, "AssumeRole", role, externalId === undefined ? {} : { ExternalId: externalId }, { source, region })
