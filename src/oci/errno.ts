/** What the system's names of failures mean. */
import { sentence } from "./quoted.ts"

/** The name that the system, or Node, gave a failure, such as `ENOENT`; none for what is no failure of a call. */
export const errnoOf = (cause: unknown): string | undefined =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined

/** What went wrong, for people; with the system's own name. */
export const errnoInWords = (errno: string | undefined): string => {
  if (errno === undefined) return "the file system refused"
  const words = inWords[errno]
  return words === undefined ? `the file system refused with ${sentence(errno)}` : `${words} (${sentence(errno)})`
}

/** What people are told of the system's names. */
const inWords: { readonly [errno: string]: string } = {
  EBUSY: "it is in use; try again when it is not",
  EEXIST: "something of that name is there already; move it away",
  EFBIG: "the file is larger than the file system allows",
  EINVAL: "the file system does not know this operation; put the layout on another one",
  EISDIR: "it is a directory where a file belongs",
  EMLINK: "the file has as many names as the file system allows",
  ENAMETOOLONG: "the name is longer than the file system allows",
  ENOENT: "it is not there, or a directory of its path is not",
  ENOSYS: "the file system cannot do this; put the layout on another one",
  ENOTDIR: "a part of its path is a file, not a directory",
  ENOTEMPTY: "the directory is not empty",
  ENOTREG: "it is no regular file",
  ENOTSUP: "the file system cannot do this; put the layout on another one",
  EXDEV: "its directories are on different file systems"
}
