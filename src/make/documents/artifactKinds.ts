/** Kinds of artifacts that are known by a short name, and what files are by their names. */
import * as types from "../../oci/MediaType.ts"

/** How artifacts of a kind are written. */
export interface ArtifactKind {
  readonly artifactType: string
  /** The media type of its files. */
  readonly file: string
  /** The media type of its config, which says what it is and has to be given. */
  readonly config?: string
}

/** By short name; any media type may be given in the place of one. */
export const artifactKinds: Readonly<Record<string, ArtifactKind>> = {
  cosign: {
    artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json",
    file: "application/vnd.dev.cosign.simplesigning.v1+json"
  },
  cyclonedx: { artifactType: "application/vnd.cyclonedx+json", file: "application/vnd.cyclonedx+json" },
  helm: {
    artifactType: "application/vnd.cncf.helm.config.v1+json",
    file: "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    config: "application/vnd.cncf.helm.config.v1+json"
  },
  "in-toto": { artifactType: "application/vnd.in-toto+json", file: "application/vnd.in-toto+json" },
  model: {
    artifactType: "application/vnd.cncf.model.manifest.v1+json",
    file: "application/vnd.cncf.model.weight.v1.raw",
    config: "application/vnd.cncf.model.config.v1+json"
  },
  notation: { artifactType: "application/vnd.cncf.notary.signature", file: "application/jose+json" },
  openvex: { artifactType: "application/vnd.openvex+json", file: "application/vnd.openvex+json" },
  sigstore: {
    artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    file: "application/vnd.dev.sigstore.bundle.v0.3+json"
  },
  spdx: { artifactType: "application/spdx+json", file: "application/spdx+json" },
  wasm: {
    artifactType: "application/vnd.wasm.config.v0+json",
    file: "application/wasm",
    config: "application/vnd.wasm.config.v0+json"
  }
}

/** What a type says: a kind by its short name, or a media type of any artifact. */
export const artifactKindOf = (type: string): ArtifactKind | undefined =>
  Object.hasOwn(artifactKinds, type)
    ? artifactKinds[type]
    : types.isMediaType(type)
    ? { artifactType: type, file: "" }
    : undefined

/** The type that an artifact has of which nothing is said, as oras writes it. */
export const unknownArtifact = "application/vnd.unknown.artifact.v1"

/** By the end of the name, the longer ones first. */
const byEnd: ReadonlyArray<readonly [end: string, mediaType: string]> = [
  [".spdx.json", "application/spdx+json"],
  [".cdx.json", "application/vnd.cyclonedx+json"],
  [".intoto.jsonl", "application/vnd.in-toto+json"],
  [".sigstore.json", "application/vnd.dev.sigstore.bundle.v0.3+json"],
  [".json", "application/json"],
  [".wasm", "application/wasm"],
  [".tar.gz", types.layerTarGzip],
  [".tgz", types.layerTarGzip],
  [".tar.zst", types.layerTarZstd],
  [".tar", types.layerTar],
  [".txt", "text/plain"],
  [".md", "text/markdown"],
  [".yaml", "application/yaml"],
  [".yml", "application/yaml"]
]

/** The media type of a file by its name; `application/octet-stream` for names that say nothing. */
export const mediaTypeOfFile = (name: string): string =>
  byEnd.find(([end]) => name.toLowerCase().endsWith(end))?.[1] ?? types.octetStream
