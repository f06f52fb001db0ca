/** Files in which Docker, podman, skopeo, oras, crane and regctl keep who asks: where they are, and what they say. */
import { Redacted, Result } from "effect"
import { join } from "node:path"
import { fieldOf, isJsonObject, type Json, type JsonObject } from "../../oci/Descriptor.ts"
import type { Credential } from "./Credential.ts"

/** The surroundings that say where the files are. */
export interface AuthSurroundings {
  /** The environment; `process.env` as a rule. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home directory. */
  readonly home: string
}

/** The files to read, in this order; the first that knows the registry is believed (containers-auth.json(5)). */
export const authFiles = ({ env, home }: AuthSurroundings): ReadonlyArray<string> => {
  const only = env["REGISTRY_AUTH_FILE"]
  if (only !== undefined && only !== "") return [only]
  const runtime = env["XDG_RUNTIME_DIR"]
  return [
    ...(runtime === undefined || runtime === "" ? [] : [join(runtime, "containers/auth.json")]),
    join(env["XDG_CONFIG_HOME"] ?? join(home, ".config"), "containers/auth.json"),
    dockerFile({ env, home })
  ]
}

/** The file that a login writes to. */
export const writtenFile = (surroundings: AuthSurroundings): string => {
  const only = surroundings.env["REGISTRY_AUTH_FILE"]
  return only !== undefined && only !== "" ? only : dockerFile(surroundings)
}

const dockerFile = ({ env, home }: AuthSurroundings): string =>
  join(env["DOCKER_CONFIG"] ?? join(home, ".docker"), "config.json")

/** Where Docker keeps what is for Docker Hub. */
const hubKey = "https://index.docker.io/v1/"
const hubNames = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"])

/** The key of a registry as a login writes it, and as helpers are asked. */
export const keyOf = (host: string): string => hubNames.has(host) ? hubKey : host

/** A key without what tools write around it. */
const bare = (key: string): string => {
  const name = key.replace(/^https?:\/\//u, "").replace(/\/(?:v[12]\/?)?$/u, "")
  return hubNames.has(name) ? "docker.io" : name
}

/** The keys of an object that are about a registry, those for this very repository first. */
export const keysFor = (entries: JsonObject, host: string, repository?: string): ReadonlyArray<string> => {
  const own = bare(host)
  const names = [own]
  for (const part of repository?.split("/") ?? []) names.unshift(`${names[0] ?? ""}/${part}`)
  const keys = Object.keys(entries)
  return names.flatMap((name) => keys.filter((key) => bare(key) === name))
}

export const objectIn = (document: JsonObject, key: string): JsonObject => {
  const found = fieldOf(document, key)
  return isJsonObject(found) ? found : {}
}

/** The helper that keeps what is for a registry; its name becomes part of a command, and so is no path. */
export const helperFor = (document: JsonObject, host: string): string | undefined => {
  const helpers = objectIn(document, "credHelpers")
  const [key] = keysFor(helpers, host)
  const name = key === undefined ? fieldOf(document, "credsStore") : fieldOf(helpers, key)
  return typeof name === "string" && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/u.test(name) ? name : undefined
}

/** What a file says of a registry itself. */
export const entryFor = (document: JsonObject, host: string, repository?: string): Credential | undefined => {
  const auths = objectIn(document, "auths")
  for (const key of keysFor(auths, host, repository)) {
    const entry = fieldOf(auths, key)
    const credential = isJsonObject(entry) ? credentialIn(entry) : undefined
    if (credential !== undefined) return credential
  }
  return undefined
}

const text = (value: Json | undefined): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined

const credentialIn = (entry: JsonObject): Credential | undefined => {
  const identity = text(fieldOf(entry, "identitytoken"))
  if (identity !== undefined) return { _tag: "IdentityToken", token: Redacted.make(identity) }
  const registry = text(fieldOf(entry, "registrytoken"))
  if (registry !== undefined) return { _tag: "RegistryToken", token: Redacted.make(registry) }
  const encoded = text(fieldOf(entry, "auth"))
  if (encoded !== undefined) {
    // Docker ends it with zeros where it was padded by them.
    const decoded = Buffer.from(encoded, "base64").toString("utf8").replace(/\0+$/u, "")
    const colon = decoded.indexOf(":")
    if (colon > 0) return passwordOf(decoded.slice(0, colon), decoded.slice(colon + 1))
  }
  const username = text(fieldOf(entry, "username"))
  const password = text(fieldOf(entry, "password"))
  return username === undefined || password === undefined ? undefined : passwordOf(username, password)
}

/** Docker writes an identity token as the password of a user that cannot be. */
export const passwordOf = (username: string, password: string): Credential =>
  username === "<token>"
    ? { _tag: "IdentityToken", token: Redacted.make(password) }
    : { _tag: "Password", username, password: Redacted.make(password) }

/** The document with a login in it, or without any; whatever else it says stays, in its order. */
export const withEntry = (document: JsonObject, host: string, entry: JsonObject | undefined): JsonObject => {
  const auths = objectIn(document, "auths")
  const gone = new Set(keysFor(auths, host))
  const kept = Object.entries(auths).filter(([key]) => !gone.has(key))
  const next: JsonObject = Object.fromEntries(entry === undefined ? kept : [...kept, [keyOf(host), entry]])
  return { ...document, auths: next }
}

export const readDocument = (parsed: Result.Result<Json, string>): Result.Result<JsonObject, string> =>
  Result.flatMap(parsed, (json) => isJsonObject(json) ? Result.succeed(json) : Result.fail("is no object"))
