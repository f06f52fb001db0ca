/** What Go's `archive/tar` makes of tars, and what we do, in the same form. */
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { textOf } from "../../../src/image/tar/bytes.ts"
import { TarInvalid } from "../../../src/image/tar/numbers.ts"
import { TarReader } from "../../../src/image/tar/TarReader.ts"
import { Unpacked } from "../../../src/image/tar/Unpacked.ts"

interface Entry {
  readonly flag: string
  readonly name: string
  readonly link: string
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** In whole seconds. */
  readonly mtime: number
  /** The first digits of its SHA-256. */
  readonly body: string
}

export interface Reading {
  readonly entries: ReadonlyArray<Entry>
  readonly failed: boolean
}

const candidates = ["/usr/local/go/bin/go", "/usr/bin/go", "/usr/lib/go/bin/go"]

export const goCommand: string | undefined = candidates.find((path) => existsSync(path))

/** Tars that one process of Go reads. */
const atOnce = 2000

/** Asks Go; the readings come in the order of the tars, which are drawn as they are needed. */
export const readByGo = function*(go: string, tars: Iterable<Uint8Array>): Generator<[tar: Uint8Array, Reading]> {
  const folder = mkdtempSync(join(tmpdir(), "gotar-"))
  try {
    const program = join(folder, "gotar")
    const source = fileURLToPath(new URL("../tar/main.go", import.meta.url))
    execFileSync(go, ["build", "-o", program, source], {
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: folder,
        GOCACHE: join(tmpdir(), "gotar-cache"),
        GOFLAGS: "-mod=mod"
      },
      timeout: 100_000
    })
    let batch: Array<Uint8Array> = []
    for (const tar of tars) {
      batch.push(tar)
      if (batch.length < atOnce) continue
      yield* readTogether(program, batch)
      batch = []
    }
    yield* readTogether(program, batch)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const readTogether = (program: string, tars: ReadonlyArray<Uint8Array>): ReadonlyArray<[Uint8Array, Reading]> => {
  if (tars.length === 0) return []
  const input = Buffer.concat(tars.flatMap((tar) => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(tar.length)
    return [length, tar]
  }))
  const lines = execFileSync(program, { input, maxBuffer: 1 << 30, timeout: 100_000 }).toString().trimEnd().split("\n")
  const text = (base64: string): string => {
    const bytes = Buffer.from(base64, "base64")
    return textOf(bytes, 0, bytes.length)
  }
  return tars.map((tar, at) => {
    const { entries, failed } = JSON.parse(lines[at] ?? "") as Reading
    return [tar, {
      entries: entries.map((entry) => ({ ...entry, name: text(entry.name), link: text(entry.link) })),
      failed
    }]
  })
}

/** Go does not hash what is larger, and neither do we. */
const most = 2 ** 28

/** Our own reading, by pieces of a length that fits no block. */
export const readByUs = (tar: Uint8Array, pieceLength = 700): Reading => {
  const entries: Array<Entry> = []
  let hash = createHash("sha256")
  let file: Unpacked | undefined
  const update = (pieces: Iterable<Uint8Array> = []) => {
    for (const bytes of pieces) hash.update(bytes)
  }
  const reader = new TarReader({
    begin: (entry) => {
      if (entry.size > most && entry.type === "file") throw new TarInvalid("too large for this test")
      hash = createHash("sha256")
      file = new Unpacked(entry)
    },
    data: (bytes) => update(file?.data(bytes)),
    end: ({ flag, gid, link, mode, mtime, name, size, stored, sparse, uid }) => {
      if (stored > 0 || sparse !== undefined) update(file?.end())
      entries.push({
        flag,
        name: textOf(name, 0, name.length),
        link: textOf(link, 0, link.length),
        size,
        mode,
        uid,
        gid,
        mtime: Math.floor(mtime),
        body: hash.digest("hex").slice(0, 16)
      })
    }
  })
  try {
    for (let at = 0; at < tar.length; at += pieceLength) reader.write(tar.subarray(at, at + pieceLength))
    reader.finish()
    return { entries, failed: false }
  } catch (error) {
    if (error instanceof TarInvalid) return { entries, failed: true }
    throw error
  }
}
