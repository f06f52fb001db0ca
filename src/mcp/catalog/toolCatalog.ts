/** The tools of one server, in the order they are listed. */
import { Result } from "effect"
import { named } from "../../oci/quoted.ts"
import type { ServerConfig } from "../tool/ServerConfig.ts"
import { speakingOf } from "../tool/speakingOf.ts"
import { type MakeTool, type Needs, type Tool, toolsets } from "../tool/Tool.ts"
import { exportArchive, importArchive } from "../tools/archive.ts"
import { exportBlob, readBlob } from "../tools/blob.ts"
import { copyImage } from "../tools/copy.ts"
import { deleteContent } from "../tools/delete.ts"
import { collectGarbage } from "../tools/garbage.ts"
import { history } from "../tools/history.ts"
import { diffImageFiles, findImageFiles, listImageFiles, readImageFile } from "../tools/inside.ts"
import { inspectImage } from "../tools/inspect.ts"
import { listLayouts, listReferrers, listRepositories, listTags } from "../tools/list.ts"
import { attach, buildImageTool, editImage, makeIndexTool } from "../tools/making.ts"
import { listPackages } from "../tools/packages.ts"
import { pin } from "../tools/pin.ts"
import { mountBlob, pushBlob, pushManifest, tag } from "../tools/push.ts"
import { getManifest, resolve } from "../tools/read.ts"
import { repair } from "../tools/repair.ts"
import { restore } from "../tools/restore.ts"
import { pull, push } from "../tools/transfer.ts"
import { uploadAppend, uploadCancel, uploadCommit, uploadStart } from "../tools/upload.ts"
import { usage } from "../tools/usage.ts"
import { verify } from "../tools/verify.ts"

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
  listImageFiles,
  findImageFiles,
  readImageFile,
  diffImageFiles,
  listPackages,
  listReferrers,
  history,
  usage,
  verify,
  pushBlob,
  mountBlob,
  pushManifest,
  tag,
  copyImage,
  attach,
  buildImageTool,
  editImage,
  makeIndexTool,
  importArchive,
  exportArchive,
  pull,
  push,
  uploadStart,
  uploadAppend,
  uploadCommit,
  uploadCancel,
  deleteContent,
  restore,
  repair,
  pin,
  collectGarbage
]

/** The tools that a server offers, for the layouts and the mode that it is made with. `makeToolCatalog` makes it. */
export interface ToolCatalog {
  readonly served: ServerConfig
  /** Those that the mode and the selection allow, and so what is listed. */
  readonly tools: ReadonlyMap<string, Tool>
  /** Tools that this server does not offer, since it lacks what they need, or they were not selected. */
  readonly withheld: ReadonlyMap<string, Needs | "selection">
}

/** Compiled once per process and shared by every connection. */
export const makeToolCatalog = (served: ServerConfig): ToolCatalog => {
  const all = makers.map((make) => make(served))
  return catalogueOf(
    served,
    all.filter(({ offered }) => offered),
    new Map(all.filter(({ offered }) => !offered).map((tool) => [nameOf(tool), tool.needs]))
  )
}

/** Descriptions speak only of tools that are offered: a model goes looking for any other. */
const catalogueOf = (
  served: ServerConfig,
  tools: ReadonlyArray<Tool>,
  withheld: ToolCatalog["withheld"]
): ToolCatalog => {
  const names = new Set(tools.map(nameOf))
  return {
    served,
    tools: new Map(tools.map((tool) => [nameOf(tool), describedFor(tool, names)])),
    withheld
  }
}

const nameOf = ({ definition }: Tool): string => definition.name

const describedFor = (tool: Tool, names: ReadonlySet<string>): Tool => ({
  ...tool,
  definition: { ...tool.definition, description: speakingOf(tool.definition.description, names) }
})

/** What a person asked for: tools of these toolsets and these tools, all where none are named, but not the excluded. */
export interface Selection {
  readonly toolsets: ReadonlyArray<string>
  readonly tools: ReadonlyArray<string>
  readonly excluded: ReadonlyArray<string>
}

/** The catalogue with the selected tools only, or a sentence about what was asked for; the mode wins in any case. */
export const selectTools = (catalogue: ToolCatalog, selection: Selection): Result.Result<ToolCatalog, string> => {
  const { served, tools, withheld } = catalogue
  const known = [...tools.keys(), ...withheld.keys()]
  const wrong = wrongName("toolset", selection.toolsets, toolsets) ??
    wrongName("tool", [...selection.tools, ...selection.excluded], known)
  if (wrong !== undefined) return Result.fail(wrong)
  const all = selection.toolsets.length === 0 && selection.tools.length === 0
  const isSelected = (tool: Tool): boolean =>
    !selection.excluded.includes(nameOf(tool)) &&
    (all || selection.toolsets.includes(tool.toolset) || selection.tools.includes(nameOf(tool)))
  const selected = Array.from(tools.values()).filter(isSelected)
  if (selected.length === 0) return Result.fail("no tool is left: select others, or allow more")
  const others = Array.from(tools.values()).filter((tool) => !isSelected(tool))
  return Result.succeed(catalogueOf(
    served,
    selected,
    new Map([...withheld, ...others.map((tool) => [nameOf(tool), "selection"] as const)])
  ))
}

const wrongName = (
  what: string,
  names: ReadonlyArray<string>,
  known: ReadonlyArray<string>
): string | undefined => {
  const wrong = names.find((name) => !known.includes(name))
  return wrong === undefined ? undefined : `there is no ${what} ${named(wrong)}; there are: ${known.join(", ")}`
}
