/** Which layers touch a path, and what each of them does. */
import { Effect } from "effect"
import { PathUnknown } from "../../oci/OciError.ts"
import type { LookError } from "../../ops/api/errors.ts"
import type { Folder, Node } from "../tree/Node.ts"
import { reach } from "../tree/walk.ts"
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

/** What a layer can have done to something. */
interface Seen {
  readonly node: Node
  readonly entry: Folder["entry"]
  readonly layer: number
}

/**
 * Puts the layers together once more, and looks after each what the path is: links before its end are followed as they
 * are then. `PathUnknown` where no layer ever touched it.
 */
export const whichLayers = Effect.fnUntraced(function*(
  image: OpenImage,
  path: string
): Effect.fn.Return<ReadonlyArray<Touched>, LookError | PathUnknown> {
  const touched: Array<Touched> = []
  let before: Seen | undefined
  yield* Effect.fromResult(folded(image.tables, (layer, root) => {
    const found = reach(root, path, false)
    const now = typeof found === "string" ? undefined : seen(found.node)
    const did = whatDid(before, now)
    before = now
    if (did === undefined) return
    const createdBy = image.config?.instructions[layer]
    touched.push({
      layer,
      digest: image.tables[layer]?.digest ?? "",
      did,
      ...(createdBy === undefined ? {} : { createdBy }),
      ...(typeof found === "string" ? {} : { file: rowOf(image, found) })
    })
  }))
  if (touched.length === 0) return yield* new PathUnknown({ path, reason: "does not exist, and never did" })
  return touched
})

const seen = (node: Node): Seen => ({ node, entry: node.kind === "folder" ? node.entry : undefined, layer: node.layer })

const whatDid = (before: Seen | undefined, now: Seen | undefined): Touched["did"] | undefined => {
  if (before === undefined) return now === undefined ? undefined : "added"
  if (now === undefined) return "removed"
  if (before.node !== now.node) return "replaced"
  return before.layer === now.layer && before.entry === now.entry ? undefined : "changed"
}
