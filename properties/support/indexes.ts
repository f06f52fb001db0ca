/** Draws indexes as other tools leave them, and commands for the core; names and digests come from small pools. */
import type { Schema } from "effect"
import fc from "fast-check"
import type { Command, DeleteBlob, DeleteManifest, DeleteTag, PutManifest, TagWrite } from "../../src/layout/Command.ts"
import { fromIndex, type State } from "../../src/layout/State.ts"
import { Descriptor } from "../../src/oci/Descriptor.ts"
import { ContentDigest, Digest } from "../../src/oci/Digest.ts"
import { Repository, Tag } from "../../src/oci/Reference.ts"

const refNameKey = "org.opencontainers.image.ref.name"
const mediaType = "application/vnd.oci.image.manifest.v1+json"

const contentDigests = ["a", "b", "c"].map((digit) => ContentDigest.make(`sha256:${digit.repeat(64)}`))
const digests = contentDigests.map((digest) => Digest.make(digest))
const app = Repository.make("app")
export const repository = fc.constantFrom(app, app, app, Repository.make("app/web"))
export const tag = fc.constantFrom("v1", "v1", "latest").map((name) => Tag.make(name))
const digest = fc.constantFrom(...digests)

/** Names as all kinds of tools write them, some of which no tool understands. */
const refName = fc.constantFrom(
  undefined,
  "",
  "v1",
  "latest",
  "app:v1",
  "app:v1",
  "app:latest",
  "app/web:v1",
  `app@${digests[0]}`,
  `app@${digests[1]}`,
  `app:v1@${digests[0]}`,
  "localhost:5000/app:v1",
  "App:v1",
  "__proto__"
)

/** Fields that are unknown here; they are their writer's. */
const extras = fc.constantFrom<Array<Schema.JsonObject>>(
  {},
  {},
  { artifactType: "application/vnd.example" },
  { platform: { os: "linux", architecture: "amd64", "os.features": ["x"] } },
  { "x-unknown": null, urls: ["https://example.com"] }
)

const annotations = fc.constantFrom<Array<Schema.JsonObject>>(
  {},
  {},
  { "example.note": "ümläut \u2028 \u{1f4e6}" },
  { "io.containerd.image.name": "docker.io/app/web:v1" }
)

const entry: fc.Arbitrary<Schema.Json> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.tuple(digest, refName, extras, annotations).map(([digest, refName, extras, others]) => {
      const annotations = refName === undefined ? others : { ...others, [refNameKey]: refName }
      return {
        mediaType,
        digest,
        size: 7,
        ...extras,
        ...(Object.keys(annotations).length === 0 ? {} : { annotations })
      }
    })
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Array<Schema.Json>>(
      null,
      "text",
      [],
      {},
      { mediaType, digest: "sha256:short", size: 7, annotations: { [refNameKey]: "app:v1" } },
      { mediaType, digest: digests[0] ?? "", size: -1 },
      { mediaType, digest: `blake3:${"d".repeat(64)}`, size: 7, annotations: { [refNameKey]: "app:latest" } }
    )
  }
)

export const values: fc.Arbitrary<ReadonlyArray<Schema.Json>> = fc.array(entry, { maxLength: 6 })

export const defaultRepository = fc.constantFrom(undefined, app)

export const stateOf = (values: ReadonlyArray<Schema.Json>, defaultRepository: Repository | undefined): State =>
  fromIndex(values, { defaultRepository, bytes: 4 * JSON.stringify([values], undefined, 8).length })

export const state: fc.Arbitrary<State> = fc.tuple(values, defaultRepository).map(([values, defaultRepository]) =>
  stateOf(values, defaultRepository)
)

const tagWrite: fc.Arbitrary<TagWrite> = fc.oneof(
  { weight: 1, arbitrary: tag.map((tag) => ({ tag })) },
  { weight: 1, arbitrary: fc.record({ tag, ifDigest: digest }) },
  { weight: 2, arbitrary: fc.record({ tag, ifAbsent: fc.constant(true) }) }
)

const descriptor = fc.tuple(digest, extras).map(([digest, extras]) =>
  Descriptor.make({ mediaType, digest, size: 7, ...extras })
)

/** Present nine times out of ten. */
const missing = fc.nat({ max: 9 }).map((drawn) => drawn === 9 ? [{ path: "config", digest: digests[2] ?? "" }] : [])
const neededBy = fc.constantFrom([], ["sha256:somebody"])

export const putManifest: fc.Arbitrary<PutManifest> = fc.record({
  _tag: fc.constant("PutManifest"),
  repository,
  descriptor,
  tags: fc.noBias(fc.array(tagWrite, { maxLength: 2 })),
  missing
})

const deleteTag: fc.Arbitrary<DeleteTag> = fc.oneof(
  fc.record({ _tag: fc.constant("DeleteTag"), repository, tag }),
  fc.record({ _tag: fc.constant("DeleteTag"), repository, tag, ifDigest: digest })
)

const deleteManifest: fc.Arbitrary<DeleteManifest> = fc.record({
  _tag: fc.constant("DeleteManifest"),
  repository,
  digest,
  force: fc.constantFrom(false, false, true),
  neededBy
})

const deleteBlob: fc.Arbitrary<DeleteBlob> = fc.record({
  _tag: fc.constant("DeleteBlob"),
  digest: fc.constantFrom(...contentDigests),
  present: fc.boolean(),
  neededBy
})

const single: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: putManifest },
  { weight: 2, arbitrary: deleteTag },
  { weight: 3, arbitrary: deleteManifest },
  { weight: 2, arbitrary: deleteBlob }
)

export const commands: fc.Arbitrary<ReadonlyArray<Command>> = fc.noBias(fc.array(single, { maxLength: 10 }))

export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: single },
  {
    weight: 1,
    arbitrary: fc.array(single, { maxLength: 4 }).map((commands): Command => ({ _tag: "Batch", commands }))
  }
)
