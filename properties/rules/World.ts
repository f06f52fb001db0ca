/** A world is data: who is there, and what they are about to do. It can be run on any store, not only on this model. */

/** A manifest or a layer, by a short name. */
export type Content = string

/** What each name points at. */
export type Entries = Readonly<Record<string, Content>>

/** In a command or an answer: the name is not there. */
export const absent = "-"

export const minute = 1
export const hour = 10
export const day = 100
/** The window of undo. */
export const week = 1000

export type Command =
  | readonly ["set", name: string, to: Content]
  | readonly ["look"]
  | readonly ["collect"]

export interface Program {
  readonly commands: ReadonlyArray<Command>
  /** It follows the rules of an older version. */
  readonly older?: true
}

/** A program that knows nothing of ours, or a person with a shell. */
export type Tool =
  /** Reads the index, pushes what is not there, writes the index; without a name, the very bytes it read. */
  | {
    readonly kind: "rewrite"
    readonly how: "truncate" | "rename"
    readonly name?: string
    readonly to?: Content
    /** Annotations of the index that it does not know are lost. */
    readonly strips?: true
    /** Writes `oci-layout` just before. */
    readonly ownHand?: true
    /** A temporary file of its lies there while it works. */
    readonly temporary?: true
  }
  /** Reads the index, then removes what that index does not reach; one at a time, or all at once. */
  | { readonly kind: "collect"; readonly oneByOne?: true }
  /** Adds a name, and collects by the index that it wrote. */
  | { readonly kind: "add and collect"; readonly name: string; readonly to: Content }
  /** Saves the index and puts it back later. */
  | { readonly kind: "restore"; readonly how: "move" | "copy" }
  /** `rm -rf` of all but `.ocilayout`, in one step or in two, and another tool that builds anew. */
  | { readonly kind: "wipe"; readonly builds: Entries; readonly slowly?: true }
  /** The whole layout is copied, and the copy is what is used from now on. */
  | { readonly kind: "copy" }
  /** `blobs/` is replaced by a copy of itself. */
  | { readonly kind: "replace blobs" }
  /** The index of a copy in which a name was set meanwhile is written over ours. */
  | { readonly kind: "diverge"; readonly name: string; readonly to: Content }

/** Which changes of folders survive a power cut. */
export type FileSystem =
  /** All up to some moment. */
  | "ordered"
  /** Those of each folder up to some moment; an exchange between two folders whole. */
  | "by folder"
  /** Those of each folder up to some moment; an exchange in halves. */
  | "loose"

/** A step of time, or a jump of the clock during which no time goes by. */
type Tick = number | { readonly jump: number }

export interface World {
  readonly entries: Entries
  /** What each manifest reaches. One that is not named here has no layers. */
  readonly layers?: Readonly<Record<Content, ReadonlyArray<Content>>>
  /** What one of our programs did before, and how long ago. */
  readonly history?: { readonly commands: ReadonlyArray<Command>; readonly age: number }
  readonly programs: ReadonlyArray<Program>
  readonly tools?: ReadonlyArray<Tool>
  readonly readers?: number
  readonly fileSystem: FileSystem
  /** How often the exchange says that it failed, whether it was done or not. */
  readonly failedExchanges?: number
  /** There is no exchange: the new index is renamed over the old one. */
  readonly noExchange?: true
  /** Content that was not synced can be torn or lost by a power cut. */
  readonly tears?: true
  readonly kills?: number
  readonly powerCuts?: number
  readonly ticks?: ReadonlyArray<Tick>
  /** How often a command tries, 2 by default. */
  readonly tries?: number
  /** How long after everything is at rest our next look comes. */
  readonly delays?: ReadonlyArray<number>
  /** Whether tools that act on every write of ours are tried at the end, true by default. */
  readonly reactive?: false
}

export const set = (name: string, to: Content): Command => ["set", name, to]
export const remove = (name: string): Command => ["set", name, absent]
export const look: Command = ["look"]
export const collect: Command = ["collect"]

/** The history of a layout that one of our programs has looked at, and nothing more. */
export const adopted = { commands: [look], age: 0 } as const
