/** Reads the text of a registries.conf, which anybody may have written. */
import { Result } from "effect"
import { RegistriesConfInvalid } from "../../oci/OciError.ts"
import { hasHost, type MirrorEntry, type PullFromMirror, type RegistryEntry } from "./RegistriesConf.ts"

type Table = Readonly<Record<string, unknown>>

const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)

const pulls: ReadonlyArray<PullFromMirror> = ["all", "digest-only", "tag-only"]

/** The entries of a file whose TOML is read; the fields that are not about mirrors, blocks and places are passed over. */
export const entriesIn = (
  file: string,
  document: unknown
): Result.Result<ReadonlyArray<RegistryEntry>, RegistriesConfInvalid> => {
  const invalid = (place: string, reason: string) =>
    Result.fail(new RegistriesConfInvalid({ path: file, place, reason }))

  const tables = (place: string, value: unknown): Result.Result<ReadonlyArray<Table>, RegistriesConfInvalid> =>
    value === undefined
      ? Result.succeed([])
      : Array.isArray(value) && value.every(isTable)
      ? Result.succeed(value)
      : invalid(place, "has to be a list of tables, each below [[…]]")

  const text = (place: string, table: Table, key: string): Result.Result<string, RegistriesConfInvalid> => {
    const { [key]: value = "" } = table
    return typeof value === "string" ? Result.succeed(value) : invalid(`${place}, ${key}`, "has to be a text")
  }

  const flag = (place: string, table: Table, key: string): Result.Result<boolean, RegistriesConfInvalid> => {
    const { [key]: value = false } = table
    return typeof value === "boolean"
      ? Result.succeed(value)
      : invalid(`${place}, ${key}`, "has to be true or false")
  }

  const place = (where: string, table: Table, key: string) =>
    Result.flatMap(text(where, table, key), (written) => {
      const location = written.replace(/\/+$/u, "")
      if (/^https?:\/\//u.test(location)) return invalid(`${where}, ${key}`, "is a name, without http:// or https://")
      const isPlace = location === "" || (key === "prefix" && location.startsWith("*."))
        ? !location.includes("/")
        : hasHost(location)
      return isPlace ? Result.succeed(location) : invalid(`${where}, ${key}`, "does not begin with the name of a host")
    })

  const mirrorOf = (where: string, table: Table, digestOnly: boolean): Result.Result<
    MirrorEntry,
    RegistriesConfInvalid
  > =>
    Result.gen(function*() {
      const location = yield* place(where, table, "location")
      if (location === "") return yield* invalid(where, "has no location")
      const insecure = yield* flag(where, table, "insecure")
      const written = yield* text(where, table, "pull-from-mirror")
      if (digestOnly && written !== "") {
        return yield* invalid(
          where,
          "has pull-from-mirror, and its registry mirror-by-digest-only; only one may say it"
        )
      }
      const stated = pulls.find((one) => one === written)
      if (written !== "" && stated === undefined) {
        return yield* invalid(`${where}, pull-from-mirror`, `is none of ${pulls.join(", ")}`)
      }
      return { location, insecure, pulls: digestOnly ? "digest-only" : stated ?? "all" }
    })

  const entryOf = (where: string, table: Table): Result.Result<RegistryEntry, RegistriesConfInvalid> =>
    Result.gen(function*() {
      const location = yield* place(where, table, "location")
      const prefix = (yield* place(where, table, "prefix")) || location
      if (prefix === "") return yield* invalid(where, "has neither prefix nor location")
      if (location === "" && !prefix.startsWith("*.")) {
        return yield* invalid(where, "has no location; only a prefix like *.example.com needs none")
      }
      if (table["pull-from-mirror"] !== undefined) {
        return yield* invalid(`${where}, pull-from-mirror`, "is for mirrors")
      }
      const insecure = yield* flag(where, table, "insecure")
      const blocked = yield* flag(where, table, "blocked")
      const digestOnly = yield* flag(where, table, "mirror-by-digest-only")
      const mirrors: Array<MirrorEntry> = []
      for (const [at, mirror] of (yield* tables(`${where}, mirror`, table["mirror"])).entries()) {
        mirrors.push(yield* mirrorOf(`${where}, mirror ${at + 1}`, mirror, digestOnly))
      }
      return { file, prefix, location, insecure, blocked, mirrors }
    })

  return Result.gen(function*() {
    if (!isTable(document)) return yield* invalid("", "is no table")
    if (document["registries"] !== undefined) {
      return yield* invalid("registries", "is of version 1 of the format, which is no longer read; write version 2")
    }
    const found = new Map<string, RegistryEntry>()
    for (const [at, table] of (yield* tables("registry", document["registry"])).entries()) {
      const where = `registry ${at + 1}`
      const entry = yield* entryOf(where, table)
      const other = Array.from(found.values()).find(({ location }) => location === entry.location && location !== "")
      for (const key of ["insecure", "blocked"] as const) {
        if (other !== undefined && other[key] !== entry[key]) {
          return yield* invalid(
            `${where}, ${key}`,
            `is not as another entry with the location ${entry.location} has it`
          )
        }
      }
      found.set(entry.prefix, entry)
    }
    return Array.from(found.values())
  })
}
