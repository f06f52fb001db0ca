/** The tools of one server, in the order they are listed. */
import type { Served } from "./Served.ts"
import type { MakeTool, Tool } from "./Tool.ts"
import { exportBlob, readBlob } from "./tools/blob.ts"
import { copyImage } from "./tools/copy.ts"
import { deleteContent } from "./tools/delete.ts"
import { collectGarbage } from "./tools/garbage.ts"
import { history, restore } from "./tools/history.ts"
import { inspectImage } from "./tools/inspect.ts"
import { listLayouts, listReferrers, listRepositories, listTags } from "./tools/list.ts"
import { mountBlob, pushBlob, pushManifest, tag } from "./tools/push.ts"
import { getManifest, resolve } from "./tools/read.ts"
import { repair } from "./tools/repair.ts"
import { uploadAppend, uploadCancel, uploadCommit, uploadStart } from "./tools/upload.ts"
import { verify } from "./tools/verify.ts"

/** Deterministic, since clients cache prompts that begin with it. */
const makers: ReadonlyArray<MakeTool> = [
  listLayouts,
  listRepositories,
  listTags,
  resolve,
  getManifest,
  readBlob,
  exportBlob,
  inspectImage,
  listReferrers,
  history,
  verify,
  pushBlob,
  mountBlob,
  pushManifest,
  tag,
  copyImage,
  uploadStart,
  uploadAppend,
  uploadCommit,
  uploadCancel,
  deleteContent,
  restore,
  repair,
  collectGarbage
]

export interface Catalogue {
  readonly served: Served
  /** Those that the mode allows, and so what is listed. */
  readonly tools: ReadonlyMap<string, Tool>
  /** Tools there are that this server does not offer. */
  readonly withheld: ReadonlySet<string>
}

/** Compiled once per process and shared by every connection. */
export const makeCatalogue = (served: Served): Catalogue => {
  const all = makers.map((make) => make(served))
  const nameOf = ({ definition }: Tool): string => definition.name
  return {
    served,
    tools: new Map(all.filter(({ offered }) => offered).map((tool) => [nameOf(tool), tool])),
    withheld: new Set(all.filter(({ offered }) => !offered).map(nameOf))
  }
}
