/**
 * Watches every call that ours and other tools make of a simulated disk, and knows what has to be true in the end: what
 * each name may be, and which content may be missing. It shares nothing with the program but the words of `index.json`.
 */
import { find } from "../simulation/Disk.ts"
import type { Call } from "../simulation/Machine.ts"
import { root, type World } from "../simulation/World.ts"
import { dayNs, Effects, type ToolProcess } from "./Effects.ts"
import { imageWith, partsOf } from "./images.ts"
import { parsedIndex } from "./indexJson.ts"
import { Names, type Start } from "./Names.ts"
import type { Said } from "./Tool.ts"
import type { ToolPlan } from "./ToolPlan.ts"
import { generationOf, type State, stateOf, Versions } from "./Versions.ts"

/** One change of a name by one of ours. */
export interface Write {
  readonly name: string
  readonly digest: string | undefined
  readonly start: Start
  /** Once the index says it. */
  begun?: number
}

interface OurProcess {
  readonly kind: "ours"
  write: Write | undefined
}

type Process = OurProcess | ToolProcess

interface Seen {
  readonly node: number | undefined
  readonly bytes: Uint8Array | undefined
}

const indexPath = `${root}/index.json`
/** Calls that open a file to change it in its place. */
const writes = new Set(["open(overwrite)", "open(update)"])
const blobFolder = `${root}/blobs/`

export class Ghost {
  readonly names: Names
  readonly versions = new Versions()
  /** Content that may be missing: a tool took it away before we had anything to do with it. */
  readonly excused = new Set<string>()
  /** What happened, in words, for the reader of a failure. */
  readonly story: Array<string> = []
  readonly #world: World
  readonly #effects: Effects
  readonly #processes = new Map<number, Process>()
  /** When what we have acknowledged was pushed. */
  readonly #pushed = new Map<string, bigint>()
  readonly #startedNs: bigint
  #last: Call | undefined
  #seen: Seen = { node: undefined, bytes: undefined }

  constructor(world: World, initial: State) {
    this.#world = world
    this.names = new Names(initial)
    this.#effects = new Effects(world, this.names, this.versions, this.excused)
    this.#startedNs = this.#nowNs
    this.#seen = this.#look()
  }

  // ---- who takes part

  ours(process: number): void {
    this.#processes.set(process, { kind: "ours", write: undefined })
  }

  tool(process: number, plan: ToolPlan, mayDie: boolean): (said: Said) => void {
    const tool: ToolProcess = {
      kind: "tool",
      plan,
      mayDie,
      start: undefined,
      generation: undefined,
      sawAll: false,
      means: new Map(),
      meant: new Map(),
      relies: new Map(),
      opened: undefined,
      cut: new Map(),
      written: undefined,
      lost: false
    }
    this.#processes.set(process, tool)
    return (said) => {
      this.settle()
      if (said._tag !== "Relies") this.tell(process, wordsOf(said))
      if (said._tag === "Opened") {
        this.#effects.opened(tool, this.#seen.bytes)
      }
      if (said._tag === "Means") tool.means.set(said.name, said.digest)
      if (said._tag === "Relies") tool.relies.set(said.digest, this.#nowNs)
    }
  }

  /** What it is going to say of a name is asked for now. */
  asks(process: number, name: string, digest: string | undefined): Write {
    this.settle()
    const write: Write = { name, digest, start: this.names.start([name]) }
    this.tell(process, `is asked for ${name} = ${noteOf(digest)}`)
    const found = this.#processes.get(process)
    if (found?.kind === "ours") found.write = write
    return write
  }

  /** It was answered that the name is so. */
  acknowledged(process: number, { begun, digest, name, start }: Write): void {
    this.settle()
    this.names.end(name, digest, start, begun)
    this.tell(process, `acknowledges ${name} = ${noteOf(digest)}`)
    this.#forget(process)
  }

  /** It was answered that nothing has happened, or that it is not known. */
  refused(process: number, { begun, digest, name }: Write, isKnown: boolean): void {
    this.settle()
    if (!isKnown && begun === undefined) this.names.begin(name, digest)
    this.tell(process, isKnown ? `refuses ${name}` : `does not know about ${name}`)
    this.#forget(process)
  }

  /** It was answered that this content is stored. */
  stored(digests: ReadonlyArray<string>): void {
    this.settle()
    for (const digest of digests) {
      this.#pushed.set(digest, this.#nowNs)
      this.excused.delete(digest)
    }
  }

  #forget(process: number): void {
    const found = this.#processes.get(process)
    if (found?.kind === "ours") found.write = undefined
  }

  // ---- what happens

  /** Before every call. */
  readonly before = (call: Call): void => {
    this.settle()
    this.#last = call
    const process = this.#processes.get(call.process)
    if (process?.kind === "tool" && call.operation === "unlink" && call.path.startsWith(blobFolder)) {
      this.#removes(digestAt(call.path))
      this.tell(call.process, `removes ${noteOf(digestAt(call.path))}`)
    }
    // Until it is filled again it is gone; a tool that is killed leaves it so.
    if (process?.kind === "tool" && call.path.startsWith(blobFolder) && call.operation === "open(overwrite)") {
      this.#removes(digestAt(call.path))
    }
    if (process?.kind === "tool" && call.path === indexPath && writes.has(call.operation)) {
      process.opened = this.#seen.node
      process.cut = this.#state()
      process.lost = false
    }
  }

  /** Takes in what the last call has done. */
  settle(): void {
    const call = this.#last
    if (call === undefined) return
    const process = this.#processes.get(call.process)
    const before = this.#seen
    const now = this.#look()
    this.#seen = now
    if (now.bytes !== before.bytes || now.node !== before.node) {
      this.tell(call.process, `${call.operation}: the index is ${now.bytes === undefined ? "gone" : shown(now.bytes)}`)
    }
    if (call.path.startsWith(blobFolder) && ["rename", "link", "write"].includes(call.operation)) {
      this.excused.delete(digestAt(call.path))
    }
    if (process?.kind === "tool") this.#toolWrote(process, before, now)
    else if (now.bytes !== before.bytes && now.bytes !== undefined) this.#weWrote(process, before, now.bytes)
  }

  #weWrote(process: OurProcess | undefined, before: Seen, bytes: Uint8Array): void {
    this.versions.add(before.bytes, bytes, this.#nowNs)
    const write = process?.write
    const state = this.#state()
    if (write !== undefined && write.begun === undefined && state.get(write.name) === write.digest) {
      write.begun = this.names.begin(write.name, write.digest)
    }
  }

  #toolWrote(tool: ToolProcess, before: Seen, now: Seen): void {
    const isElsewhere = tool.opened !== undefined && tool.opened !== now.node
    const bytes = isElsewhere ? this.#bytesOf(tool.opened) : now.bytes
    if (tool.plan.tool === "wipe" && now.bytes === undefined && before.bytes !== undefined) {
      return this.#effects.wiped(tool)
    }
    if (tool.plan.tool === "replace by copy" || bytes === undefined) return
    if (isElsewhere ? bytes === tool.written : bytes === before.bytes && now.node === before.node) return
    tool.written = bytes
    const index = parsedIndex(bytes)
    if (index === undefined) return
    if (now.node !== before.node) this.#takesAway(tool, before.node)
    const replaced = tool.opened === undefined ? stateIn(before.bytes) : tool.cut
    this.#effects.wrote(tool, {
      bytes,
      state: stateOf(index),
      replaced,
      isNew: before.bytes === undefined && tool.opened === undefined
    })
    tool.opened = undefined
  }

  /** A tool that puts another file in the place of one that a third has open takes that one's word away. */
  #takesAway(by: ToolProcess, node: number | undefined): void {
    if (node === undefined) return
    for (const other of this.#processes.values()) {
      if (other.kind === "tool" && other !== by && other.opened === node) other.lost = true
    }
  }

  /** A tool takes content away: who loses it by that? */
  #removes(digest: string): void {
    const since = this.#pushed.get(digest)
    if (since !== undefined && this.#nowNs - since < dayNs) return
    const owed = Array.from(this.versions.namedSince(this.#nowNs - 7n * dayNs)).flatMap((manifest) => {
      const image = imageWith(manifest)
      return image === undefined ? [manifest] : partsOf(image).map((part) => part.digest)
    })
    if (!owed.includes(digest)) this.excused.add(digest)
  }

  // ---- what lies there

  get #nowNs(): bigint {
    return this.#world.machine.nowNs
  }

  #look(): Seen {
    const bytes = this.#world.bytes("index.json")
    if (bytes === undefined) return { node: undefined, bytes: undefined }
    return { node: find(this.#world.machine.disk, indexPath, true).node, bytes }
  }

  #bytesOf(node: number | undefined): Uint8Array | undefined {
    const found = node === undefined ? undefined : this.#world.machine.disk.nodes.get(node)
    return found?.kind === "file" ? found.content : undefined
  }

  #state(): State {
    return stateIn(this.#seen.bytes)
  }

  #nameOf(process: number): string {
    const found = this.#processes.get(process)
    return found?.kind === "tool" ? `${found.plan.tool} ${process}` : `process ${process} of ours`
  }

  /** For the reader of a failure. */
  tell(process: number, what: string): void {
    const seconds = Number((this.#nowNs - this.#startedNs) / 1_000_000_000n)
    this.story.push(`${seconds} s, ${this.#nameOf(process)} ${what}`)
  }
}

const stateIn = (bytes: Uint8Array | undefined): State => {
  const index = bytes === undefined ? undefined : parsedIndex(bytes)
  return index === undefined ? new Map() : stateOf(index)
}

/** How a digest is called where people read. */
export const noteOf = (digest: string | undefined): string =>
  digest === undefined ? "nothing" : imageWith(digest)?.note ?? digest.slice(7, 19)

const shown = (bytes: Uint8Array): string => {
  const index = parsedIndex(bytes)
  if (index === undefined) return "torn"
  const names = Array.from(stateOf(index), ([name, digest]) => `${name} = ${noteOf(digest)}`)
  return `${names.join(", ")} (${generationOf(index)?.replace(/^.*?[.:]/u, "") ?? "no mark"})`
}

const wordsOf = (said: Said): string =>
  said._tag === "Means"
    ? `means ${said.name} = ${noteOf(said.digest)}`
    : said._tag === "Opened"
    ? "reads the index"
    : "is done"

const digestAt = (path: string): string => path.slice(blobFolder.length).replace("/", ":")
