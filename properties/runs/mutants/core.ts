/** What needs no disk: decisions, history, manifests. */
import { type Mutant, property } from "./Mutant.ts"

const layoutModel = property(
  "layoutModel",
  "one layout in memory answers as the model does, all operations and errors included"
)

export const core: ReadonlyArray<Mutant> = [
  {
    name: "offset off by one",
    breaks: "An append may begin one byte beside the end of a session.",
    in: "decideOpen",
    find: "return command.offset === size ? Result.succeed($chunk) : $refused",
    replace: "return Math.abs(command.offset - size) <= 1 ? Result.succeed($chunk) : $refused",
    caughtBy: layoutModel
  },
  {
    name: "walk without memo",
    breaks: "A manifest is read again for every index that names it.",
    in: "walkWith",
    find: "if (reached.has(descriptor.digest)) continue",
    replace: "",
    caughtBy: property("walk", "goes each way once")
  },
  {
    name: "digest dropped with its tag",
    breaks: "A manifest whose last tag is deleted is gone.",
    in: "release",
    find: "elsewhere || entry.descriptor === undefined",
    replace: "elsewhere || entry.descriptor === undefined || entry.name._tag === \"Tagged\"",
    caughtBy: layoutModel
  },
  {
    name: "digest dropped when its tag moves",
    breaks: "A manifest whose last tag moves to another is gone.",
    in: "setTag",
    find: "return inSequence(state, [moved, ...duplicates, adopted, kept])",
    replace: "return inSequence(state, [moved, ...duplicates, adopted]) ?? kept",
    caughtBy: layoutModel
  },
  {
    name: "half a batch",
    breaks: "The first commands of a refused batch happen.",
    in: "batch",
    find: "if (Result.isFailure(decision)) return decision",
    replace: "if (Result.isFailure(decision)) return events.length > 0 ? Result.succeed(events) : decision",
    caughtBy: property("core", "for several commands is that for each in turn, or none")
  },
  {
    name: "ifAbsent ignored",
    breaks: "A tag that must not exist is moved.",
    in: "refuseTag",
    find: "ifAbsent === true",
    replace: "ifAbsent === false",
    caughtBy: layoutModel
  },
  {
    name: "replacement not undone",
    breaks: "The inverse of a replaced entry is the same replacement.",
    in: "invert",
    find: "[new EntryReplaced({ ...keyOf(after, entry), from: to, to: from })]",
    replace: "[new EntryReplaced({ ...keyOf(after, entry), from: to, to })]",
    caughtBy: property("core", "taken back lead to the state before, up to the order of entries")
  },
  {
    name: "key twice",
    breaks: "A manifest may have one key twice, and mean two things to two tools.",
    in: "parseJson",
    find: "if (options.duplicateKeys === \"lastWins\") return value",
    replace: "if (options.duplicateKeys !== undefined) return value",
    caughtBy: property(
      "hostileJson",
      "of any writer are found too deep, and to have a key twice, exactly when they are"
    )
  },
  {
    name: "upload id in part",
    breaks: "An upload id may have anything around it, and so lead anywhere.",
    in: "isUploadId",
    find: "/^[0-9a-f]{32}$/u.test(input)",
    replace: "/[0-9a-f]{32}/u.test(input)",
    caughtBy: property("hostileNames", "of an upload, a media type or a generation is taken only in its form")
  },
  {
    name: "later changes overlooked",
    breaks: "Taking a commit back undoes what has been done to its names since.",
    in: "revertCommit",
    find: "sameDigests(done.get(name), now.get(name)) || force",
    replace: "name !== \"\" || force",
    caughtBy: property(
      "undo",
      "has changed no name but those it changed, and is refused for those that others have changed since"
    )
  },
  {
    name: "content not asked for",
    breaks: "Names come back whose content is gone.",
    in: "missingOf",
    find: "if (!there) $missing",
    replace: "if (!there && path === \"\") $missing",
    caughtBy: layoutModel
  },
  {
    name: "one move too far",
    breaks: "The Nth previous value of a tag is the one before.",
    in: "revisionAt",
    find: "Stream.drop(moves, point.previous - 1)",
    replace: "Stream.drop(moves, point.previous)",
    caughtBy: layoutModel
  },
  {
    name: "size below zero",
    breaks: "A descriptor may have a size below zero.",
    in: "isSize",
    find: "typeof size === \"number\" && Number.isSafeInteger(size) && size >= 0",
    replace: "typeof size === \"number\" && Number.isSafeInteger(size)",
    caughtBy: property(
      "hostileManifest",
      "a descriptor that is read is sound, and one by the book is always read, with all its fields"
    )
  }
]
