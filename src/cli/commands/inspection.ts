/** What is told of an image: to scripts as fields, to people as facts, with its parts as bars beside each other. */
import { Schema } from "effect"
import { sentence } from "../../oci/quoted.ts"
import { Others, shownOthers } from "../others.ts"
import type { Screen } from "../terminal/Screen.ts"
import { styled } from "../terminal/style.ts"
import { bar, type Column, facts, table } from "../terminal/table.ts"
import { ageOf, counted, shortOf, sizeOf } from "../terminal/units.ts"

const texts = Schema.Array(Schema.String)
const named = Schema.Record(Schema.String, Schema.String)

const Settings = Schema.Struct({
  entrypoint: Schema.optionalKey(texts),
  cmd: Schema.optionalKey(texts),
  env: Schema.optionalKey(texts),
  user: Schema.optionalKey(Schema.String),
  workdir: Schema.optionalKey(Schema.String),
  ports: Schema.optionalKey(texts),
  volumes: Schema.optionalKey(texts),
  labels: Schema.optionalKey(named),
  stop_signal: Schema.optionalKey(Schema.String)
})
export type Settings = typeof Settings.Type

export const Inspected = Schema.Struct({
  repository: Schema.optionalKey(Schema.String),
  /** What a name without a tag was read as. */
  read_as: Schema.optionalKey(Schema.String),
  /** What else the same tag names, for other platforms. */
  others: Schema.optionalKey(Others),
  kind: Schema.Literals(["image", "index", "artifact", "attestation"]),
  digest: Schema.String,
  media_type: Schema.String,
  artifact_type: Schema.optionalKey(Schema.String),
  /** Of an attestation: what its statements are about. */
  predicate_types: Schema.optionalKey(texts),
  platform: Schema.optionalKey(Schema.String),
  created: Schema.optionalKey(Schema.String),
  author: Schema.optionalKey(Schema.String),
  /** Bytes of config and layers; of an index, of all its images that are here, what they share counted each time. */
  total_size: Schema.Natural,
  /** The blob that holds the config: ocilayout blob get prints it. */
  config_digest: Schema.optionalKey(Schema.String),
  config: Schema.optionalKey(Settings),
  layers: Schema.optionalKey(Schema.Array(Schema.Struct({
    digest: Schema.String,
    media_type: Schema.String,
    size: Schema.Natural,
    state: Schema.Literals(["present", "missing"]),
    /** The file name that its annotation gives it. */
    title: Schema.optionalKey(Schema.String),
    created_by: Schema.optionalKey(Schema.String)
  }))),
  /** The images of an index. */
  images: Schema.optionalKey(Schema.Array(Schema.Struct({
    platform: Schema.optionalKey(Schema.String),
    media_type: Schema.String,
    /** Of what is no image. */
    artifact_type: Schema.optionalKey(Schema.String),
    os_version: Schema.optionalKey(Schema.String),
    /** What else the index says of it. */
    annotations: Schema.optionalKey(named),
    digest: Schema.String,
    state: Schema.Literals(["present", "missing", "damaged"]),
    /** Bytes of config and layers; absent where they are not known. */
    total_size: Schema.optionalKey(Schema.Natural)
  }))),
  /** What the index has beside its images, as BuildKit writes it. */
  attestations: Schema.optionalKey(Schema.Array(Schema.Struct({
    digest: Schema.String,
    annotations: Schema.optionalKey(named)
  }))),
  subject: Schema.optionalKey(Schema.String),
  annotations: Schema.optionalKey(named),
  /** How many artifacts of each type refer to it. */
  referrers: Schema.optionalKey(Schema.Record(Schema.String, Schema.Natural))
})
export type Inspected = typeof Inspected.Type

export const drawn = (inspected: Inspected, screen: Screen): string =>
  [
    facts(screen, summaryOf(inspected, screen)),
    section(screen, "Config", facts(screen, settingsOf(inspected))),
    section(screen, "Annotations", facts(screen, pairsOf(inspected.annotations))),
    inspected.images === undefined
      ? section(screen, layersTitle(inspected), layersOf(inspected, screen))
      : section(screen, counted(inspected.images.length, "image"), imagesOf(inspected.images, screen)),
    section(screen, "Attestations", (inspected.attestations ?? []).map(({ digest }) => shortOf(digest)).join("\n")),
    section(screen, "Referrers", referrersOf(inspected.referrers))
  ].filter((part) => part !== "").join("\n\n")

const section = (screen: Screen, title: string, body: string): string =>
  body === "" ? "" : `${styled(screen, "bold", title)}\n${body}`

type Fact = readonly [name: string, value: string | undefined]

const shown = (text: string | undefined): string | undefined => text === undefined ? undefined : sentence(text)

const summaryOf = (
  {
    artifact_type,
    author,
    created,
    digest,
    kind,
    media_type,
    others,
    platform,
    predicate_types,
    read_as,
    repository,
    subject,
    total_size
  }: Inspected,
  { now }: Screen
): ReadonlyArray<Fact> => [
  ["repository", repository],
  ["read as", read_as],
  ["also so named", others === undefined ? undefined : `${shownOthers(others)}; --platform chooses`],
  ["digest", digest],
  ["media type", shown(media_type)],
  ["kind", artifact_type === undefined ? kind : `${kind}, ${sentence(artifact_type)}`],
  ["about", lines(predicate_types)],
  ["platform", shown(platform)],
  ["created", createdOf(created, now)],
  ["author", shown(author)],
  ["refers to", subject],
  ["size", sizeOf(total_size)]
]

const createdOf = (created: string | undefined, now: number): string | undefined => {
  const time = created === undefined ? Number.NaN : Date.parse(created)
  // Reproducible builds say 1970, or nothing that is a time.
  return created === undefined || Number.isNaN(time) || time <= 0
    ? shown(created)
    : `${sentence(created)} (${ageOf(time, now)})`
}

const settingsOf = ({ config = {} }: Inspected): ReadonlyArray<Fact> => [
  ["entrypoint", words(config.entrypoint)],
  ["command", words(config.cmd)],
  ["user", shown(config.user)],
  ["directory", shown(config.workdir)],
  ["ports", lines(config.ports)],
  ["volumes", lines(config.volumes)],
  ["environment", lines(config.env)],
  ["labels", lines(Object.entries(config.labels ?? {}).map(([key, value]) => `${key}=${value}`))],
  ["stop signal", shown(config.stop_signal)]
]

/** As a JSON array, since words may have blanks in them. */
const words = (all: ReadonlyArray<string> | undefined): string | undefined =>
  all === undefined ? undefined : sentence(JSON.stringify(all))

const lines = (all: ReadonlyArray<string> | undefined): string | undefined => all?.map(sentence).join("\n")

const pairsOf = (all: Readonly<Record<string, string>> = {}): ReadonlyArray<Fact> =>
  Object.entries(all).map(([key, value]) => [sentence(key), sentence(value)])

const layersTitle = ({ kind, layers = [] }: Inspected): string =>
  kind === "artifact" ? counted(layers.length, "file") : counted(layers.length, "layer")

const barWidth = 16

/** A size beside those it stands with, the largest as long as there is room. */
const share = (size: number, most: number): string => most === 0 ? "" : bar(size / most, barWidth)

const sized: ReadonlyArray<Column> = [{ title: "SIZE", align: "right" }, { title: "" }]

const layersOf = ({ kind, layers = [] }: Inspected, screen: Screen): string => {
  const most = layers.reduce((largest, { size }) => Math.max(largest, size), 0)
  const telling = (layer: (typeof layers)[number]): string => layer.title ?? layer.created_by ?? ""
  const isTold = layers.some((layer) => telling(layer) !== "")
  const title = isTold ? (kind === "artifact" ? "FILE" : "MADE BY") : "MEDIA TYPE"
  return table(
    screen,
    [{ title: "DIGEST" }, ...sized, { title, cut: true }],
    layers.map((layer) => [
      shortOf(layer.digest),
      sizeOf(layer.size),
      layer.state === "present" ? share(layer.size, most) : layer.state,
      sentence(isTold ? telling(layer) : layer.media_type)
    ])
  )
}

const imagesOf = (images: NonNullable<Inspected["images"]>, screen: Screen): string => {
  const most = images.reduce((largest, { total_size = 0 }) => Math.max(largest, total_size), 0)
  return table(
    screen,
    [{ title: "PLATFORM", cut: true }, { title: "DIGEST" }, ...sized],
    images.map(({ artifact_type, digest, media_type, os_version, platform, state, total_size }) => [
      sentence(
        platform === undefined
          ? artifact_type ?? media_type
          : os_version === undefined
          ? platform
          : `${platform} (${os_version})`
      ),
      shortOf(digest),
      total_size === undefined ? "" : sizeOf(total_size),
      state === "present" ? share(total_size ?? 0, most) : state
    ])
  )
}

const referrersOf = (counts: Inspected["referrers"] = {}): string =>
  Object.entries(counts).map(([type, count]) => `${count}  ${sentence(type)}`).join("\n")
