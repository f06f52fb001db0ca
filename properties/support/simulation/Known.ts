/** What is known of a layout while it is damaged: what names may be, and which content may be lost. */
import { assert } from "@effect/vitest"
import { digestOf, documentOf } from "../contents.ts"
import { nodeThere } from "./copies.ts"
import type { Damaged } from "./damage.ts"
import type { Disk } from "./Disk.ts"
import type { Furnished } from "./furnished.ts"
import { type Done, one, two } from "./furnishedCommands.ts"
import { restarted, root, type World } from "./World.ts"

export const own = `${root}/.ocilayout`

export const journal = `${own}/journal/2/current.ndjson`

interface Index {
  readonly manifests: ReadonlyArray<
    { readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }
  >
}

/** What names are in an index, as tools read it. */
export const namesIn = (world: World): ReadonlyMap<string, string> => {
  const { manifests } = JSON.parse(Buffer.from(world.bytes("index.json") ?? []).toString("utf8")) as Index
  return new Map(manifests.flatMap(({ annotations, digest }) => {
    const name = annotations?.["org.opencontainers.image.ref.name"]
    return name === undefined ? [] : [[name.includes(":") ? name : `app:${name}`, digest] as const]
  }))
}

/** What is known of a layout while it is damaged. */
export class Known {
  /** What each name may be. */
  readonly #names: Map<string, Set<string | undefined>>
  /** What each has been. */
  readonly #past: Map<string, Set<string | undefined>>
  /** Whether content that is shared with `blobs/` was hit, so that some may be damaged. */
  contentHit = false
  /** Whether a second name may be damaged, and whether content may be gone with it. */
  heldHit = false
  contentLost = false
  /** Whether a part of the history may be lost. */
  historyHit = false
  /** Whether a file was hit that a command was still writing: until it is repaired, anything may have come of that. */
  unfinishedHit = false
  /** What lies in the place of something else: until it is taken away, commands may be refused. */
  readonly obstacles = new Set<string>()

  constructor(start: Furnished) {
    const pastOf = (disk: Disk): ReadonlyMap<string, string> => namesIn(restarted(disk, start))
    this.#names = new Map(Array.from(pastOf(start.disk), ([name, digest]) => [name, new Set([digest])]))
    this.#past = new Map()
    for (const disk of start.older) {
      if (nodeThere(disk, `${root}/index.json`) === undefined) continue
      const names = pastOf(disk)
      for (const name of new Set([...this.#names.keys(), ...names.keys()])) this.#note(name, names.get(name))
    }
    for (const [name, values] of this.#names) for (const value of values) this.#note(name, value)
  }

  #note(name: string, value: string | undefined): void {
    const known = this.#past.get(name) ?? new Set([undefined])
    this.#past.set(name, known.add(value))
  }

  acknowledged({ names }: Done): void {
    for (const [name, digest] of Object.entries(names)) {
      this.#names.set(name, new Set([digest]))
      this.#note(name, digest)
    }
  }

  /** Whether it happened is not known. */
  unknown(command: string): void {
    const effect: Readonly<Record<string, Done["names"]>> = {
      push: { "app:pushed": digestOf(documentOf("elsewhere").bytes) },
      tag: { "app:v1": two },
      tagBack: { "app:v1": one },
      untag: { "app:v2": undefined }
    }
    for (const [name, digest] of Object.entries(effect[command] ?? {})) {
      this.#names.set(name, new Set([...this.#names.get(name) ?? [undefined], digest]))
      this.#note(name, digest)
    }
    // An undo may have led anywhere that names have been.
    if (command === "undo") this.journalOlder()
  }

  /** The journal says less than was acknowledged: a name may be what it has been before. */
  journalOlder(): void {
    for (const [name, past] of this.#past) this.#names.set(name, new Set([...this.#names.get(name) ?? [], ...past]))
  }

  /**
   * Something was damaged.
   *
   * @param before what the disk was just before
   * @param under what it was when the command under way began
   */
  damaged(hit: Damaged, before: Disk, under: Disk): void {
    for (const path of hit.paths) {
      if (isObstacle(hit)) this.obstacles.add(path)
      if (path === own || path.startsWith(`${own}/journal`)) this.historyHit = true
      if (path === own || path.startsWith(`${own}/kept`)) this.heldHit = true
      if (nodeThere(under, path) === undefined) this.unfinishedHit = true
    }
    if (hit.shared) this.contentHit = true
    if (leavesOlderJournal(hit, before)) this.journalOlder()
  }

  /** What a name may be. */
  allowed(name: string): ReadonlyArray<string | undefined> {
    return [...this.#names.get(name) ?? [undefined]]
  }

  check(world: World, when: string): void {
    const found = namesIn(world)
    for (const name of new Set([...found.keys(), ...this.#names.keys()])) {
      if (isRecovered(name, found.get(name))) continue
      assert.include([...this.allowed(name)], found.get(name), `${name} ${when}`)
    }
  }
}

const isObstacle = ({ harm }: Damaged): boolean => harm === "a link elsewhere" || harm.startsWith("a f")

/** Whether `repair` has listed a manifest that nothing led to any more, by the beginning of its digest. */
export const isRecovered = (name: string, digest: string | undefined): boolean =>
  /^recovered:[0-9a-f]{12}$/u.test(name) && digest?.slice("sha256:".length).startsWith(name.slice(-12)) === true

/** What the journal says, as text; nothing where it is none. */
const journalOn = (disk: Disk): string => {
  const node = nodeThere(disk, journal)
  return node?.kind === "file" ? Buffer.from(node.content).toString("latin1") : ""
}

/** Whether a journal is left that has a line, and may have lost others: it may look like one of an earlier time. */
const leavesOlderJournal = ({ disk }: Damaged, before: Disk): boolean =>
  journalOn(disk).includes("\n") && journalOn(disk) !== journalOn(before)
