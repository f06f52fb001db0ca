/** What the writes of other tools make of the names, and whose word they take away. */
import type { World } from "../simulation/World.ts"
import { parsedIndex } from "./indexJson.ts"
import type { Names, Start } from "./Names.ts"
import type { ToolPlan } from "./ToolPlan.ts"
import { generationOf, namesIn, sameBytes, type State, type Versions } from "./Versions.ts"

export const dayNs = 86_400_000_000_000n

export interface ToolProcess {
  readonly kind: "tool"
  readonly plan: ToolPlan
  /** Whether it may be killed, so that nothing is sure of what it was asked. */
  readonly mayDie: boolean
  start: Start | undefined
  /** The mark in what it has read, and whether that was what we had left last. */
  generation: string | undefined
  sawAll: boolean
  readonly means: Map<string, string | undefined>
  /** What it has written before, and remembers. */
  readonly meant: Map<string, string | undefined>
  readonly relies: Map<string, bigint>
  /** The index that it has open for writing, and what that said before. */
  opened: number | undefined
  cut: State
  written: Uint8Array | undefined
  /** Another tool has taken the file away that it is writing. */
  lost: boolean
}

interface Written {
  readonly bytes: Uint8Array
  readonly state: State
  /** What the index said that it took the place of. */
  readonly replaced: State
  /** Whether there was none. */
  readonly isNew: boolean
}

export class Effects {
  readonly #world: World
  readonly #names: Names
  readonly #versions: Versions
  readonly #excused: Set<string>

  constructor(world: World, names: Names, versions: Versions, excused: Set<string>) {
    this.#world = world
    this.#names = names
    this.#versions = versions
    this.#excused = excused
  }

  /** Everything is gone, and that was meant. */
  wiped(tool: ToolProcess): void {
    for (const name of this.#names.all) this.#names.require(name, undefined)
    this.#versions.forget()
    tool.start = this.#names.start([])
  }

  /** It has the index that it will build on. */
  opened(tool: ToolProcess, bytes: Uint8Array | undefined): void {
    const last = this.#versions.all.at(-1)
    tool.start = this.#names.start([])
    tool.generation = generationOf(bytes === undefined ? undefined : parsedIndex(bytes))
    tool.sawAll = last !== undefined && bytes !== undefined && sameBytes(bytes, last.bytes)
  }

  /** A whole index is on the disk that a tool has written. */
  wrote(tool: ToolProcess, { bytes, isNew, replaced, state }: Written): void {
    if (tool.plan.tool === "wipe" && isNew) {
      for (const name of namesIn(state, new Map(this.#names.all.map((name) => [name, ""])))) {
        this.#names.require(name, state.get(name))
      }
      return
    }
    if (tool.plan.tool === "put back") {
      const superseded = this.#versions.supersededNs(bytes)
      if (superseded !== undefined && this.#nowNs - superseded >= dayNs) return this.#restored(state)
      if (!this.#versions.all.some((version) => sameBytes(version.bytes, bytes))) {
        for (const [name, digest] of state) this.#names.allow(name, digest)
      }
    }
    this.#carriedAlong(tool, state, bytes, replaced)
    for (const [name, digest] of tool.means) {
      if (state.get(name) !== digest) continue
      const isMarked = generationOf(parsedIndex(bytes)) !== undefined
      const isDoubtful = this.#versions.saidSince(isMarked ? tool.generation : undefined, name, digest)
      const isCertain = tool.sawAll && isMarked
      if (tool.lost || tool.mayDie || (isDoubtful && !isCertain) || tool.start === undefined) {
        this.#names.allow(name, digest)
      } else this.#names.end(name, digest, tool.start)
    }
    for (const [name, digest] of tool.means) tool.meant.set(name, digest)
    tool.means.clear()
    for (const [digest, sinceNs] of tool.relies) if (this.#nowNs - sinceNs >= dayNs) this.#excused.add(digest)
  }

  /** A copy that was put back on purpose: of old versions, a day after they were over. */
  #restored(state: State): void {
    const layout = this.#world.node("oci-layout")
    const index = this.#world.node("index.json")
    const together = layout !== undefined && index !== undefined && near(layout.mtimeNs, index.mtimeNs)
    for (const name of namesIn(state, new Map(this.#names.all.map((name) => [name, ""])))) {
      if (together) this.#names.allow(name, state.get(name))
      else this.#names.require(name, state.get(name))
    }
  }

  /** What it says of names that it does not mean: between tools it cannot be helped. */
  #carriedAlong(tool: ToolProcess, state: State, bytes: Uint8Array, replaced: State): void {
    const head = this.#versions.head
    for (const [name, digest] of state) {
      if (!tool.means.has(name) && !this.#versions.said(name, digest)) this.#names.allow(name, digest)
    }
    for (const name of namesIn(replaced, state, head ?? new Map())) {
      if (tool.means.has(name)) continue
      const isOurs = head === undefined ? replaced.get(name) === state.get(name) : replaced.get(name) === head.get(name)
      if (isOurs) continue
      this.#names.allow(name, state.get(name))
      this.#names.allow(name, head?.get(name))
    }
    // A program that keeps the layout open says again what another tool has overwritten before we saw it.
    for (const [name, digest] of tool.meant) {
      if (!tool.means.has(name) && state.get(name) === digest) this.#names.allow(name, digest)
    }
    const adopted = this.#versions.adopted
    if (adopted === undefined || head === undefined || generationOf(parsedIndex(bytes)) !== undefined) return
    for (const [name, digest] of adopted) {
      if (!tool.means.has(name) && state.get(name) !== digest && head.get(name) === digest) {
        this.#names.allow(name, state.get(name))
      }
    }
  }

  get #nowNs(): bigint {
    return this.#world.machine.nowNs
  }
}

const near = (a: bigint, b: bigint): boolean => {
  const apart = a > b ? a - b : b - a
  return apart <= 2_000_000_000n
}
