/** The store, its machines and the requests under way: what one step leads from and to. */

/** Equal content can be given two ETags: a plain one, and the one of an upload in parts. */
export type ETag = "a" | "b"
export const otherOf = (etag: ETag): ETag => (etag === "a" ? "b" : "a")

export type Tags = Readonly<Record<string, string>>

export interface Stored {
  readonly etag: ETag
  /** Periods since it was written. */
  readonly age: number
}

interface Condemned {
  readonly etag: ETag
  /** The record that condemned it. */
  readonly by: number
  /** A caller deleted it: only an upload brings it back. */
  readonly deleted?: true
}

export interface Rec {
  readonly id: string
  readonly previous: string
  readonly tags: Tags
  readonly condemned: Readonly<Record<string, Condemned>>
  /** Deleted while another ETag of the same content is condemned. */
  readonly hidden: Readonly<Record<string, ETag>>
  /** What an upload found hidden, and is there from here on. */
  readonly reveals?: string
  /** The lowest number that is kept as an object. */
  readonly floor: number
  /** The foreign bytes of an index that it took in. */
  readonly took?: string
}

export interface Index {
  readonly number: number
  readonly id: string
  readonly tags: Tags
}
/** An index is its bytes, and its ETag is a function of them. */
export const bytesOf = (index: Index): string => JSON.stringify(index)
export const indexOf = (bytes: string): Index => JSON.parse(bytes) as Index

/** What a machine does, one after the other. */
export type Op =
  | { readonly kind: "push" | "conditionalPush" | "upload"; readonly tag: string; readonly digest: string }
  /** Relies on a blob that the head reaches already, without a request. */
  | { readonly kind: "tagReachable"; readonly tag: string; readonly digest: string }
  | { readonly kind: "delete"; readonly tag: string }
  | { readonly kind: "deleteBlob"; readonly digest: string }
  | { readonly kind: "collect" | "retain" | "read" | "tidy" | "putBack" | "edit" }

interface Sent {
  readonly by: number
  /** Periods since the oldest fact that it was signed with. */
  readonly age: number
}
export type Request =
  & Sent
  & (
    | { readonly kind: "putRecord"; readonly number: number; readonly record: Rec }
    | { readonly kind: "putIndex"; readonly ifMatch: string; readonly index: Index }
    | { readonly kind: "foreign"; readonly bytes: string; readonly edit: boolean }
    | {
      readonly kind: "putBlob"
      readonly digest: string
      readonly etag: ETag
    }
    | {
      readonly kind: "refresh"
      readonly digest: string
      readonly ifMatch: ETag
    }
    | { readonly kind: "deleteBlob"; readonly digest: string; readonly etag: ETag }
    | { readonly kind: "removeRecord"; readonly number: number }
  )

export type Status = 200 | 204 | 403 | 404 | 412

/** Where a machine stands: before which request. */
type Phase =
  | "open"
  | "head"
  | "look"
  | "list"
  | "create"
  | "who"
  | "fence"
  | "publish"
  | "reread"
  | "put"
  | "refresh"
  | "remove"
  | "removeRecord"
  | "foreign"
  | "wait"
  | "end"

/** A blob as a machine saw it. */
interface Evidence {
  readonly etag: ETag
  readonly age: number
}

export interface Machine {
  ops: ReadonlyArray<Op>
  at: Phase
  /** The record it builds on, and its number. */
  number: number
  record?: Rec
  /** The index as last read. */
  index?: string
  /** Periods since that record was read. */
  headAge: number
  evidence?: Evidence
  mine?: { readonly number: number; readonly id: string }
  draft?: Rec
  /** A collection: `remove` after it condemned, `forget` after it wrote that. */
  stage?: "remove" | "forget"
  /** What the LIST of blobs said. */
  listed?: State["blobs"]
  todo?: ReadonlyArray<readonly [digest: string, etag: ETag]>
  done?: Readonly<Record<string, ETag>>
  numbers?: ReadonlyArray<number>
  /** The store refused it as too old. */
  refused?: true
  /** Periods that it waits. */
  pause?: number
  /** What a reader has to see: acknowledged before it began. */
  due?: ReadonlyArray<Acknowledged>
}

interface Acknowledged {
  readonly id: string
  readonly number: number
  readonly op: Op
}

export interface State {
  index: Index
  records: Readonly<Record<number, Rec>>
  /** Records that were folded into segments. */
  folded: Readonly<Record<number, Rec>>
  blobs: Readonly<Record<string, Stored>>
  /** Periods since each record of interest was created: those that condemn, or raise the floor. */
  ages: Readonly<Record<number, number>>
  machines: Array<Machine>
  /** Requests that will take effect later, or never. */
  late: ReadonlyArray<Request>
  acknowledged: ReadonlyArray<Acknowledged>
  published: number
  edited: boolean
  /** Tags that some machine deletes, so that they may be missing; and how often another tool edits the index. */
  readonly deleted: ReadonlyArray<string>
  readonly edits: number
  fault?: string
  losses: number
  crashes: number
}

export const pinned = "Z"

export const copyOf = (state: State): State => ({
  ...state,
  machines: state.machines.map((machine) => ({ ...machine }))
})

export const lastOf = ({ records }: State): number => Math.max(...Object.keys(records).map(Number))

export const recordAt = ({ folded, records }: State, number: number): Rec | undefined =>
  folded[number] ?? records[number]

export const sorted = <A>(values: Readonly<Record<string, A>>): Readonly<Record<string, A>> =>
  Object.fromEntries(Object.keys(values).toSorted().map((key) => [key, values[key] as A]))

export const without = <A>(values: Readonly<Record<string, A>>, key: string | number): Readonly<Record<string, A>> =>
  Object.fromEntries(Object.entries(values).filter(([each]) => each !== String(key)))

export const reachable = (tags: Tags): ReadonlySet<string> => new Set([...Object.values(tags), pinned])

export const operation = (machine: Machine): Op => {
  const [op] = machine.ops
  if (op === undefined) throw new Error("a machine that has ended does nothing")
  return op
}
export const digestOf = (machine: Machine): string => {
  const op = operation(machine)
  if (!("digest" in op)) throw new Error(`${op.kind} has no digest`)
  return op.digest
}
