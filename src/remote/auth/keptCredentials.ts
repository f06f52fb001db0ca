/** Who asks, as other tools have kept it: read, and changed by a login and a logout. */
import { Effect, Redacted, Result } from "effect"
import { randomUUID } from "node:crypto"
import { mkdir, open, readFile, realpath, rename, rm } from "node:fs/promises"
import { dirname } from "node:path"
import type { JsonObject } from "../../oci/Descriptor.ts"
import { errnoOf } from "../../oci/errno.ts"
import { readJson } from "../../oci/Json.ts"
import { type StorageError, Unauthorized } from "../../oci/OciError.ts"
import { storageErrorOf } from "../../oci/storageErrorOf.ts"
import {
  authFiles,
  type AuthSurroundings,
  entryFor,
  helperFor,
  keyOf,
  readDocument,
  withEntry,
  writtenFile
} from "./authFile.ts"
import type { Credentials } from "./Credential.ts"
import { askHelper, forgetByHelper, tellHelper } from "./helper.ts"

const fileBytes = 4 * 1024 * 1024

/**
 * The credentials that Docker, podman and their like keep: `$REGISTRY_AUTH_FILE` alone where it is set, and else
 * `containers/auth.json` of the session and of the user, and Docker's `config.json`, with the credential helpers that they
 * name. `Unauthorized` where a file is no JSON or a helper fails; a file that is not there says nothing.
 */
export const keptCredentials = (surroundings: AuthSurroundings): Credentials =>
  Effect.fnUntraced(function*(host, repository) {
    for (const file of authFiles(surroundings)) {
      const document = yield* readFileOf(host, file)
      if (document === undefined) continue
      const helper = helperFor(document, host)
      const kept = helper === undefined ? undefined : yield* askHelper(surroundings.env, host, helper, keyOf(host))
      const found = kept ?? entryFor(document, host, repository)
      if (found !== undefined) return found
    }
    return undefined
  })

/** Where a login was kept, or forgotten. */
export interface Kept {
  /** A file, or the name of a helper. */
  readonly place: string
}

/** Keeps a login in the file that other tools read, or with the helper that it names; all else in the file stays. */
export const keepLogin = Effect.fnUntraced(function*(
  surroundings: AuthSurroundings,
  host: string,
  username: string,
  password: Redacted.Redacted
): Effect.fn.Return<Kept, StorageError | Unauthorized> {
  const file = writtenFile(surroundings)
  const document = (yield* readFileOf(host, file)) ?? {}
  const helper = helperFor(document, host)
  if (helper !== undefined) {
    yield* tellHelper(surroundings.env, host, helper, keyOf(host), username, password)
    yield* writeFileOf(file, withEntry(document, host, {}))
    return { place: `docker-credential-${helper}` }
  }
  const auth = Buffer.from(`${username}:${Redacted.value(password)}`).toString("base64")
  yield* writeFileOf(file, withEntry(document, host, { auth }))
  return { place: file }
})

/** Forgets a login wherever one is kept; where it was. */
export const forgetLogin = Effect.fnUntraced(function*(
  surroundings: AuthSurroundings,
  host: string
): Effect.fn.Return<ReadonlyArray<Kept>, StorageError | Unauthorized> {
  const places: Array<Kept> = []
  for (const file of authFiles(surroundings)) {
    const document = yield* readFileOf(host, file)
    if (document === undefined) continue
    const helper = helperFor(document, host)
    if (helper !== undefined && (yield* askHelper(surroundings.env, host, helper, keyOf(host))) !== undefined) {
      yield* forgetByHelper(surroundings.env, host, helper, keyOf(host))
      places.push({ place: `docker-credential-${helper}` })
    }
    const without = withEntry(document, host, undefined)
    if (JSON.stringify(without["auths"]) === JSON.stringify(document["auths"] ?? {})) continue
    yield* writeFileOf(file, without)
    places.push({ place: file })
  }
  return places
})

const readFileOf = Effect.fnUntraced(function*(
  host: string,
  file: string
): Effect.fn.Return<JsonObject | undefined, StorageError | Unauthorized> {
  const bytes = yield* stored("read", file, () =>
    readFile(file).catch((error: unknown) => {
      if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined
      throw error
    }))
  // An empty file is what a tool leaves that was cut short, and what podman reads as one without logins.
  if (bytes === undefined || bytes.length === 0) return undefined
  if (bytes.length > fileBytes) return yield* new Unauthorized({ host, reason: `${file} is too large` })
  const document = readDocument(readJson(bytes))
  return Result.isSuccess(document)
    ? document.success
    // What is wrong with it would be told with a part of it.
    : yield* new Unauthorized({ host, reason: `${file} is no JSON object` })
})

/** Whole or not at all, and readable by its owner alone; a link to the file stays one. */
const writeFileOf = (file: string, document: JsonObject): Effect.Effect<void, StorageError> =>
  stored("write", file, async () => {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    const target = await realpath(file).catch((error: unknown) => {
      if (errnoOf(error) === "ENOENT") return file
      throw error
    })
    const temporary = `${target}.${randomUUID()}`
    try {
      const handle = await open(temporary, "wx", 0o600)
      try {
        await handle.writeFile(`${JSON.stringify(document, undefined, "\t")}\n`)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(temporary, target)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  })

const stored = <A>(operation: string, path: string, work: () => Promise<A>): Effect.Effect<A, StorageError> =>
  Effect.tryPromise({
    try: work,
    catch: (cause) => storageErrorOf(operation, path, cause)
  })
