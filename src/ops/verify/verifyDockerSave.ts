/** Checks that what `docker save` has written beside the index still says the same: `docker load` reads nothing else. */
import { Effect, Option } from "effect"
import { attachedTag } from "../../layout/belonging.ts"
import type { Entry } from "../../layout/Entry.ts"
import { displayName } from "../../layout/garbage.ts"
import type { State } from "../../layout/State.ts"
import { fieldOf, isJsonObject, type Json } from "../../oci/Descriptor.ts"
import { isList } from "../../oci/Descriptor.ts"
import type { ReadFault } from "../../oci/faults.ts"
import { readJson } from "../../oci/Json.ts"
import { named, several } from "../../oci/quoted.ts"
import { descriptorsOf } from "../manifests/manifests.ts"
import type { Opened } from "../repositories/catalog.ts"
import type { Report } from "./Report.ts"

/** An image of `manifest.json`. */
interface Saved {
  readonly names: ReadonlyArray<string>
  /** As a digest; undefined where its path tells none. */
  readonly config: string | undefined
}

export const checkDockerSave = Effect.fnUntraced(function*(
  opened: Opened,
  state: State,
  report: Report
): Effect.fn.Return<void, ReadFault> {
  const saved = Option.flatMap(yield* read(opened, "manifest.json"), imagesIn)
  if (Option.isSome(saved)) {
    const known = new Set(saved.value.flatMap(({ names }) => names.map(fullName)))
    const added = state.entries.filter((entry) => isImageTag(entry) && !known.has(displayName(entry))).map(displayName)
    const differing = yield* differences(opened, state, saved.value)
    yield* tell(report, "manifest.json", [
      ...differing,
      ...Array.from(new Set(added), (name) => `${named(name)} is not in it`)
    ])
  }
  const repositories = Option.flatMap(yield* read(opened, "repositories"), namesIn)
  if (Option.isSome(repositories)) {
    const gone = repositories.value.filter((name) => entriesNamed(state, name).length === 0)
    yield* tell(report, "repositories", gone.map((name) => `${named(name)} is not in index.json`))
  }
})

const tell = (report: Report, path: string, differences: ReadonlyArray<string>): Effect.Effect<void> =>
  differences.length === 0
    ? Effect.void
    : report.found("DOCKER_SAVE_DIFFERS", {
      path,
      message: `${path} does not say what index.json says: ${several(differences)}`
    })

const differences = Effect.fnUntraced(function*(
  opened: Opened,
  state: State,
  saved: ReadonlyArray<Saved>
): Effect.fn.Return<ReadonlyArray<string>, ReadFault> {
  const found: Array<string> = []
  for (const { config, names } of saved) {
    for (const name of names) {
      const entries = entriesNamed(state, name)
      if (entries.length === 0) {
        found.push(`${named(name)} is not in index.json`)
        continue
      }
      const { complete, facts } = yield* opened.manifests.walk(descriptorsOf(entries), true)
      const configs = Array.from(facts.values()).map((one) => one.config?.digest)
      if (config !== undefined && complete && configs.length > 0 && !configs.some((digest) => digest === config)) {
        found.push(`${named(name)} is another image`)
      }
    }
  }
  return found
})

/** Tags that say to what they belong are none that could be loaded. */
const isImageTag = ({ name }: Entry): boolean => name._tag === "Tagged" && attachedTag(name.tag) === undefined

const entriesNamed = (state: State, name: string): ReadonlyArray<Entry> =>
  state.entries.filter((entry) => [name, fullName(name)].includes(displayName(entry)))

/** Docker writes the names of its own registry short. */
const fullName = (name: string): string => {
  const [host = "", ...rest] = name.split("/")
  if (rest.length > 0 && /[.:]|^localhost$/u.test(host)) return name
  return rest.length === 0 ? `docker.io/library/${name}` : `docker.io/${name}`
}

/** Nothing where there is no such file, or one that is no JSON: another tool's. */
const read = (opened: Opened, name: "manifest.json" | "repositories"): Effect.Effect<Option.Option<Json>> =>
  Effect.map(
    opened.upkeep.beside(name),
    Option.flatMap((bytes) => Option.getSuccess(readJson(bytes)))
  )

const imagesIn = (document: Json): Option.Option<ReadonlyArray<Saved>> =>
  isList(document) && document.length > 0
    ? Option.all(document.map((item) => {
      const config = isJsonObject(item) ? fieldOf(item, "Config") : undefined
      if (!isJsonObject(item) || typeof config !== "string") return Option.none()
      const names = fieldOf(item, "RepoTags")
      return Option.some({
        names: isList(names) ? names.filter((name) => typeof name === "string") : [],
        config: digestIn(config)
      })
    }))
    : Option.none()

/** `blobs/sha256/<hex>`, or before Docker 25 `<hex>.json`. */
const digestIn = (path: string): string | undefined => {
  const [, algorithm = "sha256", hex] = /^(?:blobs\/(sha256|sha512)\/)?([0-9a-f]{64,128})(?:\.json)?$/u.exec(path) ?? []
  return hex === undefined ? undefined : `${algorithm}:${hex}`
}

const namesIn = (document: Json): Option.Option<ReadonlyArray<string>> =>
  isJsonObject(document)
    ? Option.some(
      Object.entries(document).flatMap(([repository, tags]) =>
        isJsonObject(tags) ? Object.keys(tags).map((tag) => `${repository}:${tag}`) : []
      )
    )
    : Option.none()
