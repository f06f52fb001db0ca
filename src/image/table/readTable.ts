/** Reads tables of contents. Only what this user has written and sealed gets here, so that a wrong one is no table at all. */
import { Option, Result, Schema } from "effect"
import { Base64 } from "effect/encoding"
import { textIn, textOf } from "../tar/bytes.ts"
import { hasNoBody } from "../tar/TarEntry.ts"
import { type Entry, entryTypes, type LayerTable } from "./Entry.ts"
import { TableCut, Taking } from "./Growing.ts"
import { More, rowFlags, tableMagic, WrittenHead } from "./TableWriter.ts"

/** The table, if it is one of this version. */
export const readTable = (bytes: Uint8Array): LayerTable | undefined => {
  try {
    return decoded(bytes)
  } catch (error) {
    if (error instanceof TableCut) return undefined
    throw error
  }
}

const decoded = (bytes: Uint8Array): LayerTable | undefined => {
  const from = new Taking(bytes)
  if (textIn(from.take(tableMagic.length)) !== tableMagic) return undefined
  const head = decodeHead(textIn(from.take(from.number())))
  const rows = new Taking(from.take(head.rows))
  const { blobSize, compression, diffId, digest, size } = head
  return {
    digest,
    diffId,
    blobSize,
    size,
    compression,
    entries: entriesOf(rows, head),
    shas: from.take(bytes.length - from.at)
  }
}

const decoder = <A>(schema: Schema.ConstraintCodec<A, unknown>) => {
  const decode = Schema.decodeUnknownOption(Schema.fromJsonString(schema))
  return (text: string): A => Option.getOrThrowWith(decode(text), () => new TableCut())
}

const decodeHead = decoder(WrittenHead)
const decodeMore = decoder(More)

const entriesOf = (rows: Taking, head: WrittenHead): ReadonlyArray<Entry> => {
  const entries: Array<Entry> = []
  const name = new Name()
  let seconds = 0
  let end = 0
  let shas = 0
  for (let row = 0; row < head.entries; row++) {
    const flags = rows.number()
    const type = entryTypes[flags & 7] ?? "other"
    const mode = rows.number()
    const [uid, gid] = head.owners[rows.number()] ?? [0, 0]
    const step = rows.number()
    seconds += step % 2 === 0 ? step / 2 : -(step + 1) / 2
    const size = rows.number()
    const offset = end + rows.number()
    name.next(rows)
    const link = (flags & rowFlags.link) === 0 ? "" : textIn(rows.take(rows.number()))
    const more = (flags & rowFlags.more) === 0 ? undefined : decodeMore(textIn(rows.take(rows.number())))
    const stored = more?.stored ?? (hasNoBody(type) ? 0 : type === "file" ? size : 0)
    end = offset + stored
    entries.push({
      type,
      name: name.text,
      link,
      size,
      stored,
      mode,
      uid,
      gid,
      mtime: more?.mtime ?? seconds,
      major: more?.device?.[0] ?? 0,
      minor: more?.device?.[1] ?? 0,
      offset,
      sparse: more?.sparse,
      xattrs: xattrsOf(more),
      sha: (flags & rowFlags.sha) === 0 ? -1 : shas++
    })
  }
  return entries
}

/** The name of a row, which shares its beginning with the one before: kept in place, since there are many. */
class Name {
  #bytes = new Uint8Array(256)
  #length = 0

  next(rows: Taking): void {
    const same = rows.number()
    const rest = rows.take(rows.number())
    this.#length = same + rest.length
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes.set(rest, same)
  }

  get text(): string {
    return textOf(this.#bytes, 0, this.#length)
  }
}

const xattrsOf = (more: More | undefined): ReadonlyMap<string, Uint8Array> | undefined =>
  more?.xattrs === undefined
    ? undefined
    : new Map(
      more.xattrs.map(([key, value]) => [
        key,
        Result.getOrElse(Base64.decode(value), () => new Uint8Array())
      ])
    )
