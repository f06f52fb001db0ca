/** What the tools answer that have a view, as far as it is shown. */

export interface Inspected {
  readonly digest: string
  readonly platform?: string
  readonly created?: string
  readonly total_size?: number
  readonly layers?: ReadonlyArray<{
    readonly digest: string
    readonly size: number
    readonly state?: string
    readonly created_by?: string
  }>
  readonly platforms?: ReadonlyArray<{ readonly platform: string; readonly digest: string; readonly state?: string }>
  readonly config?: Readonly<Record<string, string | ReadonlyArray<string> | Readonly<Record<string, string>>>>
  readonly referrers?: Readonly<Record<string, number>>
}

export interface Compared {
  readonly shared_layers: number
  readonly changes: ReadonlyArray<{
    readonly path: string
    readonly change: "added" | "removed" | "changed"
    readonly aspects?: ReadonlyArray<string>
    readonly sizes?: ReadonlyArray<number>
  }>
  readonly next_start_after?: string
}

export interface Collected {
  readonly done: boolean
  readonly bytes: number
  readonly examples: ReadonlyArray<{ readonly name: string; readonly bytes: number; readonly why: string }>
  readonly kept: ReadonlyArray<{ readonly why: string; readonly things: number; readonly bytes: number }>
  readonly omitted?: number
}

export interface Happened {
  readonly commits: ReadonlyArray<{
    readonly revision: number
    readonly time: string
    readonly actor: string
    readonly events: ReadonlyArray<{ readonly ref?: string; readonly from?: string; readonly to?: string }>
    readonly omitted?: number
  }>
  readonly next_before?: number
}

const has = (value: unknown, ...names: ReadonlyArray<string>): boolean =>
  typeof value === "object" && value !== null && names.every((name) => name in value)

/** The server holds its answers to their schemas; which tool it was is told by what there is. */
export const isInspected = (value: unknown): value is Inspected =>
  has(value, "digest") && (has(value, "layers") || has(value, "platforms"))
export const isCompared = (value: unknown): value is Compared => has(value, "shared_layers", "changes")
export const isCollected = (value: unknown): value is Collected => has(value, "done", "examples", "kept")
export const isHappened = (value: unknown): value is Happened => has(value, "commits")
