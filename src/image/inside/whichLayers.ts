/** Which layers touch a path, and what each of them does. */
import { Effect } from "effect"
import { field } from "../../oci/field.ts"
import { PathUnknown } from "../../oci/OciError.ts"
import type { LookError } from "../../ops/api/errors.ts"
import type { Entry } from "../table/Entry.ts"
import { entryOf, type Folder } from "../tree/Node.ts"
import { reach, type Reached } from "../tree/walk.ts"
import { type FileRow, rowOf } from "./FileRow.ts"
import { folded, type OpenImage } from "./openImage.ts"

/** A layer that touches a path, and what it does to it. */
export interface Touched {
  /** From 0. */
  readonly layer: number
  readonly digest: string
  readonly did: "added" | "replaced" | "changed" | "removed"
  /** The instruction behind the layer, where it is known. */
  readonly createdBy?: string
  /** What it is then; absent when it was removed. */
  readonly file?: FileRow
}

/**
 * Puts the layers below the last one together once more, and looks after each what the path is: links before its end are
 * followed as they are then. `PathUnknown` where no layer ever touched it.
 */
export const whichLayers = Effect.fnUntraced(function*(
  image: OpenImage,
  path: string
): Effect.fn.Return<ReadonlyArray<Touched>, LookError | PathUnknown> {
  const touched: Array<Touched> = []
  let before: Seen | undefined
  const look = (layer: number, root: Folder): void => {
    const found = reach(root, path, false)
    const now = typeof found === "string" ? undefined : seen(found)
    const did = whatDid(before, now)
    before = now
    if (did === undefined) return
    const createdBy = image.config?.instructions[layer]
    touched.push({
      layer,
      digest: image.tables[layer]?.digest ?? "",
      did,
      ...field("createdBy", createdBy),
      ...(typeof found === "string" ? {} : { file: rowOf(image, found) })
    })
  }
  yield* Effect.fromResult(folded(image.tables.slice(0, -1), look))
  look(image.tables.length - 1, image.root)
  if (touched.length === 0) return yield* new PathUnknown({ path, reason: "does not exist, and never did" })
  return touched
})

/** What a layer can have done something to. Two foldings have no node in common, so that these tell which is which. */
interface Seen {
  readonly path: string
  readonly entry: Entry | undefined
  /** The layer that gave a leaf its name, or made a folder. */
  readonly made: number
  /** Of a folder, the last layer that has an entry of it. */
  readonly layer: number | undefined
}

const seen = ({ node, path }: Reached): Seen => ({
  path,
  entry: entryOf(node),
  made: node.kind === "folder" ? node.made : node.layer,
  layer: node.kind === "folder" ? node.layer : undefined
})

const whatDid = (before: Seen | undefined, now: Seen | undefined): Touched["did"] | undefined => {
  if (before === undefined) return now === undefined ? undefined : "added"
  if (now === undefined) return "removed"
  const wasFolder = before.layer !== undefined
  if (wasFolder !== (now.layer !== undefined) || before.path !== now.path || before.made !== now.made) return "replaced"
  if (before.layer === now.layer && before.entry === now.entry) return undefined
  return wasFolder ? "changed" : "replaced"
}
