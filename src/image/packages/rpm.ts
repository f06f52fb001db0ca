/** Headers of rpm, as its database has them: an index of tags, and the data that they point into. */
import { field } from "../../oci/field.ts"
import { byteAt, decoded } from "../tar/bytes.ts"
import type { Said } from "./Package.ts"

const tags = { name: 1000, version: 1001, release: 1002, epoch: 1003, architecture: 1022, source: 1044 } as const
const types = { int32: 4, string: 6 } as const

const uint32 = (bytes: Uint8Array, at: number): number =>
  (byteAt(bytes, at) << 24 | byteAt(bytes, at + 1) << 16 | byteAt(bytes, at + 2) << 8 | byteAt(bytes, at + 3)) >>> 0

/** What a header says; nothing where it is none. Keys of users are kept in the same table, and are no packages. */
export const parseRpmHeader = (bytes: Uint8Array): Said | undefined => {
  const count = uint32(bytes, 0)
  const data = 8 + count * 16
  if (bytes.length < 8 || data + uint32(bytes, 4) > bytes.length) return undefined
  const found = new Map<number, string>()
  for (let at = 8; at < data; at += 16) {
    const place = data + uint32(bytes, at + 8)
    if (place >= bytes.length) return undefined
    const type = uint32(bytes, at + 4)
    if (type === types.int32) found.set(uint32(bytes, at), String(uint32(bytes, place)))
    else if (type === types.string) {
      const end = bytes.indexOf(0, place)
      found.set(uint32(bytes, at), decoded(bytes.subarray(place, end < 0 ? bytes.length : end)))
    }
  }
  const name = found.get(tags.name)
  if (name === undefined || name === "gpg-pubkey") return undefined
  const epoch = found.get(tags.epoch)
  const version = `${epoch === undefined ? "" : `${epoch}:`}${found.get(tags.version) ?? ""}-${
    found.get(tags.release) ?? ""
  }`
  const architecture = found.get(tags.architecture)
  // NAME-VERSION-RELEASE.src.rpm
  const source = /^(.+)-[^-]+-[^-]+$/u.exec(found.get(tags.source) ?? "")?.[1]
  return {
    name,
    version,
    ...field("architecture", architecture),
    ...(source === undefined || source === name ? {} : { sourceName: source })
  }
}
