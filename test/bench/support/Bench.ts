/** What a group of cases is given: how much to do, whom to compare with, and layouts to do it on. */
import type { Effect, Scope } from "effect"
import type { Case } from "./Case.ts"
import type { Figures } from "./rounds.ts"

/** How much is done; the targets are about the full size. */
export interface Scale {
  readonly rounds: number
  /** Of those that write a large file: how fast a file can be written changes threefold from one moment to the next. */
  readonly blobRounds: number
  /** What the peer is measured at, since it becomes slower with every tag. */
  readonly manifests: number
  /** Few, the peer's, and many: what does not depend on the number of tags is the same at each. */
  readonly tags: { readonly few: number; readonly many: number }
  /** Of the largest index. */
  readonly entries: number
  /** Of an index that is nearly as large as one may be. */
  readonly mostEntries: number
  /** Of a large blob. */
  readonly mebibytes: number
  /** Blobs whose memory is compared. */
  readonly memoryMebibytes: { readonly small: number; readonly large: number }
  /** Starts of each process. */
  readonly starts: number
  /** Calls of each tool. */
  readonly calls: number
  /** How long processes compete. */
  readonly seconds: number
  /** Blobs that one collection removes. */
  readonly removals: number
  /** Requests that are written at once on stdio, and calls of one session over HTTP. */
  readonly requests: { readonly queued: number; readonly calls: number }
}

export const full: Scale = {
  rounds: 3,
  blobRounds: 7,
  manifests: 1000,
  tags: { few: 100, many: 10_000 },
  entries: 100_000,
  mostEntries: 999_000,
  mebibytes: 1024,
  memoryMebibytes: { small: 256, large: 4096 },
  starts: 11,
  calls: 2000,
  seconds: 5,
  removals: 90_000,
  requests: { queued: 50_000, calls: 16_000 }
}

/** To see whether everything runs. */
export const quick: Scale = {
  rounds: 1,
  blobRounds: 1,
  manifests: 100,
  tags: { few: 20, many: 500 },
  entries: 2000,
  mostEntries: 8000,
  mebibytes: 32,
  memoryMebibytes: { small: 16, large: 64 },
  starts: 3,
  calls: 100,
  seconds: 1,
  removals: 900,
  requests: { queued: 500, calls: 160 }
}

export interface Bench {
  readonly scale: Scale
  /** Whether to wait for the peer where it takes minutes. */
  readonly patient: boolean
  /** The peer's figures in milliseconds under names of its own, none where it cannot be run. */
  readonly peer: (load: { readonly manifests?: number; readonly mebibytes?: number }) => Effect.Effect<Figures, unknown>
  /** A layout with so many tagged manifests, made once and only read. */
  readonly layout: (tags: number) => Effect.Effect<string, unknown>
  /** A command that may be missing, which is said once. */
  readonly has: (command: string) => boolean
  /** Tells a person, and no program. */
  readonly say: (line: string) => void
}

export interface Group {
  readonly name: string
  readonly about: string
  readonly run: (bench: Bench) => Effect.Effect<ReadonlyArray<Case>, unknown, Scope.Scope>
}
