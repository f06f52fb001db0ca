/** Small worlds: what is there at first, and what each machine does. */
import { periods } from "./Rules.ts"
import {
  type ETag,
  type Machine,
  type Op,
  pinned,
  type Rec,
  sorted,
  type State,
  type Stored,
  type Tags
} from "./State.ts"

export interface World {
  readonly blobs: Readonly<Record<string, ETag>>
  readonly tags?: Tags
  readonly machines: ReadonlyArray<ReadonlyArray<Op>>
  /** How many requests may lose their answer or be delayed, and how many machines may crash; one by default. */
  readonly losses?: number
  readonly crashes?: number
  /** Records after the first, and the machine that stood still, before it read the second one, since then. */
  readonly past?: ReadonlyArray<Pick<Rec, "condemned">>
  readonly stands?: number
}

const push = (tag: string, digest = "X"): Op => ({ kind: "push", tag, digest })
const upload = (tag: string, digest = "Y"): Op => ({ kind: "upload", tag, digest })
const first = (tag: string): Op => ({ kind: "conditionalPush", tag, digest: "X" })
const reachable = (tag: string): Op => ({ kind: "tagReachable", tag, digest: "X" })
const remove = (tag: string): Op => ({ kind: "delete", tag })
const deleteBlob: Op = { kind: "deleteBlob", digest: "X" }
const [collect, retain, read, putBack, edit] = (["collect", "retain", "read", "putBack", "edit"] as const).map(
  (kind): Op => ({ kind })
) as [Op, Op, Op, Op, Op]

const blobs = { X: "a" } as const
const calm = { losses: 0, crashes: 0 }
/** X was condemned two days ago, and pushed again since, so that its ETag is another one. */
const pushedAgain = { blobs: { X: "b" }, past: [{ condemned: { X: { etag: "a", by: 2 } } }] } as const

export const worlds: Readonly<Record<string, World>> = {
  "two conditional tags": { blobs, machines: [[first("t")], [first("t")]] },
  "three conditional tags": { blobs, machines: [[first("t")], [first("t")], [first("t")]], crashes: 0 },
  "conditional tags, old index put back": { blobs, machines: [[first("t")], [first("t")], [putBack]] },
  "push and upload, old index put back": { blobs, machines: [[push("p")], [upload("u")], [putBack]] },
  "push and upload, edited index": { blobs, machines: [[push("p")], [upload("u")], [edit]] },
  "push then read, old index put back": { blobs, machines: [[push("p")], [read], [putBack]] },
  "push, read twice, edited index": { blobs, machines: [[push("p")], [read, read], [edit]], crashes: 0 },
  "edited index, its entry deleted again": {
    blobs,
    machines: [[push("p")], [remove("f")], [edit, push("q")]],
    ...calm
  },
  "push against collection": { blobs, machines: [[push("p")], [collect]] },
  "two pushes against collection": { blobs, machines: [[push("p")], [push("q")], [collect]], crashes: 0 },
  "push against two collectors": { blobs, machines: [[push("p")], [collect], [collect]], crashes: 0 },
  "push against two collectors, one crash": { blobs, machines: [[push("p")], [collect], [collect]], losses: 0 },
  "upload against collection": { blobs: {}, machines: [[upload("u")], [collect]] },
  "upload against two collectors": { blobs: { Y: "a" }, machines: [[upload("u")], [collect], [collect]], crashes: 0 },
  "delete, push again, collect": {
    blobs,
    tags: { o: "X" },
    machines: [[remove("o")], [push("p")], [collect]],
    crashes: 0
  },
  "delete, collect, old index put back": {
    blobs,
    tags: { o: "X" },
    machines: [[remove("o")], [collect], [putBack]],
    losses: 0
  },
  "push, collect, old index put back": { blobs, machines: [[push("p")], [collect], [putBack]], crashes: 0 },
  "push, collect, edited index": { blobs, machines: [[push("p")], [collect], [edit]], crashes: 0 },
  "delete, tag what is reachable, collect": {
    blobs,
    tags: { o: "X" },
    machines: [[remove("o")], [reachable("p")], [collect]]
  },
  "delete, upload again, collect": { blobs, tags: { o: "X" }, machines: [[remove("o"), upload("q", "X")], [collect]] },
  "delete a blob, upload it again, delete it again": {
    blobs,
    machines: [[deleteBlob, upload("u", "X"), remove("u"), deleteBlob], [push("p")]],
    crashes: 0
  },
  "delete a blob, push": { ...pushedAgain, machines: [[deleteBlob], [push("p")]] },
  "delete a blob, upload it": { ...pushedAgain, machines: [[deleteBlob], [upload("u", "X")]] },
  "delete a blob, collect, push": { ...pushedAgain, machines: [[deleteBlob], [collect], [push("p")]] },
  "delete a blob, collect, upload it": {
    ...pushedAgain,
    machines: [[deleteBlob], [collect], [upload("u", "X")]]
  },
  "delete a blob twice, collect twice": {
    ...pushedAgain,
    machines: [[deleteBlob, upload("u", "X"), remove("u"), deleteBlob], [collect, collect]],
    crashes: 0
  },
  "two pushes against two collectors": { blobs, machines: [[push("p")], [push("q")], [collect], [collect]], ...calm },
  "two pushes, one stood still for a collection": {
    blobs: { X: "b" },
    past: [{ condemned: { X: { etag: "a", by: 2 } } }, { condemned: {} }],
    stands: 0,
    machines: [[push("p")], [push("q")], [collect]],
    ...calm
  },
  "retention against a stalled push": { blobs, machines: [[push("p")], [push("q"), push("r"), retain]] },
  "retention, stalled push, old index put back": {
    blobs,
    machines: [[push("p")], [push("q"), push("r"), retain], [putBack]],
    losses: 0
  },
  "retention, stalled reader, old index put back": {
    blobs,
    machines: [[read], [push("q"), push("r"), retain], [putBack]],
    losses: 0
  }
}

export const start = ({ blobs, crashes = 1, losses = 1, machines, past = [], stands, tags = {} }: World): State => {
  const init: Rec = { id: "init", previous: "", tags: sorted(tags), condemned: {}, hidden: {}, floor: 1 }
  const records = [init]
  for (const change of past) {
    records.push({ ...init, ...change, id: `past${records.length + 1}`, previous: records.at(-1)?.id ?? "" })
  }
  const last = records.at(-1) ?? init
  const index = { number: records.length, id: last.id, tags: last.tags }
  const old = Object.entries<ETag>({ ...blobs, [pinned]: "a" }).map(
    ([digest, etag]): readonly [string, Stored] => [digest, { etag, age: periods.day }]
  )
  const ops = machines.flat()
  return {
    index,
    records: Object.fromEntries(records.map((record, i) => [i + 1, record])),
    folded: {},
    blobs: sorted<Stored>(Object.fromEntries(old)),
    ages: {},
    machines: machines.map((ops, i): Machine => ({
      ops,
      at: "open",
      number: 0,
      headAge: 0,
      ...(i === stands && {
        at: "who",
        index: JSON.stringify({ number: 1, id: "init", tags: init.tags }),
        number: 1,
        record: init,
        headAge: 2
      })
    })),
    late: [],
    acknowledged: [],
    published: 0,
    edited: false,
    deleted: ops.flatMap((op) => (op.kind === "delete" ? [op.tag] : [])),
    edits: ops.filter(({ kind }) => kind === "edit").length,
    losses,
    crashes
  }
}
