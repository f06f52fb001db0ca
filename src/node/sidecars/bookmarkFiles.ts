/** Bookmarks: a small file for each receiver, named by a hash of what it is called. */
import { Effect, Option, Schema } from "effect"
import { join } from "node:path"
import type { Bookmarks } from "../../ops/api/Bookmarks.ts"
import { asStorage } from "../files/asStorage.ts"
import { makeFolder, writeFile } from "../files/durable.ts"
import { guard, ifThere, isNoFile, type LayoutFiles, openRegular, readAll } from "../files/layoutFiles.ts"
import { sha256 } from "../journal/journalRecord.ts"

const BookmarkText = Schema.fromJsonString(Schema.Struct({ after: Schema.Natural, commit: Schema.String }))
export const decodeBookmark = Schema.decodeUnknownOption(BookmarkText)

/** A bookmark says little; what is longer is none of ours. */
export const bookmarkBytes = 4096

/** @param filesOf the layout of a repository, or the one that there is */
export const makeBookmarks = (filesOf: (repository: string | undefined) => LayoutFiles): Bookmarks => {
  const pathOf = ({ bookmarks }: LayoutFiles, receiver: string): string =>
    join(bookmarks, `${sha256(receiver).slice(0, 32)}.json`)
  return {
    load: (receiver, repository) => {
      const files = filesOf(repository)
      return asStorage(files.root)(
        Effect.scoped(Effect.gen(function*() {
          const opened = yield* ifThere(openRegular(files, pathOf(files, receiver)))
          if (opened === undefined || opened.stat.size > bookmarkBytes) return undefined
          const text = Buffer.from(yield* readAll(opened.handle, opened.stat.size)).toString("utf8")
          return Option.getOrUndefined(decodeBookmark(text))
        })).pipe(Effect.catchIf((error) => isNoFile(error), () => Effect.undefined))
      )
    },
    save: (receiver, { after, commit }, repository) => {
      const files = filesOf(repository)
      const path = pathOf(files, receiver)
      return asStorage(files.root)(Effect.gen(function*() {
        yield* guard(files, path)
        yield* makeFolder(files, files.bookmarks)
        yield* writeFile(files, "bookmark", path, JSON.stringify({ after, commit }))
      }))
    }
  }
}
