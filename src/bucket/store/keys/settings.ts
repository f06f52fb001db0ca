/** What the AWS tools are told: variables of the environment, and files of profiles. */
import { Config, Effect, Option, Result } from "effect"
import { readFile } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import type { RemoteError } from "../../../oci/OciError.ts"
import { wrongAnswer } from "../../../remote/wire/problems.ts"

const names = [
  "AWS_ACCESS_KEY_ID",
  "AWS_CONFIG_FILE",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_DEFAULT_REGION",
  "AWS_EC2_METADATA_DISABLED",
  "AWS_EC2_METADATA_SERVICE_ENDPOINT",
  "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
  "AWS_ENDPOINT_URL",
  "AWS_ENDPOINT_URL_S3",
  "AWS_ENDPOINT_URL_SSO",
  "AWS_ENDPOINT_URL_STS",
  "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
  "AWS_METADATA_SERVICE_TIMEOUT",
  "AWS_PROFILE",
  "AWS_REGION",
  "AWS_ROLE_ARN",
  "AWS_ROLE_SESSION_NAME",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_SHARED_CREDENTIALS_FILE",
  "AWS_STS_REGIONAL_ENDPOINTS",
  "AWS_WEB_IDENTITY_TOKEN_FILE"
] as const

/** The variables that are set, and not to nothing. */
export type Environment = Readonly<Partial<Record<(typeof names)[number], string>>>

export type Profile = Readonly<Record<string, string>>

export interface Settings {
  readonly env: Environment
  /** The one that is meant. */
  readonly profileName: string
  /** By name; sections of other kinds as they are written, such as `sso-session work`. */
  readonly profiles: ReadonlyMap<string, Profile>
  /** Where profiles were looked for. */
  readonly files: ReadonlyArray<string>
  readonly region: string
}

/** The sections of an AWS configuration file, by name; `profile dev` is `dev`. */
const readProfiles = (text: string): ReadonlyMap<string, Profile> => {
  const profiles = new Map<string, Record<string, string>>()
  let current: Record<string, string> | undefined
  for (const line of text.split(/\r?\n/u)) {
    const [, section] = /^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]/u.exec(line) ?? []
    if (section !== undefined) {
      const name = section.replaceAll(/\s+/gu, " ")
      current = profiles.get(name) ?? {}
      profiles.set(name, current)
      continue
    }
    // What is indented belongs to the setting before it.
    const [, name, value] = /^([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$/u.exec(line) ?? []
    if (current !== undefined && name !== undefined) current[name.toLowerCase()] = value ?? ""
  }
  return profiles
}

/** A file that is not there, or that this user may not read, has no profiles. */
const profilesIn = (path: string): Effect.Effect<ReadonlyMap<string, Profile>> =>
  Effect.tryPromise(() => readFile(path, "utf8")).pipe(
    Effect.map(readProfiles),
    Effect.orElseSucceed((): ReadonlyMap<string, Profile> => new Map())
  )

const environment: Effect.Effect<Environment> = Effect.gen(function*() {
  const found: Partial<Record<(typeof names)[number], string>> = {}
  for (const name of names) {
    const value = Option.getOrElse(yield* Config.option(Config.String(name)), () => "")
    if (value !== "") found[name] = value
  }
  return found
}).pipe(Effect.orDie)

export const findSettings: Effect.Effect<Settings> = Effect.gen(function*() {
  const env = yield* environment
  const folder = join(homedir(), ".aws")
  const files = [
    env.AWS_CONFIG_FILE ?? join(folder, "config"),
    env.AWS_SHARED_CREDENTIALS_FILE ?? join(folder, "credentials")
  ]
  const profiles = new Map<string, Profile>()
  for (const found of yield* Effect.forEach(files, profilesIn)) {
    for (const [name, profile] of found) profiles.set(name, { ...profiles.get(name), ...profile })
  }
  const profileName = env.AWS_PROFILE ?? "default"
  const region = env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? profiles.get(profileName)?.["region"] ?? "us-east-1"
  return { env, profileName, profiles, files, region }
})

/** An address that a setting gives, with a slash at its end. */
export const urlOf = (text: string): Result.Result<URL, RemoteError> =>
  /^https?:\/\//iu.test(text) && URL.canParse(text)
    ? Result.succeed(new URL(`${text.replace(/\/+$/u, "")}/`))
    : Result.fail(wrongAnswer(text, "as an endpoint", "it is no URL that begins with http:// or https://"))

/** A host of AWS. */
export const awsHost = (service: string, region: string): string =>
  `${service}.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`
