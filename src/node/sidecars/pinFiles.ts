/** Pins: a small file for each, named by what it pins. */
import { Effect, Option, Schema } from "effect"
import { join } from "node:path"
import { algorithmOf, type ContentDigest, encodedOf, isContentDigest } from "../../oci/Digest.ts"
import { octetStream } from "../../oci/MediaType.ts"
import type { SymlinkRefused } from "../../oci/OciError.ts"
import type { Pin } from "../../ops/api/Garbage.ts"
import type { Pins } from "../../ops/ports/Pins.ts"
import { asStorage } from "../files/asStorage.ts"
import { makeFolder, syncFolder, tell, writeFile } from "../files/durable.ts"
import { guard, ifThere, isNoFile, type LayoutFiles, openRegular, readAll } from "../files/layoutFiles.ts"
import { type FsError, hasCode } from "../fs/LayoutFs.ts"
import type { Preparation } from "../index/Preparation.ts"

const PinText = Schema.fromJsonString(
  Schema.Struct({ mediaType: Schema.String, size: Schema.Natural, time: Schema.Natural, actor: Schema.String })
)
const decode = Schema.decodeUnknownOption(PinText)

/** A pin that cannot be read still pins its digest, though not what that needs. */
const unreadable: Pin = { mediaType: octetStream, size: 0, time: 0, actor: "" }

/** Something else than a file lies in its place; the digest in its name is pinned. */
const isNoPin = (error: FsError | SymlinkRefused): boolean => isNoFile(error) || hasCode("ENOENT")(error)

/** A pin says little; what is longer is none of ours. */
const pinBytes = 4096

export const makePins = (files: LayoutFiles, { foldersCreated }: Preparation): Pins => {
  const storage = asStorage(files.root)
  const pathOf = (digest: ContentDigest): string => join(files.pins, `${algorithmOf(digest)}-${encodedOf(digest)}`)

  const read = Effect.fnUntraced(function*(path: string): Effect.fn.Return<Pin, FsError | SymlinkRefused> {
    const text = yield* Effect.scoped(Effect.gen(function*() {
      const { handle, stat } = yield* openRegular(files, path)
      return Buffer.from(yield* readAll(handle, Math.min(stat.size, pinBytes))).toString("utf8")
    }))
    return Option.getOrElse(decode(text), () => unreadable)
  })

  return {
    all: storage(Effect.gen(function*() {
      yield* guard(files, join(files.pins, "any"))
      const names = (yield* ifThere(files.fs.readDirectory(files.pins))) ?? []
      const digests = names.map((name) => name.replace("-", ":")).filter(isContentDigest)
      const pins = yield* Effect.forEach(digests, (digest) =>
        read(pathOf(digest)).pipe(
          Effect.catchIf(isNoPin, () => Effect.succeed(unreadable)),
          Effect.map((pin) => [digest, pin] as const)
        ))
      return new Map(pins)
    })),
    add: Effect.fnUntraced(function*(digest, pin) {
      yield* foldersCreated
      yield* storage(Effect.gen(function*() {
        yield* guard(files, pathOf(digest))
        yield* makeFolder(files, files.pins)
        yield* writeFile(files, "pin", pathOf(digest), JSON.stringify(pin))
      }))
    }),
    remove: (digest) =>
      storage(Effect.gen(function*() {
        yield* guard(files, pathOf(digest))
        if ((yield* tell(files.fs.unlink(pathOf(digest)), "ENOENT", "ENOTDIR")) !== "done") return false
        yield* syncFolder(files, files.pins)
        return true
      }))
  }
}
