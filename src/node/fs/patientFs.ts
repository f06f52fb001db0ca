/** A file system whose calls wait a moment where too many files are open: others of the process will close theirs. */
import { Effect } from "effect"
import type { FsError, LayoutFs } from "./LayoutFs.ts"

const crowded = new Set(["EMFILE", "ENFILE"])

/** Milliseconds between attempts. */
const pauses = [1, 5, 25, 125]

const patiently = <A>(call: Effect.Effect<A, FsError>, attempt = 0): Effect.Effect<A, FsError> => {
  const pause = pauses[attempt]
  if (pause === undefined) return call
  const later = Effect.suspend(() => patiently(call, attempt + 1))
  return Effect.catchIf(call, ({ code }) => crowded.has(code), () => Effect.andThen(Effect.sleep(pause), later))
}

/** Only calls that open something can meet this; the system itself makes interrupted calls again. */
export const patientFs = (fs: LayoutFs): LayoutFs => ({
  ...fs,
  openHandle: (path, flags, mode) => patiently(fs.openHandle(path, flags, mode)),
  openFolder: (path, follow) => patiently(fs.openFolder(path, follow)),
  open: (path, flags, mode) => Effect.acquireRelease(patiently(fs.openHandle(path, flags, mode)), ({ close }) => close),
  readDirectory: (path) => patiently(fs.readDirectory(path)),
  syncDirectory: (path) => patiently(fs.syncDirectory(path))
})
