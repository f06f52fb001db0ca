/** Registries on a simulated machine, as so many processes would have them, and what lies on its disk. */
import { Clock, Effect, Exit, Scope } from "effect"
import { hasher } from "../../../src/node/files/hasher.ts"
import type { Durability } from "../../../src/node/files/layoutFiles.ts"
import { RandomName } from "../../../src/node/files/layoutFiles.ts"
import type { LayoutFs } from "../../../src/node/fs/LayoutFs.ts"
import { UserKey } from "../../../src/node/fs/userKey.ts"
import { type OpenStores, openStores } from "../../../src/node/stores.ts"
import type { Repository } from "../../../src/oci/Reference.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../../src/ops/makeRegistry.ts"
import { Code, type Disk, find, type Node, nodeAt } from "./Disk.ts"
import { Machine, type MachineOptions } from "./Machine.ts"
import { superuser, type User } from "./rights.ts"

/** The same for all processes, and after a crash. */
const userKey = new Uint8Array(32)

/** Where the layout is. */
export const root = "/srv/layout"

export interface Process {
  readonly id: number
  readonly fs: LayoutFs
  readonly registry: LayoutRegistry
  readonly stores: OpenStores
  readonly close: () => Promise<void>
}

export class World {
  readonly machine: Machine
  #names = 0

  constructor(machine: Machine, names = 0) {
    this.machine = machine
    this.#names = names
  }

  /** How many random names were given; what goes on after a crash goes on from there. */
  get names(): number {
    return this.#names
  }

  readonly run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(this.within(effect))

  /** With the machine's clock, and names that can be repeated. */
  within<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return effect.pipe(
      Effect.provideService(Clock.Clock, this.machine.clock),
      // Both halves differ: some names have the first alone.
      Effect.provideService(RandomName, () => (this.#names++).toString(16).padStart(16, "0").repeat(2)),
      Effect.provideService(UserKey, () => userKey)
    )
  }

  /** Opens the layout in a process of its own, with segments of a few commits. */
  async open(
    durability: Durability = "power",
    { defaultRepository, user = superuser }: { defaultRepository?: Repository; user?: User } = {}
  ): Promise<Process> {
    const { fs, id } = this.machine.process(user)
    const scope = Effect.runSync(Scope.make())
    const history = { segmentBytes: 1500, segmentIndexes: 0 }
    const opened = openStores(fs, { directory: root, durability, history }, defaultRepository)
    const stores = await this.run(Effect.provideService(opened, Scope.Scope, scope))
    const close = (): Promise<void> => this.run(Scope.close(scope, Exit.void))
    return { id, fs, stores, registry: sharedRegistry(stores, hasher), close }
  }

  /** What is under a name of the layout, or nothing. */
  node(path: string): Node | undefined {
    const place = this.#find(path)
    return place === undefined ? undefined : nodeAt(this.machine.disk, place)
  }

  /** The bytes of a file of the layout. */
  bytes(path: string): Uint8Array | undefined {
    const node = this.node(path)
    return node?.kind === "file" ? node.content : undefined
  }

  /** The names in a folder of the layout; none where there is none. */
  list(path: string): ReadonlyArray<string> {
    const node = this.node(path)
    return node?.kind === "directory" ? Array.from(node.entries.keys()) : []
  }

  #find(path: string): number | undefined {
    try {
      return find(this.machine.disk, `${root}/${path}`, false).node
    } catch (error) {
      if (error instanceof Code) return undefined
      throw error
    }
  }
}

/** A disk at some time, and how many random names were given until then. */
export interface Instant {
  readonly disk: Disk
  readonly nowNs: bigint
  readonly names: number
  /** See `MachineOptions`. */
  readonly ordersNames?: boolean
}

/** A machine that starts with this disk. */
export const restarted = (
  disk: Disk,
  { names, nowNs, ordersNames = false }: Omit<Instant, "disk">,
  options: MachineOptions = {}
): World => new World(new Machine({ ordersNames, ...options }, disk, nowNs), names)
