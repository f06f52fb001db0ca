/** The files that containers-registries.conf(5) speaks of: which they are, and what they say together. */
import { Effect } from "effect"
import { open, readdir } from "node:fs/promises"
import { join } from "node:path"
import { errnoInWords, errnoOf } from "../../oci/errno.ts"
import { RegistriesConfInvalid } from "../../oci/OciError.ts"
import { entriesIn } from "./parseRegistriesConf.ts"
import type { RegistriesConf, RegistryEntry } from "./RegistriesConf.ts"

/** The surroundings that say where the files are. */
export interface ConfSurroundings {
  /** The environment; `process.env` as a rule. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home directory. */
  readonly home: string
  /** Where the files of the whole machine are; `/etc/containers` by default. */
  readonly system?: string
}

const fileBytes = 1024 * 1024

/**
 * What registries.conf says, as podman reads it: the file that `$CONTAINERS_REGISTRIES_CONF` names, or else that of the user
 * below `$XDG_CONFIG_HOME/containers`, or else that in `/etc/containers`; then the `*.conf` in the folders `registries.conf.d`
 * of the machine and of the user, each in the order of names. The user's file hides the folder of the machine. An entry replaces
 * one of an earlier file that has the same prefix. Files that are not there say nothing, but for one that is named.
 * `RegistriesConfInvalid`.
 */
export const readRegistriesConf = Effect.fn("readRegistriesConf")(function*(
  { env, home, system = "/etc/containers" }: ConfSurroundings
): Effect.fn.Return<RegistriesConf, RegistriesConfInvalid> {
  const stated = (name: string) => env[name] === "" ? undefined : env[name]
  const own = join(stated("XDG_CONFIG_HOME") ?? join(home, ".config"), "containers")
  const named = stated("CONTAINERS_REGISTRIES_CONF")
  const [users, machines] = [own, system].map((folder) => join(folder, "registries.conf"))
  const first = named === undefined ? yield* fileEntries(users ?? "", true) : yield* fileEntries(named, false)
  const hides = named === undefined && first !== undefined
  const main = first ?? (yield* fileEntries(machines ?? "", true)) ?? []
  const entries = new Map<string, RegistryEntry>(main.map((entry) => [entry.prefix, entry]))
  for (const folder of hides ? [own] : [system, own]) {
    for (const file of yield* dropIns(join(folder, "registries.conf.d"))) {
      for (const entry of (yield* fileEntries(file, true)) ?? []) entries.set(entry.prefix, entry)
    }
  }
  return Array.from(entries.values())
})

const dropIns = (folder: string): Effect.Effect<ReadonlyArray<string>, RegistriesConfInvalid> =>
  Effect.tryPromise(() => readdir(folder, { withFileTypes: true })).pipe(
    Effect.catch(({ cause }) =>
      isGone(cause) ? Effect.succeed([]) : Effect.fail(invalid(folder, "", errnoInWords(errnoOf(cause))))
    ),
    Effect.map((found) =>
      found.filter((one) => one.name.endsWith(".conf") && !one.isDirectory()).map(({ name }) => join(folder, name))
        .toSorted()
    )
  )

/** The entries of a file; nothing where it is not there, and need not be. */
const fileEntries = Effect.fnUntraced(function*(
  file: string,
  mayLack: boolean
): Effect.fn.Return<ReadonlyArray<RegistryEntry> | undefined, RegistriesConfInvalid> {
  const text = yield* Effect.tryPromise(() => textOf(file)).pipe(
    Effect.catch(({ cause }) =>
      mayLack && isGone(cause)
        ? Effect.undefined
        : Effect.fail(invalid(file, "", cause instanceof TypeError ? "it is not UTF-8" : errnoInWords(errnoOf(cause))))
    )
  )
  if (text === undefined) return undefined
  if (text === tooLarge) return yield* invalid(file, "", `it has more than ${fileBytes} bytes`)
  // Loaded when there is something to read: most machines have nothing but comments in these files.
  if (text.replaceAll(/#.*/gu, "").trim() === "") return []
  const { parse, TomlError } = yield* Effect.promise(() => import("smol-toml"))
  const document = yield* Effect.try({
    try: (): unknown => parse(text),
    catch: (cause) => {
      if (!(cause instanceof TomlError)) throw cause
      const [reason = ""] = cause.message.split("\n")
      return invalid(file, `line ${cause.line}, column ${cause.column}`, reason)
    }
  })
  return yield* Effect.fromResult(entriesIn(file, document))
})

const tooLarge = Symbol("tooLarge")

const textOf = async (file: string): Promise<string | typeof tooLarge> => {
  const handle = await open(file)
  try {
    const bytes = Buffer.alloc(fileBytes + 1)
    let length = 0
    while (length < bytes.length) {
      const { bytesRead } = await handle.read(bytes, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return length > fileBytes ? tooLarge : new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length))
  } finally {
    await handle.close()
  }
}

const invalid = (path: string, place: string, reason: string) => new RegistriesConfInvalid({ path, place, reason })

const isGone = (cause: unknown): boolean => ["ENOENT", "ENOTDIR"].includes(errnoOf(cause) ?? "")
