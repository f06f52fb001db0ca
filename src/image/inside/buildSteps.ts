/** How an image was built, and what each step has changed. */
import { Result } from "effect"
import { field } from "../../oci/field.ts"
import { type LayerInvalid, LimitExceeded } from "../../oci/OciError.ts"
import { foldSteps } from "../limits.ts"
import { type Folder, type Node, partsOf } from "../tree/Node.ts"
import { folded, type OpenImage } from "./openImage.ts"

/** What a layer does to those below it. */
export interface LayerChanges {
  /** From 0. */
  readonly layer: number
  readonly digest: string
  /** Bytes of the blob, and of the files in it. */
  readonly blob: number
  readonly files: number
  /** Names that were not there, that were, and that it removes. */
  readonly added: number
  readonly replaced: number
  readonly removed: number
}

/** One step of a build. */
export interface Step {
  readonly createdBy?: string
  readonly created?: string
  /** Absent where the step made none. */
  readonly changes?: LayerChanges
}

/** The steps that the config tells, beside the layers that they made; layers that it does not tell of come last. */
export const buildSteps = (image: OpenImage): Result.Result<ReadonlyArray<Step>, LayerInvalid | LimitExceeded> =>
  Result.map(changesOf(image), (layers) => {
    const rest = layers.toReversed()
    const told = (image.config?.steps ?? []).map(({ created, createdBy, hasLayer }): Step => {
      const changes = hasLayer ? rest.pop() : undefined
      return {
        ...field("createdBy", createdBy),
        ...field("created", created),
        ...field("changes", changes)
      }
    })
    return [...told, ...rest.toReversed().map((changes): Step => ({ changes }))]
  })

/** Whether there is something by this very path: links on the way are not followed. */
const isThere = (root: Folder, parts: ReadonlyArray<string>): boolean => {
  let at: Node | undefined = root
  for (const part of parts) {
    if (at?.kind !== "folder") return false
    at = at.kids.get(part)
  }
  return at !== undefined
}

const changesOf = ({ tables }: OpenImage): Result.Result<ReadonlyArray<LayerChanges>, LayerInvalid | LimitExceeded> => {
  const layers: Array<LayerChanges> = []
  let steps = 0
  const look = (layer: number, before: Folder | undefined): void => {
    const table = tables[layer]
    if (table === undefined) return
    let [added, replaced, removed, files] = [0, 0, 0, 0]
    for (const { name, size, type } of table.entries) {
      if (type === "file") files += size
      const parts = partsOf(name)
      steps += parts.length
      if (steps > foldSteps) return
      if (parts.length === 0) continue
      if (parts.at(-1)?.startsWith(".wh.") === true) removed++
      else if (before !== undefined && isThere(before, parts)) {
        if (type !== "directory") replaced++
      } else added++
    }
    layers.push({ layer, digest: table.digest, blob: table.blobSize, files, added, replaced, removed })
  }
  look(0, undefined)
  return Result.flatMap(folded(tables, (layer, root) => look(layer + 1, root)), () =>
    steps > foldSteps
      ? Result.fail(new LimitExceeded({ what: "parts of the paths of an image", limit: foldSteps }))
      : Result.succeed(layers))
}
