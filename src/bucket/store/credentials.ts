/** Endpoint, region and keys as the AWS tools take them: from the environment, and from profiles. */
import { Config, Effect, Option, Result } from "effect"
import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { fieldOf, isJsonObject } from "../../oci/Descriptor.ts"
import { readJson } from "../../oci/Json.ts"
import { Unauthorized } from "../../oci/OciError.ts"
import type { Keys } from "./sign.ts"

/** How a store is reached. */
export interface Access {
  /** Keys that hold now; asked for again once they have expired. */
  readonly keys: Effect.Effect<Keys, Unauthorized>
  /** `us-east-1` by default. */
  readonly region: string
  /** Another store than AWS. */
  readonly endpoint?: string | undefined
}

type Profile = Readonly<Record<string, string>>

/** The sections of an AWS configuration file, by name; `profile dev` is `dev`. */
const readProfiles = (text: string): ReadonlyMap<string, Profile> => {
  const profiles = new Map<string, Record<string, string>>()
  let current: Record<string, string> | undefined
  for (const line of text.split(/\r?\n/u)) {
    const [, section] = /^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]/u.exec(line) ?? []
    if (section !== undefined) {
      current = profiles.get(section) ?? {}
      profiles.set(section, current)
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

const setting = (name: string): Effect.Effect<string | undefined> =>
  Effect.gen(function*() {
    const value = yield* Config.option(Config.String(name))
    return Option.getOrUndefined(Option.filter(value, (text) => text !== ""))
  }).pipe(Effect.orDie)

const refuse = (host: string, reason: string) => new Unauthorized({ host, store: true, reason })

/** @param host what is to be opened, as failures tell of it */
export const findAccess = Effect.fnUntraced(function*(host: string): Effect.fn.Return<Access> {
  const name = (yield* setting("AWS_PROFILE")) ?? "default"
  const folder = join(homedir(), ".aws")
  const files = [
    (yield* setting("AWS_CONFIG_FILE")) ?? join(folder, "config"),
    (yield* setting("AWS_SHARED_CREDENTIALS_FILE")) ?? join(folder, "credentials")
  ]
  const sections = (yield* Effect.forEach(files, profilesIn)).flatMap((all) => Object.entries(all.get(name) ?? {}))
  const profile: Profile = Object.fromEntries(sections)
  const region = (yield* setting("AWS_REGION")) ?? (yield* setting("AWS_DEFAULT_REGION")) ?? profile["region"]
  const endpoint = (yield* setting("AWS_ENDPOINT_URL_S3")) ?? (yield* setting("AWS_ENDPOINT_URL")) ??
    profile["endpoint_url"]
  const environment = {
    id: yield* setting("AWS_ACCESS_KEY_ID"),
    secret: yield* setting("AWS_SECRET_ACCESS_KEY"),
    token: yield* setting("AWS_SESSION_TOKEN")
  }
  const process = profile["credential_process"]
  const fixed = keysOf(environment.id, environment.secret, environment.token) ??
    keysOf(profile["aws_access_key_id"], profile["aws_secret_access_key"], profile["aws_session_token"])
  return {
    keys: fixed !== undefined
      ? Effect.succeed(fixed)
      : process !== undefined
      ? yield* kept(keysBy(host, process))
      : Effect.fail(
        refuse(host, "no keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile that has them")
      ),
    region: region ?? "us-east-1",
    endpoint
  }
})

const keysOf = (
  accessKeyId: string | undefined,
  secretAccessKey: string | undefined,
  sessionToken: string | undefined
): Keys | undefined =>
  accessKeyId === undefined || secretAccessKey === undefined
    ? undefined
    : { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }

interface Lent {
  readonly keys: Keys
  /** Milliseconds since 1970. */
  readonly until: number
}

/** Keys that expire within five minutes are asked for anew. */
const kept = (ask: Effect.Effect<Lent, Unauthorized>): Effect.Effect<Effect.Effect<Keys, Unauthorized>> =>
  Effect.sync(() => {
    let last: Lent | undefined
    return Effect.suspend(() =>
      last !== undefined && last.until - Date.now() > 300_000
        ? Effect.succeed(last.keys)
        : Effect.map(ask, (lent) => {
          last = lent
          return lent.keys
        })
    )
  })

/** What `credential_process` of a profile prints; single sign-on and roles are had by one too. */
const keysBy = (host: string, command: string): Effect.Effect<Lent, Unauthorized> =>
  Effect.gen(function*() {
    const [program = "", ...args] = command.match(/"[^"]*"|\S+/gu)?.map((word) => word.replaceAll("\"", "")) ?? []
    const failed = () => refuse(host, "credential_process of the profile does not print keys")
    const text = yield* Effect.tryPromise({
      try: () =>
        new Promise<string>((resolve, reject) =>
          execFile(program, args, { timeout: 60_000 }, (error, out) => error === null ? resolve(out) : reject(error))
        ),
      catch: failed
    })
    const told = Result.getOrUndefined(readJson(Buffer.from(text)))
    const field = (name: string): string | undefined => {
      const value = isJsonObject(told) ? fieldOf(told, name) : undefined
      return typeof value === "string" ? value : undefined
    }
    const keys = keysOf(field("AccessKeyId"), field("SecretAccessKey"), field("SessionToken"))
    if (keys === undefined) return yield* failed()
    const until = Date.parse(field("Expiration") ?? "")
    return { keys, until: Number.isNaN(until) ? Number.POSITIVE_INFINITY : until }
  })
