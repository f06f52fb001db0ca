/** When the times of a file stand for its bytes. */
import type { FileStat } from "../fs/LayoutFs.ts"

/** Whether a time is in whole milliseconds: such a file system may count time in steps of up to two seconds. */
const isCoarse = (timeNs: bigint): boolean => timeNs % 1_000_000n === 0n

/**
 * Whether a file is old enough at this time for its times to show every later change: 20 ms, or 2 s where the clock of
 * the file system is coarse. Ask before the bytes are read: what is written during the reading then shows as well. The
 * 20 ms also hold where times tell every change, because a file is marked before its bytes are there. The time of its
 * status (ctime) counts too, because tools set the mtime back.
 */
export const isMtimeReliable = (
  nowMillis: number,
  { ctimeNs, mtimeNs }: Pick<FileStat, "ctimeNs" | "mtimeNs">
): boolean => {
  const changed = ctimeNs > mtimeNs ? ctimeNs : mtimeNs
  return nowMillis - Number(changed / 1_000_000n) >= (isCoarse(mtimeNs) || isCoarse(ctimeNs) ? 2000 : 20)
}

/** Whether an unchanged stat of a folder proves that its names are unchanged. A missing folder needs no proof. */
export const isLookReliable = (
  { times }: { readonly times: { readonly exact: boolean } },
  nowMillis: number,
  stat: FileStat | undefined
): boolean => stat === undefined || times.exact || isMtimeReliable(nowMillis, stat)
