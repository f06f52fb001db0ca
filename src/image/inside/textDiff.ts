/** What has changed in the text of a file between two images, and in how containers of them are run. */
import { Effect, Result, TextDiff } from "effect"
import { field } from "../../oci/field.ts"
import type { ContainerSettings } from "../../oci/ImageConfig.ts"
import { decodeText } from "../../oci/Json.ts"
import type { LookError } from "../../ops/api/errors.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import { readFile } from "../layers/readFile.ts"
import { reach } from "../tree/walk.ts"
import type { Difference } from "./diffImages.ts"
import type { OpenImage } from "./openImage.ts"

/** Larger files are not compared line by line, and neither are texts without a line break in so many characters. */
const mostBytes = 1024 * 1024

/** Lines that come and go; beyond, what is shown is right, but not the shortest. */
const mostEdits = 2000

/**
 * A unified diff of a file that both images have with other content; nothing where one of them is no text or is too large.
 */
export const textDiffOf = Effect.fnUntraced(function*(
  a: OpenImage,
  b: OpenImage,
  { aspects = [], from, path, to }: Difference
): Effect.fn.Return<string | undefined, LookError> {
  if (!aspects.includes("content") || (from?.size ?? 0) > mostBytes || (to?.size ?? 0) > mostBytes) return undefined
  const [before, after] = [yield* textOf(a, path), yield* textOf(b, path)]
  if (before === undefined || after === undefined) return undefined
  const edits = TextDiff.lines(before, after, { maxEdits: mostEdits })
  return TextDiff.unified(edits, { fromFile: `a${path}`, toFile: `b${path}` })
})

const textOf = Effect.fnUntraced(function*(
  { root, source, tables }: OpenImage,
  path: string
): Effect.fn.Return<string | undefined, LookError> {
  const found = reach(root, path, false)
  if (typeof found === "string" || found.node.kind === "folder") return undefined
  const { entry, layer } = found.node.inode
  const table = tables[layer]
  if (entry.type !== "file" || table === undefined) return undefined
  if (entry.size === 0) return ""
  const bytes = yield* Effect.scoped(collectBytes(readFile(source, table, entry), () => Effect.void))
  return bytes.includes(0) ? undefined : Result.getOrElse(decodeText(bytes), () => undefined)
})

/** One setting that differs between the configs of two images. */
export interface SettingDifference {
  /** `entrypoint`, `env PATH`, `label org.example`. */
  readonly setting: string
  readonly from?: string
  readonly to?: string
}

/** In what the configs of two images differ that says how containers of them are run. */
export const diffSettings = (a: OpenImage, b: OpenImage): ReadonlyArray<SettingDifference> => {
  const [before, after] = [settingsOf(a), settingsOf(b)]
  return Array.from(new Set([...before.keys(), ...after.keys()])).toSorted().flatMap((setting) => {
    const [from, to] = [before.get(setting), after.get(setting)]
    if (from === to) return []
    return [{ setting, ...field("from", from), ...field("to", to) }]
  })
}

const settingsOf = ({ config }: OpenImage): ReadonlyMap<string, string> => {
  const settings: ContainerSettings = config?.settings ?? {}
  const all = new Map<string, string>()
  const put = (name: string, value: string | ReadonlyArray<string> | undefined): void => {
    if (value !== undefined) all.set(name, typeof value === "string" ? value : JSON.stringify(value))
  }
  put("platform", config?.platform)
  put("entrypoint", settings.entrypoint)
  put("cmd", settings.cmd)
  put("user", settings.user)
  put("workdir", settings.workdir)
  put("ports", settings.ports?.toSorted())
  put("volumes", settings.volumes?.toSorted())
  put("stop signal", settings.stopSignal)
  for (const variable of settings.env ?? []) {
    const at = variable.indexOf("=")
    put(`env ${at < 0 ? variable : variable.slice(0, at)}`, at < 0 ? "" : variable.slice(at + 1))
  }
  for (const [key, value] of settings.labels ?? []) put(`label ${key}`, value)
  return all
}
