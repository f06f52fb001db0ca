/** Those who work on one simulated layout, ours and other tools, with what they are told and a ghost that watches. */
import { Effect, Fiber, Option, Stream } from "effect"
import type { RegistryError } from "../../../src/oci/OciError.ts"
import { Actor } from "../../../src/ops/api/Actor.ts"
import { type Call, Machine } from "../simulation/Machine.ts"
import { type Process, root, World } from "../simulation/World.ts"
import { Gate } from "./Gate.ts"
import { Ghost } from "./Ghost.ts"
import { imageOf, partsOf } from "./images.ts"
import { parsedIndex } from "./indexJson.ts"
import type { Told } from "./judge.ts"
import type { Moment, Work } from "./Tool.ts"
import { runTool, type ToolPlan, wantsQuiet } from "./ToolPlan.ts"
import { stateOf } from "./Versions.ts"

/** What a process of ours is asked for. */
export interface Ask {
  readonly does: "push" | "tag" | "untag" | "read" | "collect"
  readonly name: string
  readonly note: string
}

export class Cast {
  readonly world: World
  readonly told: Array<Told> = []
  /** How many tools did what they were asked, and how many gave up. */
  readonly tools = { done: 0, "gave up": 0 }
  /** Told of every call before it happens. */
  onCall: (call: Call) => void = () => undefined
  readonly #gate = new Gate()
  readonly #lives = new Map<number, { left: number; readonly end: () => void }>()
  #ghost: Ghost | undefined
  #digits = 100_000
  #asks = 0

  /** @param yielding whether another may go on before every call */
  constructor(yielding: boolean) {
    this.world = new World(
      new Machine({
        yielding,
        before: (call) => {
          if (this.#dies(call.process)) return undefined
          this.#ghost?.before(call)
          this.onCall(call)
          return undefined
        }
      })
    )
  }

  /** Whether a call is the one that a tool is killed before. */
  #dies(process: number): boolean {
    const life = this.#lives.get(process)
    if (life === undefined || life.left-- > 0) return false
    this.#lives.delete(process)
    this.#ghost?.tell(process, "is killed")
    this.world.machine.kill(process)
    life.end()
    return true
  }

  /** A folder, and in it what another tool has built of these names and notes, if any. */
  async furnish(names: Readonly<Record<string, string>>): Promise<void> {
    const { fs } = this.world.machine.process()
    await this.world.run(Effect.andThen(fs.makeDirectory("/srv", 0o755), fs.makeDirectory(root, 0o755)))
    for (const [name, note] of Object.entries(names)) {
      await this.world.run(this.tool({ tool: "skopeo", name, note }, () => Effect.void))
    }
  }

  /** What watches; not before `watch`. */
  get ghost(): Ghost {
    if (this.#ghost === undefined) throw new Error("it is not watched yet")
    return this.#ghost
  }

  /** From now on everything is watched. */
  watch(): void {
    const bytes = this.world.bytes("index.json")
    const index = bytes === undefined ? undefined : parsedIndex(bytes)
    this.#ghost = new Ghost(this.world, index === undefined ? new Map() : stateOf(index))
  }

  /**
   * A tool at work, however it ends.
   *
   * @param lives how many calls it makes before it is killed, if it is
   */
  tool(plan: ToolPlan, pause: (moment: Moment) => Effect.Effect<void>, lives?: number): Effect.Effect<void> {
    const { fs, id } = this.world.machine.process()
    const killed = Effect.callback<void>((resume) => {
      if (lives !== undefined) this.#lives.set(id, { left: lives, end: () => resume(Effect.void) })
    })
    const work: Work = runTool({
      fs,
      root,
      say: this.#ghost?.tool(id, plan, lives !== undefined) ?? (() => undefined),
      pause,
      digits: () => String(this.#digits++),
      alone: (work) => this.#gate.alone(work),
      together: (work) => this.#gate.within(work)
    }, plan)
    const ended = Effect.match(work, {
      onSuccess: () => void this.tools.done++,
      onFailure: (error) => {
        this.#ghost?.tell(id, `gives up: ${error.message}`)
        this.tools["gave up"]++
      }
    })
    // A call that never returns cannot be interrupted either.
    const either = lives === undefined
      ? ended
      : Effect.flatMap(Effect.forkDetach(ended), (fiber) => Effect.raceFirst(Fiber.join(fiber), killed))
    return wantsQuiet(plan) ? either : this.#gate.within(either)
  }

  /** One of ours at work, whatever is answered. */
  ours(process: Process, ask: Ask): Effect.Effect<void> {
    this.#ghost?.ours(process.id)
    return this.#gate.within(this.#ask(process, ask))
  }

  #ask(process: Process, { does, name, note }: Ask): Effect.Effect<void> {
    const { registry } = process
    const { digest } = imageOf(note).manifest
    const [repository = "", tag = ""] = name.split(":")
    const label = `${does} ${name} ${note} ${this.#asks++}`
    switch (does) {
      case "push":
        return Effect.matchEffect(this.#pushBlobs(process, repository, note), {
          onSuccess: () => this.#write(process, label, name, digest, this.#pushManifest(process, name, note)),
          onFailure: () => Effect.void
        })
      case "tag":
        return this.#write(process, label, name, digest, registry.tagManifest(repository, digest, [tag]))
      case "untag":
        return this.#write(process, label, name, undefined, registry.deleteTag(repository, tag))
      case "read":
        return Effect.ignore(registry.getTag(repository, tag))
      case "collect":
        return Effect.ignore(Effect.gen(function*() {
          const { id } = yield* registry.planGarbage({ untagged: true })
          if (Option.isSome(id)) yield* registry.collectGarbage(id.value)
        }))
    }
  }

  #pushBlobs({ registry }: Process, repository: string, note: string): Effect.Effect<void, RegistryError> {
    const { config, layers } = imageOf(note)
    return Effect.forEach(
      [...layers, config],
      ({ bytes, digest }) =>
        Effect.map(registry.pushBlob(repository, Stream.succeed(bytes)), () => this.#ghost?.stored([digest])),
      {
        discard: true
      }
    )
  }

  #pushManifest({ registry }: Process, name: string, note: string) {
    const image = imageOf(note)
    const [repository = "", tag = ""] = name.split(":")
    return Effect.map(
      registry.pushManifest(repository, image.manifest.bytes, image.mediaType, { tags: [tag] }),
      (pushed) => {
        this.#ghost?.stored(partsOf(image).map(({ digest }) => digest))
        return pushed
      }
    )
  }

  #write(
    { id }: Process,
    label: string,
    name: string,
    digest: string | undefined,
    change: Effect.Effect<{ readonly revision: Option.Option<number> }, RegistryError>
  ): Effect.Effect<void> {
    return Effect.suspend(() => {
      const ghost = this.#ghost
      const write = ghost?.asks(id, name, digest)
      const at = this.told.push({ label, name, digest, answer: "unknown" }) - 1
      return Effect.match(Effect.provideService(change, Actor, label), {
        onSuccess: ({ revision }) => {
          if (write !== undefined) ghost?.acknowledged(id, write)
          this.told[at] = { label, name, digest, answer: { revision: Option.getOrUndefined(revision) } }
        },
        onFailure: ({ _tag }) => {
          const isKnown = _tag !== "OutcomeUnknown"
          if (write !== undefined) ghost?.refused(id, write, isKnown)
          if (isKnown) this.told[at] = { label, name, digest, answer: "refused" }
        }
      })
    })
  }
}
