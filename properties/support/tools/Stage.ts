/** A cast whose tools stop where they are told to: the shortest way to show what one of them can do. */
import { Effect, Fiber } from "effect"
import type { Process } from "../simulation/World.ts"
import { type Ask, Cast } from "./Cast.ts"
import { judge } from "./judge.ts"
import type { Moment } from "./Tool.ts"
import type { ToolPlan } from "./ToolPlan.ts"

/** A tool at work. */
export interface Working {
  /** Lets it go on to its end, or until this moment. */
  readonly goOn: (until?: Moment) => Promise<void>
}

export class Stage {
  readonly cast: Cast
  readonly #ours: Process
  #wiped = false

  private constructor(cast: Cast, ours: Process) {
    this.cast = cast
    this.#ours = ours
  }

  /** @param names what another tool has built before */
  static async set(names: Readonly<Record<string, string>> = {}): Promise<Stage> {
    const cast = new Cast(false)
    await cast.furnish(names)
    cast.watch()
    return new Stage(cast, await cast.world.open())
  }

  /** Asks a process of ours, and waits for the answer. */
  ours(does: Ask["does"], name: string, note = "a"): Promise<void> {
    return this.cast.world.run(this.cast.ours(this.#ours, { does, name, note }))
  }

  /** Lets a tool begin, and waits until this moment of its work. */
  async begin(plan: ToolPlan, until: Moment): Promise<Working> {
    this.#wiped ||= plan.tool === "wipe"
    let stop: Moment | undefined = until
    let arrived = (): void => undefined
    let release = (): void => undefined
    const pause = (moment: Moment): Effect.Effect<void> =>
      moment === stop
        ? Effect.callback<void>((resume) => {
          release = () => resume(Effect.void)
          arrived()
        })
        : Effect.void
    const reached = (): Promise<void> => new Promise((resolve) => void (arrived = resolve))
    const first = reached()
    const fiber = Effect.runFork(this.cast.world.within(this.cast.tool(plan, pause)))
    const ended = Effect.runPromise(Fiber.join(fiber))
    await Promise.race([first, ended])
    return {
      goOn: async (until) => {
        stop = until
        const next = reached()
        release()
        await Promise.race([next, ended])
      }
    }
  }

  /** Lets a tool do all of its work. */
  async whole(plan: ToolPlan): Promise<void> {
    this.#wiped ||= plan.tool === "wipe"
    await this.cast.world.run(this.cast.tool(plan, () => Effect.void))
  }

  passes({ hours }: { readonly hours: number }): void {
    this.cast.world.machine.advance(hours * 3_600_000)
  }

  /** What is wrong once another process of ours has looked. */
  async findings({ collects = false } = {}): Promise<ReadonlyArray<string> | undefined> {
    const { ghost, told, world } = this.cast
    return judge(world, ghost, await world.open(), { collects, told, keepsHistory: !this.#wiped })
  }
}
