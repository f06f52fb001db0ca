/**
 * Which of the large replaced indexes were found unchanged, so that the next writer, of another process, need not hash
 * them again. The note is never synced: an entry of it counts only if it has the present identity of the file.
 */
import { Effect } from "effect"
import { writeNote } from "../files/durable.ts"
import { guard, type LayoutFiles, openRegular, readAll } from "../files/layoutFiles.ts"

/** From so many bytes on, hashing a file costs more than the note. */
export const largeBytes = 1024 * 1024

/** Of some thirty files, each by a name of 140 and an identity of at most a hundred characters. */
const length = 16 * 1024

export const noteUnchanged = (
  files: LayoutFiles,
  identities: ReadonlyArray<readonly [name: string, identity: string]>
): Effect.Effect<void> => {
  const text = identities.map(([name, identity]) => `${name} ${identity}\n`).join("")
  return Effect.ignore(Effect.andThen(guard(files, files.watched), writeNote(files, files.watched, text, length)))
}

/** Identities by the names of the files; none where there is no note. */
export const notedUnchanged = (files: LayoutFiles): Effect.Effect<ReadonlyMap<string, string>> =>
  Effect.scoped(Effect.gen(function*() {
    const { handle } = yield* openRegular(files, files.watched)
    const text = Buffer.from(yield* readAll(handle, length)).toString("utf8")
    return new Map(
      text.split("\n").flatMap((line) => {
        const [name, identity, ...rest] = line.split(" ")
        return name === undefined || identity === undefined || rest.length > 0 ? [] : [[name, identity] as const]
      })
    )
  })).pipe(Effect.orElseSucceed((): ReadonlyMap<string, string> => new Map()))
