/** What is measured, what it is measured against, and whether it is what it should be. */

/** Of a time or of memory less is better, of a rate more. */
type Unit = "µs" | "ms" | "MiB" | "MiB/s" | "commits/s"

type Side = "peer" | "limit"

/** What a figure should be, as a ratio to another one of the same run, or below a number that is the same everywhere. */
export type Target =
  | { readonly kind: "asFast"; readonly times: number; readonly as: Side }
  | { readonly kind: "asMuch"; readonly times: number; readonly as: Side }
  | { readonly kind: "below"; readonly value: number }

/** So many times as fast as the other, or faster. */
export const asFast = (times: number, as: Side): Target => ({ kind: "asFast", times, as })

/** So many times what the other takes, or less. */
export const asMuch = (times: number, as: Side): Target => ({ kind: "asMuch", times, as })

export const below = (value: number): Target => ({ kind: "below", value })

export interface Case {
  readonly name: string
  readonly unit: Unit
  readonly ours: number | undefined
  readonly peer?: number | undefined
  readonly limit?: number | undefined
  /** None where the figure is only reported. */
  readonly target?: Target
}

/** A case as `--json` prints it; `null` is what could not be measured, or is not asked for. */
export interface Judged {
  readonly case: string
  readonly unit: Unit
  readonly ours: number | null
  readonly peer: number | null
  readonly limit: number | null
  readonly ratio: number | null
  readonly target: string | null
  readonly met: boolean | null
}

const isRate = (unit: Unit): boolean => unit.endsWith("/s")

const known = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : value

/** In the sense of its target; without one, how many times as fast as the limit, or else the peer. */
export const judge = ({ limit, name, ours, peer, target, unit }: Case): Judged => {
  const figures = { ours: known(ours), peer: known(peer), limit: known(limit) }
  const { met, ratio } = verdict(figures, unit, target)
  return { case: name, unit, ...figures, ratio, target: target === undefined ? null : textOf(target), met }
}

type Figures = Pick<Judged, "ours" | Side>

const verdict = (figures: Figures, unit: Unit, target: Target | undefined): Pick<Judged, "met" | "ratio"> => {
  const { limit, ours, peer } = figures
  if (ours === null) return { ratio: null, met: null }
  if (target?.kind === "below") return { ratio: null, met: ours < target.value }
  const other = target === undefined ? limit ?? peer : figures[target.as]
  if (other === null) return { ratio: null, met: null }
  const much = ours / other
  const fast = isRate(unit) ? much : other / ours
  if (target === undefined) return { ratio: fast, met: null }
  return target.kind === "asFast"
    ? { ratio: fast, met: fast >= target.times }
    : { ratio: much, met: much <= target.times }
}

const textOf = (target: Target): string =>
  target.kind === "below"
    ? `< ${target.value}`
    : `${target.kind === "asFast" ? "≥" : "≤"} ${Number(target.times.toFixed(3))}× ${target.as}`
