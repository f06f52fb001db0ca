/** Builds tars with full control of every byte of their headers. */

export interface HeaderFields {
  readonly name?: string | Uint8Array
  readonly type?: string
  readonly link?: string
  readonly size?: number
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtime?: number
  readonly major?: number
  readonly minor?: number
  readonly prefix?: string
  readonly magic?: string
  readonly uname?: string
  readonly gname?: string
  readonly rawMode?: Uint8Array
  readonly rawUid?: Uint8Array
  readonly rawGid?: Uint8Array
  readonly rawSize?: Uint8Array
  readonly rawMtime?: Uint8Array
  readonly badSum?: number
  readonly patch?: (block: Buffer) => void
}

export const gnu = "ustar  \0"

export const octal = (value: number, width: number): Buffer =>
  Buffer.from(`${value.toString(8).padStart(width - 1, "0")}\0`)

export const base256 = (value: number | bigint, width: number): Buffer => {
  const bytes = Buffer.alloc(width)
  let rest = BigInt.asUintN(width * 8, BigInt(value))
  for (let at = width - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 255n)
    rest >>= 8n
  }
  if (value >= 0) bytes[0] = (bytes[0] ?? 0) | 0x80
  return bytes
}

export const header = (fields: HeaderFields): Buffer => {
  const block = Buffer.alloc(512)
  const put = (value: string | Uint8Array, at: number, width: number) => Buffer.from(value).copy(block, at, 0, width)
  put(fields.name ?? "f", 0, 100)
  put(fields.rawMode ?? octal(fields.mode ?? 0o644, 8), 100, 8)
  put(fields.rawUid ?? octal(fields.uid ?? 0, 8), 108, 8)
  put(fields.rawGid ?? octal(fields.gid ?? 0, 8), 116, 8)
  put(fields.rawSize ?? octal(fields.size ?? 0, 12), 124, 12)
  put(fields.rawMtime ?? octal(fields.mtime ?? 1e9, 12), 136, 12)
  put(fields.type ?? "0", 156, 1)
  put(fields.link ?? "", 157, 100)
  put(fields.magic ?? "ustar\x0000", 257, 8)
  put(fields.uname ?? "root", 265, 32)
  put(fields.gname ?? "root", 297, 32)
  put(octal(fields.major ?? 0, 8), 329, 8)
  put(octal(fields.minor ?? 0, 8), 337, 8)
  put(fields.prefix ?? "", 345, 155)
  fields.patch?.(block)
  return summed(block, fields.badSum)
}

/** With its checksum set right, or wrong by so much. */
export const summed = (block: Buffer, wrong = 0): Buffer => {
  block.fill(32, 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  octal(sum + wrong, 7).copy(block, 148)
  block[155] = 32
  return block
}

/** Filled up to whole blocks. */
export const padded = (content: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(content)
  return Buffer.concat([bytes, Buffer.alloc((512 - bytes.length % 512) % 512)])
}

export const file = (name: string | Uint8Array, content: string | Uint8Array = "data\n", fields: HeaderFields = {}) =>
  Buffer.concat([header({ name, size: Buffer.byteLength(content), ...fields }), padded(content)])

export const record = (key: string, value: string | Uint8Array): Buffer => {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from("\n")])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

export const pax = (records: Readonly<Record<string, string | Uint8Array>>, type = "x"): Buffer => {
  const body = Buffer.concat(Object.entries(records).map(([key, value]) => record(key, value)))
  return Buffer.concat([header({ name: "PaxHeaders/x", type, size: body.length }), padded(body)])
}

export const longName = (text: string, type: "L" | "K" = "L"): Buffer =>
  Buffer.concat([
    header({ name: "././@LongLink", type, size: Buffer.byteLength(text) + 1, magic: gnu }),
    padded(`${text}\0`)
  ])

export const end = Buffer.alloc(1024)

export const tar = (...parts: ReadonlyArray<Uint8Array>): Buffer => Buffer.concat([...parts, end])
