/** The journal of a layout, read the plain way. */
import * as fs from "node:fs"
import { join } from "node:path"

interface PlainEvent {
  readonly _tag: string
  readonly value?: unknown
  readonly refName?: string
}

export interface PlainCommit {
  readonly revision: number
  readonly actor: string
  readonly events: ReadonlyArray<PlainEvent>
}

interface Line {
  readonly e: { readonly _tag: string; readonly seq: number; readonly commits?: ReadonlyArray<PlainCommit> }
}

/** The commits that happened, oldest first; nothing here was aborted. */
export const commitsIn = (layout: string): ReadonlyArray<PlainCommit> =>
  fs.readFileSync(join(layout, ".ocilayout", "journal", "2", "current.ndjson"), "utf8")
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => (JSON.parse(line) as Line).e.commits ?? [])

/** The generation annotation of the index. */
export const generationIn = (layout: string): string | undefined =>
  (JSON.parse(fs.readFileSync(join(layout, "index.json"), "utf8")) as {
    readonly annotations?: Readonly<Record<string, string>>
  }).annotations?.["dev.ocilayout.generation"]
