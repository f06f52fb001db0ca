/** Errors of the medium, by what the system says of a failed call. */
import { errnoOf } from "./errno.ts"
import { field } from "./field.ts"
import { StorageError } from "./StorageError.ts"

/**
 * What a failed call says of the medium.
 *
 * @param path relative to `root`, where there is one
 * @param options `errno`: the system's name of the failure; by default that of `cause`
 */
export const storageErrorOf = (
  operation: string,
  path: string,
  cause: unknown,
  { errno = errnoOf(cause), root }: { readonly errno?: string | undefined; readonly root?: string } = {}
): StorageError =>
  new StorageError({
    operation,
    path,
    kind: errno === undefined ? "other" : kinds[errno] ?? "other",
    cause,
    ...field("root", root),
    ...field("errno", errno)
  })

/** The kind of trouble behind the system's name of a failure. */
const kinds: Readonly<Record<string, StorageError["kind"]>> = {
  ENOSPC: "full",
  EDQUOT: "full",
  EROFS: "readOnly",
  EACCES: "denied",
  EPERM: "denied",
  EMFILE: "tooManyFiles",
  ENFILE: "tooManyFiles",
  EIO: "device",
  // What a network file system says of a moment says nothing about the file.
  EINTR: "device",
  EAGAIN: "device",
  ESTALE: "device",
  ETIMEDOUT: "device",
  ENOTCONN: "device"
}
