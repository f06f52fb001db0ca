/** Reading and resolving: blobs, manifests and tags. */
import { Effect, HashMap, Option, Result, Stream } from "effect"
import { fullNameOf } from "../../layout/Entry.ts"
import { allNamed, tagged, withDigest } from "../../layout/query.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { type ContentDigest, type Digest, encodedOf, parseContentDigest, parseDigest } from "../../oci/Digest.ts"
import type { ManifestFault, ReadFault } from "../../oci/faults.ts"
import { blobsOf } from "../../oci/Manifest.ts"
import { octetStream } from "../../oci/MediaType.ts"
import { BlobUnknown, DigestInvalid, IndexInvalid, ManifestUnknown, RangeInvalid } from "../../oci/OciError.ts"
import { quoted } from "../../oci/quoted.ts"
import { parseTag, type Repository } from "../../oci/Reference.ts"
import type { Content, ManifestContent } from "../api/Content.ts"
import type { LayoutRegistry } from "../api/Layout.ts"
import type { BlobRead } from "../ports/BlobStore.ts"
import { annotate, withoutCaller } from "../ports/telemetry.ts"
import type { Catalog, Opened } from "../repositories/catalog.ts"
import { placesOf } from "../repositories/entryNamed.ts"
import { walkRepository } from "../repositories/walkRepository.ts"
import { findDescriptor } from "./findDescriptor.ts"
import { bare, choicesAmong, choicesOf, findTag } from "./findTag.ts"

type Located = Opened & { readonly repository: Repository }

type Reads = Pick<
  LayoutRegistry,
  | "getBlob"
  | "getBlobRange"
  | "getManifest"
  | "getTag"
  | "resolveBlob"
  | "resolveManifest"
  | "resolveTag"
  | "choices"
  | "describe"
  | "tagsOf"
  | "expandDigest"
  | "resolve"
  | "get"
  | "streamBlob"
  | "resolveName"
  | "nameChoices"
  | "getNamed"
  | "blobPath"
  | "layerCache"
>

export const makeReads = (catalog: Catalog): Reads => {
  const located = Effect.fnUntraced(function*(repository: string, input: string) {
    const opened = yield* catalog.open(repository)
    yield* annotate({ digest: input })
    return { opened, digest: yield* Effect.fromResult(parseContentDigest(input)) }
  })

  const manifestContent = Effect.fnUntraced(function*(
    opened: Located,
    descriptor: Descriptor
  ): Effect.fn.Return<ManifestContent, ManifestFault> {
    const bytes = yield* opened.manifests.bytes(descriptor).pipe(
      Effect.catchTag(
        "ManifestUnknown",
        ({ reference }) => Effect.fail(new ManifestUnknown({ repository: opened.repository, reference, absent: true }))
      )
    )
    return {
      descriptor: { ...bare(descriptor), size: bytes.length },
      verified: true,
      bytes,
      // Most readers take the bytes.
      get stream() {
        return Stream.succeed(bytes)
      }
    }
  })

  const resolveTag: Reads["resolveTag"] = Effect.fnUntraced(function*(repository, input) {
    const opened = yield* catalog.open(repository)
    yield* annotate({ reference: input })
    const tag = yield* Effect.fromResult(parseTag(input))
    return bare(yield* Effect.fromResult(findTag(yield* opened.layout.snapshot, opened.repository, tag)))
  }, Effect.withSpan("Registry.resolveTag", {}, withoutCaller))

  const getTag: Reads["getTag"] = Effect.fnUntraced(function*(repository, input) {
    const opened = yield* catalog.open(repository)
    yield* annotate({ reference: input })
    const tag = yield* Effect.fromResult(parseTag(input))
    const descriptor = yield* Effect.fromResult(findTag(yield* opened.layout.snapshot, opened.repository, tag))
    return yield* manifestContent(opened, descriptor)
  }, Effect.withSpan("Registry.getTag", {}, withoutCaller))

  const manifestOf = Effect.fnUntraced(function*(repository: string, input: string) {
    const opened = yield* catalog.open(repository)
    yield* annotate({ digest: input })
    const digest = yield* Effect.fromResult(parseDigest(input))
    return { opened, descriptor: yield* findDescriptor(opened, yield* opened.layout.snapshot, digest) }
  })

  const resolveManifest: Reads["resolveManifest"] = Effect.fnUntraced(function*(repository, digest) {
    return bare((yield* manifestOf(repository, digest)).descriptor)
  }, Effect.withSpan("Registry.resolveManifest", {}, withoutCaller))

  const getManifest: Reads["getManifest"] = Effect.fnUntraced(function*(repository, digest) {
    const { descriptor, opened } = yield* manifestOf(repository, digest)
    return yield* manifestContent(opened, descriptor)
  }, Effect.withSpan("Registry.getManifest", {}, withoutCaller))

  const resolveBlob: Reads["resolveBlob"] = Effect.fnUntraced(function*(repository, input) {
    const { digest, opened } = yield* located(repository, input)
    const stored = yield* opened.blobs.stat(digest)
    if (Option.isSome(stored)) return { mediaType: octetStream, digest, size: stored.value }
    return { mediaType: octetStream, digest, size: (yield* embeddedBlob(opened, digest)).length }
  }, Effect.withSpan("Registry.resolveBlob", {}, withoutCaller))

  const getBlob: Reads["getBlob"] = Effect.fn("Registry.getBlob")(function*(repository, input, options = {}) {
    const { digest, opened } = yield* located(repository, input)
    const read = yield* opened.blobs.read(digest, { ...options, verify: options.verify ?? true })
    return contentOf(digest, Option.getOrUndefined(read) ?? readOf(yield* embeddedBlob(opened, digest)))
  })

  const getBlobRange: Reads["getBlobRange"] = Effect.fn("Registry.getBlobRange")(
    function*(repository, input, { end, offset }, options = {}) {
      const { digest, opened } = yield* located(repository, input)
      const window = { offset, length: end === undefined || end < 0 ? Number.POSITIVE_INFINITY : end - offset }
      const read = yield* opened.blobs.read(digest, { ...options, window, verify: options.verify ?? true })
      const found = Option.getOrUndefined(read) ?? readOf(yield* embeddedBlob(opened, digest), window)
      const { size } = found
      const until = end === undefined || end < 0 || end > size ? size : end
      const whole = Number.isSafeInteger(offset) && Number.isInteger(until)
      if (!whole || offset < 0 || offset > size || offset > until) {
        return yield* new RangeInvalid({ offset, size })
      }
      return contentOf(digest, found)
    }
  )

  const tagsOf: Reads["tagsOf"] = Effect.fn("Registry.tagsOf")(function*(repository, input) {
    const opened = yield* catalog.open(repository)
    const digest = yield* Effect.fromResult(parseDigest(input))
    const state = yield* opened.layout.snapshot
    const tags = withDigest(state, opened.repository, digest).flatMap(({ name }) =>
      name._tag === "Tagged" ? [name.tag] : []
    )
    return tags.filter((tag) => tagged(state, opened.repository, tag)[0]?.digest === digest).toSorted()
  })

  const expandDigest: Reads["expandDigest"] = Effect.fn("Registry.expandDigest")(function*(repository, input) {
    const opened = yield* catalog.open(repository)
    const prefix = input.replace(/^sha(?:256|512):/u, "")
    if (!/^[0-9a-f]{12,128}$/u.test(prefix)) {
      return yield* new DigestInvalid({ digest: input, reason: "a shortened digest has 12 or more hexadecimal digits" })
    }
    const fits = (digest: Digest): digest is ContentDigest =>
      Result.isSuccess(parseContentDigest(digest)) && encodedOf(digest).startsWith(prefix) &&
      (input === prefix || digest.startsWith(input))
    const { reached } = yield* walkRepository(opened, yield* opened.layout.snapshot, opened.repository, false)
    const manifests = Array.from(reached.keys()).filter(fits)
    if (manifests.length > 0) return manifests.toSorted()
    const blobs = yield* Stream.runCollect(Stream.filter(opened.blobs.list, ({ digest }) => fits(digest)))
    return blobs.map(({ digest }) => digest).toSorted()
  })

  /** The first entry of a name, wherever it may be. */
  const namedEntry = Effect.fnUntraced(function*(refName: string) {
    for (const { name, opened } of yield* placesOf(catalog, refName)) {
      const entries = allNamed(yield* opened.layout.snapshot, name)
      const [entry] = entries
      if (entry === undefined) continue
      // A bare tag of several images, which their full names tell apart.
      const candidates = Array.from(new Set(entries.flatMap((one) => fullNameOf(one) ?? [])))
      if (candidates.length > 1) return yield* new ManifestUnknown({ repository: "", reference: refName, candidates })
      if (entry.descriptor === undefined) {
        const why = entry.name._tag === "Raw" ? entry.name.reason : "is no descriptor"
        const reason = `has an entry, ${quoted(refName)}, that ${why}`
        return yield* new IndexInvalid({ path: "index.json", reason })
      }
      return { opened, descriptor: entry.descriptor, entries }
    }
    return yield* new ManifestUnknown({ repository: "", reference: refName })
  })

  return {
    // No tag has a colon, and every digest has one.
    resolve: (repository, reference) =>
      reference.includes(":") ? resolveManifest(repository, reference) : resolveTag(repository, reference),
    get: (repository, reference) =>
      reference.includes(":") ? getManifest(repository, reference) : getTag(repository, reference),
    streamBlob: (repository, digest, options) =>
      Stream.unwrap(Effect.map(getBlob(repository, digest, options), ({ stream }) => stream)),
    getBlob,
    getBlobRange,
    getManifest,
    getTag,
    resolveBlob,
    resolveManifest,
    resolveTag,
    tagsOf,
    expandDigest,
    layerCache: Effect.fn("Registry.layerCache")(function*(repository) {
      return (yield* catalog.open(repository)).layers
    }),
    describe: Effect.fn("Registry.describe")(function*(repository, descriptor) {
      const opened = yield* catalog.open(repository)
      return yield* opened.manifests.facts(descriptor)
    }),
    choices: Effect.fn("Registry.choices")(function*(repository, input) {
      const opened = yield* catalog.open(repository)
      yield* annotate({ reference: input })
      const tag = yield* Effect.fromResult(parseTag(input))
      const state = yield* opened.layout.snapshot
      yield* Effect.fromResult(findTag(state, opened.repository, tag))
      return choicesOf(state, opened.repository, tag)
    }),
    resolveName: Effect.fn("Registry.resolveName")(function*(refName) {
      return bare((yield* namedEntry(refName)).descriptor)
    }),
    nameChoices: Effect.fn("Registry.nameChoices")(function*(refName) {
      return choicesAmong((yield* namedEntry(refName)).entries)
    }),
    getNamed: Effect.fn("Registry.getNamed")(function*(refName, digest) {
      const { descriptor: first, entries, opened } = yield* namedEntry(refName)
      const descriptor = digest === undefined
        ? first
        : entries.find((one) => one.descriptor?.digest === digest)?.descriptor
      if (descriptor === undefined) return yield* new ManifestUnknown({ repository: "", reference: digest ?? refName })
      const bytes = yield* opened.manifests.bytes(descriptor)
      return {
        descriptor: { ...bare(descriptor), size: bytes.length },
        verified: true,
        bytes,
        stream: Stream.succeed(bytes)
      }
    }),
    blobPath: Effect.fn("Registry.blobPath")(function*(repository, input) {
      const { digest, opened } = yield* located(repository, input)
      return opened.blobs.path(digest)
    })
  }
}

/** A blob that is in no file, but in the `data` of a descriptor of the repository (image-spec, descriptor.md). */
const embeddedBlob = Effect.fnUntraced(function*(
  opened: Located,
  digest: ContentDigest
): Effect.fn.Return<Uint8Array, BlobUnknown | ReadFault> {
  const state = yield* opened.layout.snapshot
  if (HashMap.has(state.repositories, opened.repository)) {
    const { facts, reached } = yield* walkRepository(opened, state, opened.repository, true)
    for (const descriptor of [...reached.values(), ...Array.from(facts.values()).flatMap(blobsOf)]) {
      if (descriptor.digest !== digest) continue
      const data = opened.manifests.embedded(descriptor)
      if (Option.isSome(data)) return data.value
    }
  }
  return yield* new BlobUnknown({ digest })
})

const contentOf = (
  digest: ContentDigest,
  { content, size, verified }: BlobRead
): Content => ({ descriptor: { mediaType: octetStream, digest, size }, verified, stream: content })

/** What is in memory, as if it were read. */
const readOf = (bytes: Uint8Array, { length, offset } = { offset: 0, length: bytes.length }): BlobRead => ({
  size: bytes.length,
  verified: true,
  content: Stream.sync(() => bytes.subarray(offset, offset + length))
})
