/** What must be seen of a layout that some tool has written, and that seeing it changes nothing. */
import { assert } from "@effect/vitest"
import { Effect, type Scope, Stream } from "effect"
import { createHash } from "node:crypto"
import { hasher } from "../../src/node/files/hasher.ts"
import { nodeFs } from "../../src/node/fs/nodeFs.ts"
import { makeDisk } from "../../src/node/index.ts"
import { openStores } from "../../src/node/stores.ts"
import type { RegistryError } from "../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { sharedRegistry } from "../../src/ops/makeRegistry.ts"
import { copyOfFixture, listing } from "../support/folders.ts"
import { entriesIn, plainBlob, type PlainDescriptor, reachedFrom, refNameOf } from "../support/plainLayout.ts"

/** The repository of bare tags and nameless entries, where one is given. */
export const byDefault = "def/repo"

const bareTag = "is a bare tag and there is no default repository"
const noName = "has no name and there is no default repository"

export interface Seen {
  readonly name: string
  /** The tags of each repository, each with the first digits of its digest. */
  readonly tags: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** The first digits of manifests that are entries without a tag. */
  readonly untagged?: Readonly<Record<string, ReadonlyArray<string>>>
  /** Entries that cannot be understood: their name as written, and why; in index order. */
  readonly unnamed?: ReadonlyArray<readonly [string | undefined, string]>
  /** How many manifests, and how many configs and layers, can be read. */
  readonly manifests: number
  readonly blobs: number
}

/** Works on a copy of a fixture and holds it to staying as it was. */
export const givenUntouched = <A, E>(
  name: string,
  use: (layout: string) => Effect.Effect<A, E, Scope.Scope>
): Effect.Effect<A, E, Scope.Scope> =>
  Effect.gen(function*() {
    const layout = yield* copyOfFixture(name)
    const before = listing(layout, { times: true })
    const answer = yield* Effect.scoped(use(layout))
    assert.deepStrictEqual(listing(layout, { times: true }), before, "reading changes nothing")
    return answer
  })

/** All bytes of a blob, as a client gets them. */
export const blobBytes = (
  registry: LayoutRegistry,
  repository: string,
  digest: string
): Effect.Effect<Uint8Array, RegistryError> =>
  Effect.scoped(Effect.gen(function*() {
    const { stream } = yield* registry.getBlob(repository, digest)
    return Buffer.concat(yield* Stream.runCollect(stream))
  }))

export const assertHashes = (bytes: Uint8Array, digest: string): void => {
  const [algorithm = "", hex] = digest.split(":")
  assert.strictEqual(createHash(algorithm).update(bytes).digest("hex"), hex)
}

const hasDigits = (digits: string) => ({ digest }: { readonly digest: string }): boolean =>
  digest.slice(digest.indexOf(":") + 1).startsWith(digits)

/** Everything the table says of a layout, and every byte that can be reached in it. */
export const assertSeen = (row: Seen): Effect.Effect<void, RegistryError, Scope.Scope> =>
  givenUntouched(row.name, (layout) =>
    Effect.gen(function*() {
      const registry = yield* makeDisk({ directory: layout, defaultRepository: byDefault })
      yield* registry.check
      yield* assertNames(registry, row)
      yield* assertContents(registry, row, layout)
    }))

/** The same for a caller that names no default repository: what is bare is listed with the reason, and can still be read. */
export const assertSeenWithoutDefault = (row: Seen): Effect.Effect<void, RegistryError, Scope.Scope> =>
  givenUntouched(row.name, (layout) =>
    Effect.gen(function*() {
      const registry = sharedRegistry(yield* openStores(nodeFs, { directory: layout }, undefined), hasher)
      const strict = withoutDefault(row, entriesIn(layout))
      yield* assertNames(registry, strict)
      for (const [refName] of strict.unnamed ?? []) {
        const entry = entriesIn(layout).find((entry) => refNameOf(entry) === refName)
        if (refName === undefined || entry === undefined || plainBlob(layout, entry.digest) === undefined) continue
        assert.strictEqual((yield* registry.resolveName(refName)).digest, entry.digest)
        const { bytes, descriptor } = yield* registry.getNamed(refName)
        assertHashes(bytes, entry.digest)
        assert.deepStrictEqual([descriptor.mediaType, descriptor.size], [entry.mediaType, entry.size])
      }
      const { blobs, manifests } = reachedFrom(layout, entriesIn(layout))
      for (const digest of [...blobs.keys(), ...manifests.keys()]) {
        assertHashes(yield* blobBytes(registry, "any/valid-name", digest), digest)
      }
    }))

/** Nothing but a default repository makes an entry one of `def/repo`, so without it they all are unnamed. */
const withoutDefault = (row: Seen, entries: ReadonlyArray<PlainDescriptor>): Seen => {
  const unnamed = new Map(row.unnamed)
  const own = Object.keys(row.tags[byDefault] ?? {})
  const { [byDefault]: _tags, ...tags } = row.tags
  const { [byDefault]: _untagged, ...untagged } = row.untagged ?? {}
  return {
    ...row,
    tags,
    untagged,
    unnamed: entries.flatMap((entry): ReadonlyArray<readonly [string | undefined, string]> => {
      const refName = refNameOf(entry)
      const reason = unnamed.get(refName)
      if (reason !== undefined) return [[refName, reason]]
      if (refName === undefined || refName === "") return [[refName, noName]]
      return own.includes(refName) ? [[refName, bareTag]] : []
    })
  }
}

const assertNames = (
  registry: LayoutRegistry,
  { tags, unnamed = [], untagged = {} }: Seen
): Effect.Effect<void, RegistryError> =>
  Effect.gen(function*() {
    const expected = Array.from(new Set([...Object.keys(tags), ...Object.keys(untagged)])).toSorted()
    assert.deepStrictEqual(yield* Stream.runCollect(registry.repositories()), expected)
    for (const repository of expected) {
      const own = tags[repository] ?? {}
      assert.deepStrictEqual(yield* Stream.runCollect(registry.tags(repository)), Object.keys(own).toSorted())
      for (const [tag, digits] of Object.entries(own)) {
        const resolved = yield* registry.resolveTag(repository, tag)
        assert.isTrue(hasDigits(digits)(resolved), `${repository}:${tag} is ${resolved.digest}`)
        const { bytes, descriptor, verified } = yield* registry.getTag(repository, tag)
        assert.deepStrictEqual({ ...descriptor }, { ...resolved })
        assert.isTrue(verified)
        assert.strictEqual(bytes.length, descriptor.size)
        assertHashes(bytes, descriptor.digest)
        assert.include(yield* registry.tagsOf(repository, resolved.digest), tag)
      }
    }
    const raw = yield* Stream.runCollect(registry.unnamed())
    assert.deepStrictEqual(raw.map(({ reason, refName }) => [refName, reason] as const), unnamed)
  })

const assertContents = (
  registry: LayoutRegistry,
  { blobs, manifests, tags, untagged = {} }: Seen,
  layout: string
): Effect.Effect<void, RegistryError> =>
  Effect.gen(function*() {
    const entries = entriesIn(layout)
    const found = { manifests: new Set<string>(), blobs: new Set<string>() }
    for (const repository of new Set([...Object.keys(tags), ...Object.keys(untagged)])) {
      const digits = [...Object.values(tags[repository] ?? {}), ...untagged[repository] ?? []]
      const own = digits.flatMap((digits) => entries.filter(hasDigits(digits)))
      assert.isAtLeast(own.length, digits.length, `the entries of ${repository}`)
      for (const { digest } of own) {
        assert.strictEqual((yield* registry.resolveManifest(repository, digest)).digest, digest)
      }
      const reached = reachedFrom(layout, own)
      for (const [digest, { mediaType, size }] of reached.manifests) {
        const { bytes, descriptor } = yield* registry.getManifest(repository, digest)
        assertHashes(bytes, digest)
        assert.deepStrictEqual({ mediaType, size }, { mediaType: descriptor.mediaType, size: descriptor.size })
        found.manifests.add(digest)
      }
      for (const [digest, { size }] of reached.blobs) {
        assert.strictEqual((yield* registry.resolveBlob(repository, digest)).size, size)
        assertHashes(yield* blobBytes(registry, repository, digest), digest)
        found.blobs.add(digest)
      }
    }
    assert.deepStrictEqual({ manifests: found.manifests.size, blobs: found.blobs.size }, { manifests, blobs })
  })
