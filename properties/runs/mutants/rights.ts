/** Damage to what is ours, copies, and several users. */
import { type Mutant, plainTest, property } from "./Mutant.ts"

const damage = property("damage", "takes no name and no content away, is told, and is repaired")
const copies = property("copies", "keep their names and content when any part of one is copied over the other")
const users = property("users", "stays open to all users of its folder, whichever of them writes")

export const rights: ReadonlyArray<Mutant> = [
  {
    name: "second name put back unread",
    breaks: "Content that was removed is put back from a second name whose bytes were not read.",
    in: "openKept",
    find: "if ((yield* hashFile(opened.handle, opened.stat.size, algorithmOf(digest))) !== digest) continue",
    replace: "",
    caughtBy: damage
  },
  {
    name: "a copy's group taken for ours",
    breaks: "An index that another copy of the layout has written is taken for one of ours of the same number.",
    in: "isOfGroup",
    find: "generation?.journal === journal && generation.seq === seq && generation.id === id",
    replace: "generation?.journal === journal && generation.seq === seq && (generation.id === id || id !== \"\")",
    caughtBy: copies
  },
  {
    name: "journal written into a blob",
    breaks: "The journal goes on in a file that has other names, which may be those of a blob.",
    in: "appendRecord",
    find: "files.doubtful.has(journal) || end.shared === true",
    replace: "files.doubtful.has(journal)",
    caughtBy: plainTest("behaviour/forged", "that is another name of a blob with a journal in it does not change it")
  },
  {
    name: "files by the umask",
    breaks: "A file that we make has the mode that the umask leaves it.",
    in: "keepOwner",
    find: "if ((own.mode ^ mode) & 0o7777) yield* tell(handle.setMode(mode & 0o7777), ...cannotOwn)",
    replace: "",
    caughtBy: users
  },
  {
    name: "files of the writer's group",
    breaks: "A file that we make keeps the group of the user who made it.",
    in: "keepOwner",
    find: "return own.gid === gid || (yield* tell(handle.setOwner(own.uid, gid), ...cannotOwn)) === \"done\"",
    replace: "return own.gid === gid",
    caughtBy: users
  },
  {
    name: "folders by the umask",
    breaks: "A folder that we make has the rights that the system gives it.",
    in: "makeOne",
    find: "above !== undefined && folder !== above && isInside(above, folder)",
    replace: "above !== undefined && folder === above",
    caughtBy: users
  },
  {
    name: "a layout that only its maker can write",
    breaks: "The folder of a new layout is closed to the group, with any umask.",
    in: "makeOne",
    find: "files.fs.makeDirectory(folder, 0o777)",
    replace: "files.fs.makeDirectory(folder, 0o755)",
    caughtBy: users
  },
  {
    name: "a file that cannot be given away",
    breaks: "A commit fails where the system gives files to no other user.",
    in: "keepOwner",
    find: "own.uid !== uid && (yield* tell(handle.setOwner(uid, gid), ...cannotOwn)) === \"done\"",
    replace: "own.uid !== uid && (yield* tell(handle.setOwner(uid, gid))) === \"done\"",
    caughtBy: users
  }
]
