/**
 * Finds the table of contents that a layer has of itself, and holds it to the digest that the manifest says of it: of
 * eStargz the annotation `containerd.io/snapshot/stargz/toc.digest`, of zstd:chunked `manifest-checksum`.
 */
import { Effect } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { LayerInvalid, LimitExceeded } from "../../oci/OciError.ts"
import type { LookError } from "../../ops/api/errors.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import { ownTableBytes } from "../limits.ts"
import { CodecFailed, type LayerCodec } from "../ports/LayerCodec.ts"
import { hexOf, type LayerTable } from "../table/Entry.ts"
import { Growing } from "../table/Growing.ts"
import { OwnTableInvalid, OwnTableTooLarge, parseOwnTable } from "../table/ownTable.ts"
import { hasAt, textIn } from "../tar/bytes.ts"
import { TarInvalid } from "../tar/numbers.ts"
import { TarReader } from "../tar/TarReader.ts"
import type { LayerSource } from "./LayerSource.ts"

const eStargzDigest = "containerd.io/snapshot/stargz/toc.digest"
/** The newer name first. */
const chunked = ["io.github.containers.zstd-chunked.", "io.containers.zstd-chunked."]

/** Which table a manifest says that a layer has. */
interface Said {
  readonly compression: "gzip" | "zstd"
  readonly digest: string
  /** Offset, bytes, bytes unpacked, and version. */
  readonly position: string
}

const saidOf = ({ annotations = {} }: Descriptor): Said | undefined => {
  const ofGzip = annotations[eStargzDigest]
  if (ofGzip !== undefined) return { compression: "gzip", digest: ofGzip, position: "" }
  for (const prefix of chunked) {
    const [digest, position] = [annotations[`${prefix}manifest-checksum`], annotations[`${prefix}manifest-position`]]
    if (digest !== undefined && position !== undefined) return { compression: "zstd", digest, position }
  }
  return undefined
}

/**
 * The table as the layer itself has it; none where the manifest names none. Only the table is read. `LayerInvalid` where it
 * is not the one of that digest, or is none; `LimitExceeded`.
 */
export const readOwnTable = Effect.fn("readOwnTable")(function*(
  source: LayerSource,
  descriptor: Descriptor
): Effect.fn.Return<LayerTable | undefined, LookError> {
  const said = saidOf(descriptor)
  if (said === undefined) return undefined
  const { digest, size: blobSize } = descriptor
  const { codec, limits, registry, repository } = source
  const read = Effect.fnUntraced(function*(offset: number, end: number) {
    const range = registry.getBlobRange(repository, digest, { offset, end }, { passing: true, verify: false })
    return yield* collectBytes((yield* range).stream, () => Effect.void)
  }, Effect.scoped)
  const attempt = <A>(run: () => A): Effect.Effect<A, LayerInvalid | LimitExceeded> =>
    Effect.try({ try: run, catch: (error) => failureOf(digest, error) })

  const place = said.compression === "zstd"
    ? yield* attempt(() => placeSaid(said.position, blobSize))
    : yield* attempt(() => footerPlace(blobSize))
  const footer = place.footer === undefined ? undefined : yield* read(place.footer, blobSize)
  const { length, offset } = footer === undefined ? place : yield* attempt(() => placeIn(footer, blobSize))
  const stored = yield* read(offset, offset + length)
  const own = yield* attempt(() => {
    const unpacked = unpack(codec, said.compression, stored)
    const table = said.compression === "zstd" ? unpacked : memberOf(unpacked)
    const found = digestOf(codec, said.compression === "zstd" ? stored : table)
    if (found !== said.digest) throw new OwnTableInvalid(`is ${found}, and the manifest says ${said.digest}`)
    return parseOwnTable(table, blobSize, limits, shaOf(codec, new Uint8Array()))
  })
  const { checkpoints, entries, shas, size } = own
  return { digest, diffId: "", blobSize, size, compression: said.compression, entries, shas, own: checkpoints }
})

interface Place {
  readonly offset: number
  readonly length: number
  /** Where the bytes begin that tell it, if it is not known yet. */
  readonly footer?: number
}

const placeSaid = (position: string, blobSize: number): Place => {
  const [, offset, length, unpacked] = /^(\d{1,15}):(\d{1,15}):(\d{1,15}):1$/u.exec(position)?.map(Number) ?? []
  if (offset === undefined || length === undefined || unpacked === undefined) {
    throw new OwnTableInvalid("is nowhere: its position cannot be read")
  }
  return checkedPlace({ offset, length }, blobSize)
}

const checkedPlace = (place: Place, end: number): Place => {
  const { length, offset } = place
  if (length <= 0 || offset + length > end) throw new OwnTableInvalid("is not inside of the layer")
  if (length > ownTableBytes) throw tooLong()
  return place
}

const tooLong = () => new OwnTableTooLarge("bytes of the own table of contents", ownTableBytes)

/** Of eStargz: an empty member of gzip whose header says where the table is. */
const footerBytes = 51
const footerMark = 32

const footerPlace = (blobSize: number): Place =>
  blobSize < footerBytes
    ? checkedPlace({ offset: 0, length: 0 }, 0)
    : { offset: 0, length: 0, footer: blobSize - footerBytes }

const placeIn = (footer: Uint8Array, blobSize: number): Place => {
  const digits = textIn(footer.subarray(footerMark - 16, footerMark))
  if (!hasAt(footer, footerMark, "STARGZ") || !/^[0-9a-f]{16}$/iu.test(digits)) {
    throw new OwnTableInvalid("is nowhere: the layer has no footer of eStargz")
  }
  const offset = Number.parseInt(digits, 16)
  return checkedPlace({ offset, length: blobSize - footerBytes - offset }, blobSize)
}

const unpack = (codec: LayerCodec, compression: "gzip" | "zstd", stored: Uint8Array): Uint8Array => {
  const unpacked = new Growing()
  const decoder = codec.decode(compression, (bytes) => {
    if (unpacked.length + bytes.length > ownTableBytes) throw tooLong()
    unpacked.put(bytes)
  })
  try {
    decoder.write(stored)
    decoder.finish()
    return unpacked.bytes
  } finally {
    decoder.close()
  }
}

const memberName = "stargz.index.json"

/** The table of eStargz is a tar of one file. */
const memberOf = (tar: Uint8Array): Uint8Array => {
  const content = new Growing()
  let isTable = false
  let found = false
  const reader = new TarReader({
    begin: ({ name, type }) => {
      isTable = !found && type === "file" && textIn(name) === memberName
      found ||= isTable
    },
    data: (bytes) => {
      if (isTable) content.put(bytes)
    },
    end: () => undefined
  })
  reader.write(tar)
  reader.finish()
  if (!found) throw new OwnTableInvalid(`is not there: there is no ${memberName}`)
  return content.bytes
}

const shaOf = (codec: LayerCodec, bytes: Uint8Array): Uint8Array => {
  const sha = codec.sha256()
  sha.update(bytes)
  return sha.digest()
}

const digestOf = (codec: LayerCodec, bytes: Uint8Array): string => `sha256:${hexOf(shaOf(codec, bytes))}`

const failureOf = (digest: string, error: unknown): LayerInvalid | LimitExceeded => {
  if (error instanceof OwnTableTooLarge) {
    return new LimitExceeded({ what: `${error.what} of layer ${digest}`, limit: error.limit })
  }
  if (error instanceof OwnTableInvalid || error instanceof CodecFailed || error instanceof TarInvalid) {
    return new LayerInvalid({ digest, reason: `its own table of contents ${error.message}` })
  }
  throw error
}
