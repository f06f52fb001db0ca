/** A real ext4 whose power can be cut: what has not reached its device by then is gone. */
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Everything stays in memory for as long as no call syncs it: no help from the kernel's own diligence. */
const lazy = "loop,commit=300,noauto_da_alloc"
export const modes = { ordered: lazy, writeback: `${lazy},data=writeback` } as const
export type Mode = keyof typeof modes

export interface Disk {
  readonly mounted: string
  /** A folder beside it, which nothing is cut of. */
  readonly notes: string
  /** Nothing reaches the device any more, and every call that would have to fails. */
  readonly cut: () => void
  /** Starts it again after a cut; no process may have it open. */
  readonly restart: () => Promise<void>
  readonly remove: () => Promise<void>
}

const run = (command: string, ...args: ReadonlyArray<string>): void => {
  execFileSync(command, args, { stdio: "pipe", timeout: 60_000 })
}

/** EXT4_IOC_SHUTDOWN, with the order not to write the log out first. */
const shutdown = `
  my $how = pack("I", 2);
  open(my $file, "<", $ARGV[0]) or die "$!";
  ioctl($file, 0x8004587d, $how) or die "$!";
`

export const makeDisk = (megabytes: number, mode: Mode): Disk => {
  const folder = mkdtempSync(join(tmpdir(), "ocilayout-powercut-"))
  const image = join(folder, "disk")
  const mounted = join(folder, "mounted")
  const mount = (): void => run("mount", "-o", modes[mode], image, mounted)
  const unmount = async (): Promise<void> => {
    // A process that was killed a moment ago may not be quite gone.
    for (let left = 50;; left--) {
      try {
        return run("umount", mounted)
      } catch (error) {
        if (left === 0) throw error
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }
  // Whatever ends this process, nothing stays mounted.
  const abandon = (): void => {
    run("umount", "-l", mounted)
    rmSync(folder, { recursive: true })
  }
  try {
    mkdirSync(mounted)
    writeFileSync(image, "")
    truncateSync(image, megabytes * 1024 * 1024)
    run("mkfs.ext4", "-q", image)
    mount()
    writeFileSync(join(mounted, "handle"), "")
    run("sync", "-f", mounted)
    process.once("exit", abandon)
  } catch (error) {
    rmSync(folder, { recursive: true })
    throw error
  }
  return {
    mounted,
    notes: join(folder, "notes"),
    cut: () => run("perl", "-e", shutdown, join(mounted, "handle")),
    restart: async () => {
      await unmount()
      mount()
    },
    remove: async () => {
      await unmount()
      process.off("exit", abandon)
      rmSync(folder, { recursive: true })
    }
  }
}

/** Why no power can be cut here; nothing when it can. */
export const whyNot = async (): Promise<string | undefined> => {
  if (process.platform !== "linux") return "ext4 is Linux's"
  if (process.getuid?.() !== 0) return "only root can mount file systems"
  try {
    const disk = makeDisk(16, "ordered")
    try {
      disk.cut()
      await disk.restart()
    } finally {
      await disk.remove()
    }
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message.trim().split("\n").at(-1) : String(error)
  }
}
