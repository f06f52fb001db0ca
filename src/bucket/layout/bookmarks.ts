/** Bookmarks in a bucket: a small object for each receiver, named by a hash of what it is called. */
import { Effect, Option } from "effect"
import { sha256 } from "../../node/journal/journalRecord.ts"
import { bookmarkBytes, decodeBookmark } from "../../node/sidecars/bookmarkFiles.ts"
import type { Bookmarks } from "../../ops/api/Bookmarks.ts"
import type { ObjectStore } from "../store/ObjectStore.ts"
import { bookmarksFolder } from "./folders.ts"

/** @param storeOf the layout of a repository, or the one that there is */
export const makeBookmarks = (storeOf: (repository: string | undefined) => ObjectStore): Bookmarks => {
  const keyOf = (receiver: string): string => `${bookmarksFolder}${sha256(receiver).slice(0, 32)}.json`
  return {
    load: (receiver, repository) =>
      Effect.map(
        storeOf(repository).get(keyOf(receiver)),
        ({ value }) =>
          value === undefined || value === "unchanged" || value.size > bookmarkBytes
            ? undefined
            : Option.getOrUndefined(decodeBookmark(Buffer.from(value.bytes).toString()))
      ),
    save: (receiver, { after, commit }, repository) => {
      const bytes = new Uint8Array(Buffer.from(JSON.stringify({ after, commit })))
      return Effect.asVoid(storeOf(repository).put(keyOf(receiver), bytes, {}))
    }
  }
}
