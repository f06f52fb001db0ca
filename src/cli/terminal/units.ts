/** Sizes, ages and counts as people read them. */
import { named } from "../../oci/quoted.ts"

const steps = ["KiB", "MiB", "GiB", "TiB", "PiB"] as const

/** `0 B`, `999 B`, `1.5 KiB`, `20 MiB`: three digits at most. */
export const sizeOf = (bytes: number): string => {
  if (bytes < 1000) return `${bytes} B`
  let value = bytes / 1024
  let step = 0
  // 999.5 would be shown with four digits.
  while (value >= 999.5 && step < steps.length - 1) {
    value /= 1024
    step++
  }
  return `${value < 9.95 ? value.toFixed(1) : String(Math.round(value))} ${steps[step] ?? ""}`
}

const spans = [
  ["year", 365 * 24 * 60 * 60],
  ["month", 30 * 24 * 60 * 60],
  ["day", 24 * 60 * 60],
  ["hour", 60 * 60],
  ["minute", 60],
  ["second", 1]
] as const

/** `2 hours`, of some milliseconds; less than a second is `a moment`. */
export const spanOf = (millis: number): string => {
  const seconds = Math.floor(millis / 1000)
  for (const [unit, length] of spans) {
    if (seconds >= length) return counted(Math.floor(seconds / length), unit)
  }
  return "a moment"
}

/** How long ago a time was; times to come are told as they are. */
export const ageOf = (time: number, now: number): string =>
  time > now + 1000 ? new Date(time).toISOString() : `${spanOf(now - time)} ago`

/** `1 blob`, `2 blobs`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`

/** A digest short enough for a table, and long enough to be passed back; what stands for one may be anything. */
export const shortOf = (digest: string): string => {
  const [algorithm = "", encoded] = digest.split(":")
  return named(encoded === undefined ? algorithm : `${algorithm}:${encoded.slice(0, 12)}`)
}
