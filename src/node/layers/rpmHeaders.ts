/**
 * Headers of packages in a database of rpm. The image's author wrote it: it is hostile, and is opened in memory, and read only
 * if its one table is the very one that rpm makes: no view, no virtual table and no computed column can then be run.
 */
import process from "node:process"
import { CodecFailed } from "../../image/ports/LayerCodec.ts"

/** Rows, and bytes of all of them, at most. */
const mostRows = 100_000
const mostBytes = 512 * 1024 * 1024

/** As rpm writes it. */
const ownTable =
  /^CREATE TABLE ['"]?Packages['"]? ?\(\s*hnum INTEGER PRIMARY KEY(?: AUTOINCREMENT)?,\s*blob BLOB NOT NULL\s*\)$/u

/** Where SQLite says that changes are in a second file: 1 is none, 2 is one. */
const journalBytes = [18, 19]

export const rpmHeaders = (database: Uint8Array): ReadonlyArray<Uint8Array> => {
  try {
    return read(new Uint8Array(database))
  } catch (error) {
    if (error instanceof CodecFailed) throw error
    throw new CodecFailed(error instanceof Error ? error.message : "the database cannot be read")
  }
}

const read = (database: Uint8Array): ReadonlyArray<Uint8Array> => {
  // A database in memory has no second file, and is refused where it says so.
  for (const at of journalBytes) if (database[at] === 2) database[at] = 1
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite")
  const opened = new DatabaseSync(":memory:", { allowExtension: false })
  try {
    if (!canDeserialize(opened)) throw new CodecFailed("this version of Node opens no database in memory")
    opened.deserialize(database)
    opened.exec("PRAGMA trusted_schema = OFF; PRAGMA query_only = ON; PRAGMA cell_size_check = ON")
    const [table, ...others] = opened.prepare("SELECT type, sql FROM sqlite_schema WHERE name = 'Packages'").all()
    const sql = table?.["sql"]
    if (table?.["type"] !== "table" || typeof sql !== "string" || !ownTable.test(sql) || others.length > 0) {
      throw new CodecFailed("it has no table of packages as rpm makes it")
    }
    const headers: Array<Uint8Array> = []
    let bytes = 0
    for (const { blob } of opened.prepare("SELECT blob FROM Packages").iterate()) {
      if (!(blob instanceof Uint8Array)) continue
      bytes += blob.length
      if (headers.length >= mostRows || bytes > mostBytes) throw new CodecFailed("it has too many packages")
      headers.push(blob)
    }
    return headers
  } finally {
    opened.close()
  }
}

interface Deserializing {
  readonly deserialize: (database: Uint8Array) => void
}

const canDeserialize = (database: object): database is Deserializing =>
  "deserialize" in database && typeof database.deserialize === "function"
