/** Endpoint, region and keys as the AWS tools take them: from the environment, from profiles, and from services that lend keys. */
import { Effect } from "effect"
import { HttpClient } from "effect/http/HttpClient"
import { Unauthorized } from "../../oci/OciError.ts"
import { byContainer } from "./keys/container.ts"
import { byInstance, instanceService, isDisabled } from "./keys/instance.ts"
import { keysOf, type KeySource, shared } from "./keys/Lent.ts"
import { byProcess } from "./keys/process.ts"
import { findSettings, type Profile, type Settings } from "./keys/settings.ts"
import { bySignOn, hasSignOn } from "./keys/singleSignOn.ts"
import { byRole, byWebIdentity, stsOf } from "./keys/sts.ts"
import type { StoreFault } from "./ObjectStore.ts"
import type { Keys } from "./sign.ts"

/** How a store is reached. */
export interface Access {
  /** Keys that hold now; asked for again before they end. */
  readonly keys: Effect.Effect<Keys, StoreFault>
  /** `us-east-1` by default. */
  readonly region: string
  /** Another store than AWS. */
  readonly endpoint?: string | undefined
}

/** @param host what is to be opened, as failures tell of it */
export const findAccess = Effect.fnUntraced(function*(host: string): Effect.fn.Return<Access, never, HttpClient> {
  const settings = yield* findSettings
  const { env, profileName, profiles, region } = settings
  const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL ?? profiles.get(profileName)?.["endpoint_url"]
  const source = sourceIn(settings, (reason) => Effect.fail(new Unauthorized({ host, store: true, reason })))
  return { keys: Effect.provideService(source, HttpClient, yield* HttpClient), region, endpoint }
})

type Refuse = (reason: string) => KeySource

/** The first that is there, in the order of the AWS command line. */
const sourceIn = (settings: Settings, refuse: Refuse): KeySource => {
  const { env, files, profileName, profiles } = settings
  const file = env.AWS_WEB_IDENTITY_TOKEN_FILE
  return inEnvironment(settings, refuse) ??
    (file === undefined
      ? undefined
      : webIdentity(settings, refuse, file, env.AWS_ROLE_ARN, env.AWS_ROLE_SESSION_NAME)) ??
    inProfile(settings, refuse, profileName, []) ??
    (env.AWS_PROFILE !== undefined && !profiles.has(profileName)
      ? refuse(`there is no profile ${profileName} in ${files.join(" or ")}`)
      : undefined) ??
    inContainer(settings) ??
    inInstance(settings, refuse)
}

const inEnvironment = ({ env }: Settings, refuse: Refuse): KeySource | undefined => {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = env
  if ((id === undefined) !== (secret === undefined)) {
    return refuse("of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set")
  }
  const keys = keysOf(id, secret, env.AWS_SESSION_TOKEN)
  return keys === undefined ? undefined : Effect.succeed(keys)
}

const webIdentity = (
  settings: Settings,
  refuse: Refuse,
  file: string,
  arn: string | undefined,
  session: string | undefined
): KeySource => {
  if (arn === undefined) return refuse(`there is a token of a web identity in ${file}, and no role: set AWS_ROLE_ARN`)
  const url = stsOf(settings)
  return shared(["web identity", url, arn, session, file], byWebIdentity(url, { arn, session }, file))
}

/** @param before the profiles that have led to this one */
const inProfile = (
  settings: Settings,
  refuse: Refuse,
  name: string,
  before: ReadonlyArray<string>
): KeySource | undefined => {
  const profile = settings.profiles.get(name)
  if (profile === undefined) return undefined
  const arn = profile["role_arn"]
  const file = profile["web_identity_token_file"]
  if (file !== undefined) return webIdentity(settings, refuse, file, arn, profile["role_session_name"])
  const fixed = keysOf(profile["aws_access_key_id"], profile["aws_secret_access_key"], profile["aws_session_token"])
  // A profile may be the source of its own role.
  if (arn !== undefined && before.at(-1) !== name) return inRole(settings, refuse, name, arn, profile, before)
  if (hasSignOn(profile)) return shared(["sign-on", name, ...settings.files], bySignOn(settings, name))
  if (fixed !== undefined) return Effect.succeed(fixed)
  const command = profile["credential_process"]
  return command === undefined ? undefined : shared(["process", name, command], byProcess(name, command))
}

const inRole = (
  settings: Settings,
  refuse: Refuse,
  name: string,
  arn: string,
  profile: Profile,
  before: ReadonlyArray<string>
): KeySource => {
  const source = profile["source_profile"]
  const place = profile["credential_source"]
  if (profile["mfa_serial"] !== undefined) return refuse(`the role of profile ${name} asks for a code of a device`)
  if (source !== undefined && before.includes(source)) {
    return refuse(`profile ${name} leads to itself by source_profile`)
  }
  const from = source === undefined
    ? place === undefined ? undefined : inPlace(settings, refuse, place)
    : inProfile(settings, refuse, source, [...before, name])
  if (from === undefined) {
    return refuse(
      source === undefined
        ? `profile ${name} has a role, and no source_profile or credential_source that may take it`
        : `profile ${source}, which profile ${name} takes its role by, has no keys`
    )
  }
  const url = stsOf(settings)
  const session = profile["role_session_name"]
  return shared(
    ["role", name, url, arn, session, ...settings.files],
    byRole(url, { arn, session }, profile["external_id"], settings.region, from)
  )
}

/** As `credential_source` names it. */
const inPlace = (settings: Settings, refuse: Refuse, place: string): KeySource | undefined => {
  switch (place) {
    case "Environment":
      return inEnvironment(settings, refuse)
    case "EcsContainer":
      return inContainer(settings)
    case "Ec2InstanceMetadata":
      return inInstance(settings, refuse)
    default:
      return undefined
  }
}

const inContainer = ({ env }: Settings): KeySource | undefined => {
  const where = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI ?? env.AWS_CONTAINER_CREDENTIALS_FULL_URI
  return where === undefined ? undefined : shared(["container", where], byContainer(env))
}

/** The last one: what it cannot say is told with all that was looked for before. */
const inInstance = ({ env, files, profileName }: Settings, refuse: Refuse): KeySource => {
  const sought = "no keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_WEB_IDENTITY_TOKEN_FILE and " +
    `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI are not set, profile ${profileName} in ${files.join(" and ")} has none`
  if (isDisabled(env)) return refuse(`${sought}, and AWS_EC2_METADATA_DISABLED is set`)
  return shared(["instance", instanceService(env)], byInstance(env)).pipe(
    Effect.catch(({ message }) => refuse(`${sought}, and this is no instance that has some: ${message}`))
  )
}
