/** The files of a directory as skopeo's `dir:` transport writes one: flat, and nothing in it is followed. */
import { Effect, type Scope, Stream } from "effect"
import { join, resolve } from "node:path"
import { asStorage } from "../../node/files/asStorage.ts"
import { readPieces } from "../../node/files/readPieces.ts"
import { nodeFs } from "../../node/fs/nodeFs.ts"
import { ArchiveInvalid, type StorageError, type SymlinkRefused } from "../../oci/OciError.ts"
import * as limits from "./limits.ts"
import type { Member, Members } from "./Members.ts"

/** Opened when it is read, so that a directory of many files costs no open files. */
export const folderMembers = Effect.fnUntraced(function*(
  directory: string
): Effect.fn.Return<Members, ArchiveInvalid | StorageError | SymlinkRefused, Scope.Scope> {
  const root = resolve(directory)
  const tell = asStorage(root)
  const names = yield* tell(nodeFs.readDirectory(root))
  if (names.length > limits.members) {
    return yield* new ArchiveInvalid({ path: directory, reason: `it has more than ${limits.members} files` })
  }
  const members = new Map<string, Member>()
  for (const name of names) {
    const path = join(root, name)
    const { kind, size } = yield* tell(nodeFs.linkStat(path))
    if (kind !== "file") continue
    members.set(name, {
      name,
      size,
      read: ({ to, ...reading }) =>
        Stream.unwrap(
          Effect.map(tell(nodeFs.open(path, { access: "read" })), (handle) =>
            readPieces(root, handle, { ...reading, to: Math.min(to, size) }))
        )
    })
  }
  return { path: directory, names: Array.from(members.keys()), find: (name) => members.get(name) }
})
