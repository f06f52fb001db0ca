/** What an image's config says of it (image-spec, config.md); for reading only, and text stays as it is written. */
import { Result } from "effect"
import { fieldOf, isJsonObject, type Json, type JsonObject } from "./Descriptor.ts"
import { readJson } from "./Json.ts"
import { platformOf } from "./Platform.ts"

/** What an image's config says of how it is run and how it was made (image-spec, config.md). */
export interface ImageConfig {
  /** As it is written; RFC 3339 by the book. */
  readonly created?: string
  readonly author?: string
  /** `os/arch[/variant]`. */
  readonly platform?: string
  readonly settings: ContainerSettings
  /** Digests of the uncompressed layers, base first; where it is not a list of them, none. */
  readonly diffIds?: ReadonlyArray<string>
  /** The instruction behind each layer, base first, where it is known; those that made no layer are passed over. */
  readonly instructions: ReadonlyArray<string | undefined>
  /** How it was built, step by step, also those that made no layer. */
  readonly steps: ReadonlyArray<BuildStep>
}

/** One step of the build of an image, as its config says. */
export interface BuildStep {
  readonly createdBy?: string
  /** As it is written; RFC 3339 by the book. */
  readonly created?: string
  /** Whether it made a layer: those that did follow each other as the layers do. */
  readonly hasLayer: boolean
}

/** How a container is started; what is not said is left out, and so is what is empty. */
export interface ContainerSettings {
  readonly entrypoint?: ReadonlyArray<string>
  readonly cmd?: ReadonlyArray<string>
  readonly env?: ReadonlyArray<string>
  readonly user?: string
  readonly workdir?: string
  readonly ports?: ReadonlyArray<string>
  readonly volumes?: ReadonlyArray<string>
  readonly labels?: ReadonlyMap<string, string>
  readonly stopSignal?: string
}

/** Reads what it knows and passes over what has another type; the failure is the reason why it is no JSON object. */
export const parseImageConfig = (bytes: Uint8Array): Result.Result<ImageConfig, string> =>
  Result.flatMap(readJson(bytes), (document) => {
    if (!isJsonObject(document)) return Result.fail("is not a JSON object")
    return Result.succeed({
      ...textField(document, "created", "created"),
      ...textField(document, "author", "author"),
      ...present("platform", platformOf({ platform: document })),
      settings: settingsOf(objectOf(document, "config")),
      ...listField(objectOf(document, "rootfs"), "diff_ids", "diffIds"),
      instructions: stepsOf(document).filter(({ hasLayer }) => hasLayer).map(({ createdBy }) => createdBy),
      steps: stepsOf(document)
    })
  })

const settingsOf = (config: JsonObject): ContainerSettings => ({
  ...listField(config, "Entrypoint", "entrypoint"),
  ...listField(config, "Cmd", "cmd"),
  ...listField(config, "Env", "env"),
  ...textField(config, "User", "user"),
  ...textField(config, "WorkingDir", "workdir"),
  ...present("ports", Object.keys(objectOf(config, "ExposedPorts"))),
  ...present("volumes", Object.keys(objectOf(config, "Volumes"))),
  ...present("labels", labelsOf(objectOf(config, "Labels"))),
  ...textField(config, "StopSignal", "stopSignal")
})

const stepsOf = (document: JsonObject): ReadonlyArray<BuildStep> => {
  const history = fieldOf(document, "history")
  return (Array.isArray(history) ? history.filter(isJsonObject) : []).map((entry) => ({
    ...textField(entry, "created_by", "createdBy"),
    ...textField(entry, "created", "created"),
    hasLayer: fieldOf(entry, "empty_layer") !== true
  }))
}

const labelsOf = (labels: JsonObject): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(labels).flatMap(([key, value]) => typeof value === "string" ? [[key, value] as const] : [])
  )

type Field<Key extends string, A> = { readonly [K in Key]?: A }

/** Nothing where there is nothing to say. */
const present = <Key extends string, A extends string | ReadonlyArray<string> | ReadonlyMap<string, string>>(
  key: Key,
  value: A | undefined
): Field<Key, A> => {
  const fields: { [K in Key]?: A } = {}
  if (value === undefined) return fields
  const size = isMap(value) ? value.size : value.length
  if (size > 0) fields[key] = value
  return fields
}

const isMap = (value: string | object): value is ReadonlyMap<string, string> => value instanceof Map

const isText = (value: Json | undefined): value is string => typeof value === "string"

const textField = <Key extends string>(object: JsonObject, written: string, key: Key): Field<Key, string> => {
  const value = fieldOf(object, written)
  return present(key, isText(value) ? value : undefined)
}

const listField = <Key extends string>(
  object: JsonObject,
  written: string,
  key: Key
): Field<Key, ReadonlyArray<string>> => {
  const value = fieldOf(object, written)
  return present(key, Array.isArray(value) ? value.filter(isText) : [])
}

const objectOf = (object: JsonObject, key: string): JsonObject => {
  const value = fieldOf(object, key)
  return isJsonObject(value) ? value : {}
}
