/** What the times of files tell. */
import * as fs from "node:fs"

/** Writes that are tried, each with a time of its own if times tell every change. */
const probes = 16

/** Clocks that tick do so once a millisecond at most: for so many times they need twice as long, in milliseconds. */
const leastTicking = probes / 2

/**
 * Whether a file's times show every change of it since they were last asked for, found out by trying on a new file,
 * which is removed afterwards. Linux promises it since 6.13 for its own file systems. File systems of others may not
 * keep that promise, so it is tested here.
 *
 * @param path where there is no file
 */
export const tellsEveryChange = (path: string): boolean => {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = fs.constants
  const fd = fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    // A process that was paused for a moment tries again.
    for (let attempt = 0; attempt < 3; attempt++) {
      const started = performance.now()
      const times = new Set<bigint>()
      for (let write = 0; write < probes; write++) {
        fs.writeSync(fd, "x", 0)
        times.add(fs.fstatSync(fd, { bigint: true }).mtimeNs)
      }
      if (times.size < probes) return false
      if (performance.now() - started < leastTicking) return true
    }
    return false
  } finally {
    fs.closeSync(fd)
    fs.unlinkSync(path)
  }
}
