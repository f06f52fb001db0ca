import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { makeDisk } from "../../src/node/index.ts"
import { copyOfFixture } from "../support/folders.ts"
import { entriesIn, refNameOf } from "../support/plainLayout.ts"
import { byDefault, givenUntouched } from "./seen.ts"

const gzip = "sha256:6ff141417d6c7f3b2640bc3ee0059806385aa6d44f2745de05b4dfd1c9d274bc"
const hand = "sha256:3724e5d16d5e8b1476beeef298e1a5c93a1d0fe2da31bc698ce95a5ddcf3667f"
const absent = "sha256:ffa63583dfa6706b87d284b86b0d693a161e4840aad2c5cf6b5d27c3b9621f7d"
const attached = "sha256:f1460a26239ca92f92e05514285d57825e88ccb0584d9e3a5637fce1a18bfab2"

const spdx = "application/spdx+json"
const signature = "application/vnd.example.sig"
const created = (time: string) => ({ "org.opencontainers.image.created": `2026-11-23T${time}Z` })

interface Found {
  readonly digits: string
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** The referrers of a subject, in order of their digests, with their own type and annotations. */
const cases: ReadonlyArray<{
  readonly name: string
  readonly repository: string
  readonly subject: string
  readonly found: ReadonlyArray<Found>
}> = [
  {
    name: "hand/referrers",
    repository: byDefault,
    subject: hand,
    found: [
      // Without an artifact type of its own a manifest has that of its config; an index has none.
      { digits: "056726e80235", artifactType: "application/vnd.example.config.v1+json" },
      { digits: "22dbb3008e7b", artifactType: spdx, annotations: { "com.example.a": "1" } },
      { digits: "c92b8f44cabb", annotations: { "com.example.i": "1" } }
    ]
  },
  {
    name: "hand/referrers",
    repository: byDefault,
    subject: absent,
    found: [{ digits: "b0aa82db95c4", artifactType: signature }]
  },
  {
    name: "oras-copy-referrers",
    repository: byDefault,
    subject: gzip,
    found: [
      {
        digits: "92132f4c2752",
        artifactType: signature,
        annotations: { "com.example.signer": "me", ...created("02:32:11") }
      },
      { digits: "f1460a26239c", artifactType: spdx, annotations: created("02:32:10") }
    ]
  },
  {
    // A referrer of a referrer.
    name: "oras-copy-referrers",
    repository: byDefault,
    subject: attached,
    found: [{ digits: "4aa902094419", artifactType: signature, annotations: created("02:32:11") }]
  },
  {
    // Listed as an entry, and once more by the index under the fallback tag.
    name: "registry-oras-referrers",
    repository: byDefault,
    subject: gzip,
    found: [{ digits: "26989c38f8fc", artifactType: spdx, annotations: created("02:32:47") }]
  },
  {
    name: "dockeroci-server-push",
    repository: "example/app",
    subject: gzip,
    found: [{ digits: "0455c21ea0f3", artifactType: spdx, annotations: created("02:32:48") }]
  },
  {
    // All repositories of a layout share its content, and what belongs to it.
    name: "dockeroci-server-push",
    repository: "other/nested/repo",
    subject: gzip,
    found: [{ digits: "0455c21ea0f3", artifactType: spdx, annotations: created("02:32:48") }]
  },
  { name: "buildah-manifest", repository: byDefault, subject: absent, found: [] }
]

describe("referrers", () => {
  it.live.each(cases)(
    "of $subject in $repository of $name",
    ({ found, name, repository, subject }) =>
      givenUntouched(name, (layout) =>
        Effect.gen(function*() {
          const registry = yield* makeDisk({ directory: layout, defaultRepository: byDefault })
          const referrers = yield* Stream.runCollect(registry.referrers(repository, subject))
          const seen = referrers.map(({ annotations, artifactType, digest }): Found => ({
            digits: digest.slice(7, 19),
            ...(artifactType === undefined ? {} : { artifactType }),
            ...(annotations === undefined ? {} : { annotations: { ...annotations } })
          }))
          assert.deepStrictEqual(seen, found)
          for (const { digest, mediaType, size } of referrers) {
            const { bytes, descriptor } = yield* registry.getManifest(repository, digest)
            assert.deepStrictEqual([mediaType, size], [descriptor.mediaType, bytes.length])
          }
          for (const artifactType of new Set(found.map(({ artifactType }) => artifactType))) {
            if (artifactType === undefined) continue
            const filtered = yield* Stream.runCollect(registry.referrers(repository, subject, { artifactType }))
            const wanted = found.filter((one) => one.artifactType === artifactType)
            assert.deepStrictEqual(
              filtered.map(({ digest }) => digest.slice(7, 19)),
              wanted.map(({ digits }) => digits)
            )
          }
        }))
  )

  it.live("are found where only the fallback tag names them", () =>
    Effect.gen(function*() {
      const layout = yield* copyOfFixture("registry-oras-referrers")
      const named = entriesIn(layout).filter((entry) => refNameOf(entry) !== undefined)
      writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: named }))
      const registry = yield* makeDisk({ directory: layout, defaultRepository: byDefault })
      assert.deepStrictEqual(yield* Stream.runCollect(registry.tags(byDefault)), [gzip.replace(":", "-"), "v1"])
      const referrers = yield* Stream.runCollect(registry.referrers(byDefault, gzip))
      assert.deepStrictEqual(referrers.map(({ digest }) => digest.slice(7, 19)), ["26989c38f8fc"])
      assert.deepStrictEqual(referrers.map(({ artifactType }) => artifactType), [spdx])
    }))

  it.live("can be tagged where only the fallback tag names them, and the entry repeats none of their annotations", () =>
    Effect.gen(function*() {
      const layout = yield* copyOfFixture("registry-oras-referrers")
      const named = entriesIn(layout).filter((entry) => refNameOf(entry) !== undefined)
      writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: named }))
      const registry = yield* makeDisk({ directory: layout, defaultRepository: byDefault })
      const [referrer] = yield* Stream.runCollect(registry.referrers(byDefault, gzip))
      assert.isDefined(referrer?.annotations)
      yield* registry.tagManifest(byDefault, referrer?.digest ?? "", ["sbom"])
      const entry = entriesIn(layout).find((one) => one.digest === referrer?.digest)
      assert.deepStrictEqual(Object.keys(entry?.annotations ?? {}), ["org.opencontainers.image.ref.name"])
    }))
})
