/** Changes of an image's config (image-spec, config.md), on the document as it is: what is not asked stays. */
import { fieldOf, isJsonObject, isList, type Json, type JsonObject } from "../../oci/Descriptor.ts"
import { type Edits, withEdits, without } from "./edits.ts"
import { type ImagePlatform, platformFields } from "./platform.ts"

/** What is changed of an image's config; what is left out stays as it is, and what is `null` is removed. */
export interface ConfigEdit {
  /** Also removes the command, as Docker does, unless a new one is given. */
  readonly entrypoint?: ReadonlyArray<string> | null | undefined
  readonly cmd?: ReadonlyArray<string> | null | undefined
  /** By name. */
  readonly env?: Edits | undefined
  readonly labels?: Edits | undefined
  readonly user?: string | null | undefined
  readonly workdir?: string | null | undefined
  /** `80`, `80/tcp`: they are added. */
  readonly ports?: ReadonlyArray<string> | undefined
  /** Paths; they are added. */
  readonly volumes?: ReadonlyArray<string> | undefined
  readonly stopSignal?: string | null | undefined
  readonly author?: string | null | undefined
  /** When it was made, RFC 3339. */
  readonly created?: string | null | undefined
  readonly platform?: ImagePlatform | undefined
  /** A step of the history that made no layer, which says this. */
  readonly history?: string | undefined
}

/** The config with the changes. */
export const editConfig = (document: JsonObject, edit: ConfigEdit): JsonObject => {
  const settings = fieldOf(document, "config")
  const before = isJsonObject(settings) ? settings : {}
  const after = editSettings(before, edit)
  const isSame = JSON.stringify(before) === JSON.stringify(after)
  const top = set(set(document, "created", edit.created), "author", edit.author)
  const placed = edit.platform === undefined ? top : withPlatform(top, edit.platform)
  const configured = isSame ? placed : { ...placed, config: after }
  return edit.history === undefined ? configured : withHistory(configured, [
    {
      created: stepTime(edit.created),
      created_by: edit.history,
      empty_layer: true
    }
  ])
}

/** The settings of containers, which are called as in Docker. */
const editSettings = (settings: JsonObject, edit: ConfigEdit): JsonObject => {
  const cmd = edit.cmd === undefined && edit.entrypoint !== undefined ? null : edit.cmd
  let all = set(settings, "User", edit.user)
  all = withKeys(all, "ExposedPorts", (edit.ports ?? []).map((port) => port.includes("/") ? port : `${port}/tcp`))
  all = withEnv(all, edit.env ?? {})
  all = set(all, "Entrypoint", edit.entrypoint)
  all = set(all, "Cmd", cmd)
  all = withKeys(all, "Volumes", edit.volumes ?? [])
  all = set(all, "WorkingDir", edit.workdir)
  all = withEdits(all, "Labels", edit.labels ?? {})
  return set(all, "StopSignal", edit.stopSignal)
}

const set = (object: JsonObject, key: string, value: Json | undefined): JsonObject =>
  value === undefined ? object : value === null ? without(object, key) : { ...object, [key]: value }

const withKeys = (object: JsonObject, key: string, more: ReadonlyArray<string>): JsonObject => {
  if (more.length === 0) return object
  const before = fieldOf(object, key)
  const known = isJsonObject(before) ? before : {}
  return { ...object, [key]: { ...known, ...Object.fromEntries(more.map((one) => [one, known[one] ?? {}])) } }
}

/** `NAME=VALUE` in its place where there is one of this name, and else at the end. */
const withEnv = (object: JsonObject, edits: Edits): JsonObject => {
  if (Object.keys(edits).length === 0) return object
  const before = fieldOf(object, "Env")
  const open = new Map(Object.entries(edits))
  const kept = (isList(before) ? before : []).flatMap((entry): ReadonlyArray<Json> => {
    const name = typeof entry === "string" ? entry.replace(/=.*$/su, "") : ""
    const value = open.get(name)
    if (value === undefined) return [entry]
    // Of two of one name the first takes the value.
    open.set(name, null)
    return value === null ? [] : [`${name}=${value}`]
  })
  const all = [...kept, ...Array.from(open).flatMap(([name, value]) => value === null ? [] : [`${name}=${value}`])]
  return all.length === 0 ? without(object, "Env") : { ...object, Env: all }
}

const withPlatform = (document: JsonObject, platform: ImagePlatform): JsonObject => {
  const fields = platformFields(platform)
  const stale = ["variant", "os.version", "os.features"].filter((key) => !Object.hasOwn(fields, key))
  return { ...stale.reduce(without, document), ...fields }
}

/** A step of a build, as the history of an image has it. */
export interface HistoryStep {
  readonly created?: string
  readonly created_by?: string
  readonly comment?: string
  readonly empty_layer?: boolean
}

/** When a step was made. Where nothing says it, the beginning of 1970: umoci dies of a step without a time. */
export const stepTime = (created: string | null | undefined): string => created ?? "1970-01-01T00:00:00Z"

const isLayerStep = (step: Json): boolean => isJsonObject(step) && step["empty_layer"] !== true

const listIn = (document: JsonObject | undefined, key: string): ReadonlyArray<Json> => {
  const value = document === undefined ? undefined : fieldOf(document, key)
  return isList(value) ? value : []
}

export const historyIn = (document: JsonObject): ReadonlyArray<Json> => listIn(document, "history")

/** The digests of the tars of its layers, base first. */
export const diffIdsIn = (document: JsonObject): ReadonlyArray<Json> => {
  const rootfs = fieldOf(document, "rootfs")
  return listIn(isJsonObject(rootfs) ? rootfs : undefined, "diff_ids")
}

/** With more steps, unless the history does not tell of every layer: then it would tell them of the wrong ones. */
const withHistory = (document: JsonObject, steps: ReadonlyArray<HistoryStep>): JsonObject => {
  const history = historyIn(document)
  const tells = history.filter(isLayerStep).length === diffIdsIn(document).length
  return tells ? { ...document, history: [...history, ...steps.map((step): JsonObject => ({ ...step }))] } : document
}

/** With more layers on top. */
export const withLayers = (
  document: JsonObject,
  layers: ReadonlyArray<{ readonly diffId: string; readonly step: HistoryStep }>
): JsonObject => {
  if (layers.length === 0) return document
  const withSteps = withHistory(document, layers.map(({ step }) => step))
  return withDiffIds(withSteps, [...diffIdsIn(document), ...layers.map(({ diffId }) => diffId)])
}

export const withDiffIds = (document: JsonObject, diffIds: ReadonlyArray<Json>): JsonObject => {
  const rootfs = fieldOf(document, "rootfs")
  return { ...document, rootfs: { type: "layers", ...(isJsonObject(rootfs) ? rootfs : {}), diff_ids: diffIds } }
}

/** With a history that tells of nothing. */
export const withoutHistory = (document: JsonObject): JsonObject => ({ ...document, history: [] })

/** The steps of a history on top of those that made its first layers. */
export const historyAbove = (document: JsonObject, base: JsonObject): ReadonlyArray<Json> => {
  const [own, below] = [historyIn(document), historyIn(base)]
  if (below.every((step, at) => JSON.stringify(step) === JSON.stringify(own[at]))) return own.slice(below.length)
  let layers = diffIdsIn(base).length
  return own.slice(own.findIndex((step) => layers === 0 || (isLayerStep(step) && --layers === 0)) + 1)
}
