/** All content that the properties push: few enough that independent commands meet, with what each is known to name. */
import { createHash } from "node:crypto"

export type Algorithm = "sha256" | "sha512"

export const digestOf = (bytes: Uint8Array, algorithm: Algorithm = "sha256"): string =>
  `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`

/** What the image-spec says of a document, written down by the author of the document: nothing here is parsed. */
export interface Facts {
  readonly kind: "image" | "index" | "artifact"
  readonly mediaType: string
  /** As referrers show it. */
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly subject?: string
  /** Everything it names but its subject. */
  readonly names: ReadonlyArray<string>
  /** Those of `names` that have to be there when it is pushed. */
  readonly needs: ReadonlyArray<string>
  /** The content of those that it carries along. */
  readonly carries: ReadonlyMap<string, Uint8Array>
  /** Those of `names` that are manifests. */
  readonly manifests: ReadonlyArray<string>
}

export interface Content {
  readonly name: string
  readonly bytes: Uint8Array
}

export interface Document extends Content {
  /** The media type it is pushed with, unless something else is tried. */
  readonly mediaType: string
  /** Absent when it is refused as a manifest for what it is; `fault` tells how. */
  readonly facts?: Facts
  readonly fault?: "ManifestInvalid" | "ManifestTooLarge"
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"
export const indexType = "application/vnd.oci.image.index.v1+json"
const dockerType = "application/vnd.docker.distribution.manifest.v2+json"
const dockerIndexType = "application/vnd.docker.distribution.manifest.list.v2+json"
export const schemaOneType = "application/vnd.docker.distribution.manifest.v1+json"
/** The media types that announce a manifest; schema 1 is one, which is refused. */
export const knownTypes: ReadonlyArray<string> = [manifestType, indexType, dockerType, dockerIndexType, schemaOneType]
const configType = "application/vnd.oci.image.config.v1+json"
const layerType = "application/vnd.oci.image.layer.v1.tar"
const foreignType = "application/vnd.oci.image.layer.nondistributable.v1.tar"
const emptyType = "application/vnd.oci.empty.v1+json"
export const sbomType = "application/vnd.example.sbom"
export const signatureType = "application/vnd.example.signature"

const blob = (name: string, text: string): Content => ({ name, bytes: Buffer.from(text) })

const config = blob("config", `{"architecture":"amd64","os":"linux"}`)
const one = blob("one", "layer one")
const two = blob("two", "the second layer")
const foreign = blob("foreign", "to be had elsewhere")

export const blobs: ReadonlyArray<Content> = [config, one, two, foreign, blob("empty", ""), blob("{}", "{}")]

interface Pointer {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly urls?: ReadonlyArray<string>
  readonly data?: string
}

const pointer = ({ bytes }: Content, mediaType: string): Pointer => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length
})

const layer = (content: Content): Pointer => pointer(content, layerType)
/** Its content travels inside the manifest. */
const nothing: Pointer = { ...pointer(blob("{}", "{}"), emptyType), data: "e30=" }

interface Parts {
  readonly mediaType?: string
  readonly config?: Pointer
  readonly layers?: ReadonlyArray<Pointer>
  readonly subject?: Content
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
  /** The body does not say its media type. */
  readonly silent?: boolean
}

const isOptional = ({ data, mediaType, urls }: Pointer): boolean =>
  data !== undefined || urls !== undefined || mediaType === foreignType

const written = (name: string, body: object, facts: Facts): Document => ({
  name,
  bytes: Buffer.from(JSON.stringify(body)),
  mediaType: facts.mediaType,
  facts
})

/** What a document may say of itself, and what is known of it for that. */
const common = ({ annotations, artifactType, subject }: Parts) => ({
  body: {
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(subject === undefined ? {} : { subject: pointer(subject, manifestType) }),
    ...(annotations === undefined ? {} : { annotations })
  },
  facts: {
    ...(subject === undefined ? {} : { subject: digestOf(subject.bytes) }),
    ...(annotations === undefined ? {} : { annotations })
  }
})

const manifest = (name: string, parts: Parts): Document => {
  const { layers = [], mediaType = manifestType, silent = false } = parts
  const ours = parts.config ?? pointer(config, configType)
  const children = [ours, ...layers]
  const { body, facts } = common(parts)
  return written(name, {
    schemaVersion: 2,
    ...(silent ? {} : { mediaType }),
    config: ours,
    layers,
    ...body
  }, {
    kind: ours.mediaType === configType ? "image" : "artifact",
    mediaType,
    artifactType: parts.artifactType ?? ours.mediaType,
    ...facts,
    names: children.map(({ digest }) => digest),
    needs: children.filter((child) => !isOptional(child)).map(({ digest }) => digest),
    carries: new Map(
      children.flatMap(({ data, digest }) => data === undefined ? [] : [[digest, Buffer.from(data, "base64")]])
    ),
    manifests: []
  })
}

const index = (name: string, children: ReadonlyArray<Document>, parts: Parts = {}): Document => {
  const { artifactType } = parts
  const digests = children.map(({ bytes }) => digestOf(bytes))
  const { body, facts } = common(parts)
  return written(name, {
    schemaVersion: 2,
    mediaType: indexType,
    manifests: children.map((child) => pointer(child, child.mediaType)),
    ...body
  }, {
    kind: "index",
    mediaType: indexType,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...facts,
    names: digests,
    needs: digests,
    carries: new Map(),
    manifests: digests
  })
}

const imageOne = manifest("imageOne", { layers: [layer(one)], annotations: { "example.title": "one" } })
const imageTwo = manifest("imageTwo", { layers: [layer(one), layer(two)], silent: true })
const signature = manifest("signature", {
  config: nothing,
  artifactType: signatureType,
  subject: imageOne,
  annotations: { "example.signer": "me" }
})
const both = index("both", [imageOne, imageTwo])

const good: ReadonlyArray<Document> = [
  imageOne,
  imageTwo,
  signature,
  both,
  manifest("docker", { mediaType: dockerType }),
  manifest("elsewhere", {
    layers: [pointer(foreign, foreignType), { ...layer(two), urls: ["https://example.com/two"] }]
  }),
  manifest("sbom", { config: pointer(config, sbomType), subject: imageOne }),
  manifest("countersignature", { config: nothing, artifactType: signatureType, subject: signature }),
  manifest("dangling", { config: nothing, artifactType: sbomType, subject: blob("nobody", "nobody ever pushes this") }),
  index("outer", [both, signature]),
  index("none", [], { subject: imageOne, artifactType: sbomType })
]

/** Documents that break one rule each (image-spec; the last three, rules of ours). */
const bad: ReadonlyArray<Document> = [
  ["noJson", "not JSON"],
  ["noConfig", `{"schemaVersion":2,"layers":[]}`],
  ["annotated", `{"schemaVersion":2,"config":${JSON.stringify(nothing)},"layers":[],"annotations":{"a":1}}`],
  ["versionOne", `{"schemaVersion":1,"config":${JSON.stringify(nothing)},"layers":[]}`],
  ["twoKinds", `{"schemaVersion":2,"config":${JSON.stringify(nothing)},"layers":[],"manifests":[]}`],
  ["keyTwice", `{"schemaVersion":2,"config":${JSON.stringify(nothing)},"layers":[],"layers":[]}`],
  ["otherType", `{"schemaVersion":2,"mediaType":"${dockerType}","config":${JSON.stringify(nothing)},"layers":[]}`]
].map(([name = "", text = ""]) => ({ ...blob(name, text), mediaType: manifestType, fault: "ManifestInvalid" }))

const huge: Document = {
  name: "huge",
  bytes: Buffer.alloc(4 * 1024 * 1024 + 1, " "),
  mediaType: manifestType,
  fault: "ManifestTooLarge"
}

const documents: ReadonlyArray<Document> = [...good, ...bad, huge]
export const goodDocuments = good
export const badDocuments: ReadonlyArray<Document> = [...bad, huge]

/** What is known of a manifest, by any digest it can have. */
export const factsOf: ReadonlyMap<string, Facts> = new Map(
  good.flatMap(({ bytes, facts }) =>
    facts === undefined ? [] : [[digestOf(bytes), facts], [digestOf(bytes, "sha512"), facts]]
  )
)

const byName = new Map<string, Content>([...blobs, ...documents].map((content) => [content.name, content]))

export const bytesOf = (name: string): Uint8Array => {
  const content = byName.get(name)
  if (content === undefined) throw new TypeError(`no content ${name}`)
  return content.bytes
}

export const documentOf = (name: string): Document => {
  const document = documents.find((document) => document.name === name)
  if (document === undefined) throw new TypeError(`no document ${name}`)
  return document
}

/** All content there is, by any digest it can have. */
export const bytesOfDigest: ReadonlyMap<string, Uint8Array> = new Map(
  Array.from(byName.values()).flatMap(({ bytes }) => [
    [digestOf(bytes), bytes],
    [digestOf(bytes, "sha512"), bytes]
  ])
)
