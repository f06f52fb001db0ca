/** Numbers and times as people read them. */

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]

export const sizeOf = (bytes: number): string => {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

const numbers = new Intl.NumberFormat("en")

export const countOf = (count: number): string => numbers.format(count)

export const counted = (count: number, one: string, more = `${one}s`): string =>
  `${countOf(count)} ${count === 1 ? one : more}`

const spans: ReadonlyArray<readonly [seconds: number, unit: Intl.RelativeTimeFormatUnit]> = [
  [31_557_600, "year"],
  [2_629_800, "month"],
  [604_800, "week"],
  [86_400, "day"],
  [3600, "hour"],
  [60, "minute"]
]

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" })

export const ageOf = (time: number, now = Date.now()): string => {
  const seconds = (time - now) / 1000
  const [span, unit] = spans.find(([span]) => Math.abs(seconds) >= span) ?? [1, "second"]
  return unit === "second" ? "just now" : relative.format(Math.trunc(seconds / span), unit)
}

const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" })
const days = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeZone: "UTC" })
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone: "UTC" })

const of = (form: Intl.DateTimeFormat) => (time: number | string): string => {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? String(time) : form.format(date)
}

export const timeOf = (time: number | string): string => `${of(exact)(time)} UTC`
export const dayOf = of(days)
export const clockOf = of(clock)

/** The first digits of a digest. */
export const shortOf = (digest: string): string => digest.replace(/^(sha\d+:)?([0-9a-f]{12})[0-9a-f]*$/u, "$2")

export const percentOf = (part: number, whole: number): string =>
  whole === 0 ? "0 %" : `${part / whole < 0.01 && part > 0 ? "<1" : Math.round(part / whole * 100)} %`
