/** Writing manifests and tags: one commit for all that belongs together. */
import { Effect, Option, Result, Stream } from "effect"
import type { Command, Missing, PutManifest, Refusal, TagWrite } from "../../layout/Command.ts"
import { decide } from "../../layout/decide.ts"
import { replay } from "../../layout/evolve.ts"
import { reaching, tagged } from "../../layout/query.ts"
import type { State } from "../../layout/State.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { algorithmOf, type ContentDigest, parseContentDigest, parseDigest } from "../../oci/Digest.ts"
import type { ReadFault, WriteFault } from "../../oci/faults.ts"
import { field } from "../../oci/field.ts"
import { type Manifest, parseManifest } from "../../oci/Manifest.ts"
import {
  type AlgorithmUnsupported,
  DigestInvalid,
  ManifestTooLarge,
  ManifestUnknown,
  type NameInvalid,
  type TagInvalid,
  Unsupported
} from "../../oci/OciError.ts"
import { parseTag, type Repository } from "../../oci/Reference.ts"
import type { ChangeDone } from "../api/Done.ts"
import type { PushManifestError } from "../api/errors.ts"
import type { LayoutRegistry } from "../api/Layout.ts"
import type { Change, PushManifestOptions, TagRequest } from "../api/Registry.ts"
import * as limits from "../limits.ts"
import { factsOf } from "../manifests/manifests.ts"
import type { BlobStore } from "../ports/BlobStore.ts"
import type { Hasher } from "../ports/Hasher.ts"
import type { Committed } from "../ports/LayoutStore.ts"
import type { Catalog, Opened } from "../repositories/catalog.ts"
import { isStored, missingFrom } from "../repositories/missingFrom.ts"
import { changeDone, pushed } from "./changeDone.ts"
import { listReferrer } from "./fallbackTags.ts"
import { findDescriptor } from "./findDescriptor.ts"

type Located = Opened & { readonly repository: Repository }

/**
 * A change whose names and document are in order: its evidence is gathered on the state that the decision is made on.
 */
interface Prepared<E = PushManifestError> {
  readonly opened: Located
  /** Stores what the change brings along. */
  readonly store: Effect.Effect<void, E>
  readonly evidence: (state: State) => Effect.Effect<Command, E>
  /** What it did, where others may have been committed with it. */
  readonly done: (committed: Committed) => ChangeDone
}

export const makePushManifests = (
  catalog: Catalog,
  hasher: Hasher
): Pick<LayoutRegistry, "pushManifest" | "tagManifest" | "batch"> => {
  const preparePush = Effect.fnUntraced(function*(
    repository: string,
    bytes: Uint8Array,
    mediaType: string,
    options: PushManifestOptions,
    alone: boolean
  ) {
    const opened = yield* catalog.open(repository)
    const tags = yield* tagWrites(options.tags ?? [])
    const descriptor = yield* describeManifest(hasher, bytes, mediaType, options.digest)
    const manifest = yield* Effect.fromResult(
      parseManifest(bytes, mediaType, options.stored === true ? "read" : "push")
    )
    const command = (missing: ReadonlyArray<Missing>): PutManifest => ({
      _tag: "PutManifest",
      repository: opened.repository,
      descriptor: {
        ...described(descriptor, manifest),
        ...field("annotations", options.annotations)
      },
      tags,
      missing
    })
    const missing = (look: BlobStore["protect"]) =>
      Effect.map(
        missingFrom(opened, manifest, look, options.stored === true),
        (all) => options.sparse === true ? [] : all
      )
    const store = Effect.gen(function*() {
      const known = command(yield* missing(opened.blobs.stat))
      // Refused on what is known already, so that a refusal leaves nothing behind; whether the conditions of tags hold
      // is not known while other changes come first.
      const { recent, snapshot } = opened.layout
      const isRefused = (state: State) => decide(state, alone ? known : { ...known, tags: [] })
      const early = recent === undefined ? undefined : isRefused(yield* recent)
      if (early === undefined || Result.isFailure(early)) yield* Effect.fromResult(isRefused(yield* snapshot))
      // What another process has pushed is made to last before the lock is taken, not while others wait for it.
      yield* missing(opened.blobs.protect)
      yield* opened.blobs.write(Stream.succeed(bytes), {
        algorithm: algorithmOf(descriptor.digest),
        digest: descriptor.digest,
        size: bytes.length,
        manifest: true
      })
    })
    const itself: Missing = { path: "", digest: descriptor.digest }
    const prepared: Prepared = {
      opened,
      store,
      evidence: Effect.fnUntraced(function*(state) {
        const lacking = yield* missing(opened.blobs.protect)
        const stored = yield* opened.blobs.protect(descriptor.digest, { manifest: true, size: bytes.length })
        const put = command(Option.isSome(stored) ? lacking : [itself, ...lacking])
        const lists = yield* listReferrer(opened, hasher, state, {
          descriptor,
          manifest,
          wanted: options.fallbackTag === true
        })
        return lists.length === 0 ? put : { _tag: "Batch", commands: [put, ...lists] }
      }),
      done: (committed) => changeDone(committed, opened.repository, described(descriptor, manifest), tags)
    }
    return { prepared, descriptor: described(descriptor, manifest), manifest, tags }
  })

  const prepareTag = Effect.fnUntraced(
    function*(repository: string, input: string, requests: ReadonlyArray<TagRequest>) {
      const opened = yield* catalog.open(repository)
      const digest = yield* Effect.fromResult(parseDigest(input))
      const tags = yield* tagWrites(requests)
      const prepared: Prepared<ManifestUnknown | WriteFault> = {
        opened,
        store: Effect.void,
        evidence: Effect.fnUntraced(function*(state) {
          const descriptor = yield* findDescriptor(opened, state, digest).pipe(
            Effect.catchTag(
              "NameUnknown",
              () => Effect.fail(new ManifestUnknown({ repository: opened.repository, reference: digest }))
            )
          )
          const there = Option.isSome(opened.manifests.embedded(descriptor)) || (yield* isStored(opened, descriptor))
          const missing = there ? [] : [{ path: "", digest }]
          return { _tag: "PutManifest", repository: opened.repository, descriptor, tags, missing } satisfies PutManifest
        }),
        done: (committed) => {
          const [entry] = reaching(committed.after, opened.repository, digest)
          return changeDone(committed, opened.repository, entry?.descriptor, tags)
        }
      }
      return { prepared, tags, digest }
    }
  )

  const prepare = Effect.fnUntraced(function*(change: Change): Effect.fn.Return<Prepared, PushManifestError> {
    switch (change._tag) {
      case "PushManifest":
        return (yield* preparePush(change.repository, change.bytes, change.mediaType, change.options ?? {}, false))
          .prepared
      case "Tag":
        return (yield* prepareTag(change.repository, change.digest, change.tags)).prepared
      case "DeleteTag":
        return yield* prepareDelete(catalog, change)
    }
  })

  return {
    pushManifest: Effect.fn("Registry.pushManifest")(function*(repository, bytes, mediaType, options = {}) {
      const { descriptor, manifest, prepared, tags } = yield* preparePush(repository, bytes, mediaType, options, true)
      yield* prepared.store
      const committed = yield* commit(prepared)
      yield* prepared.opened.facts.learn(descriptor, factsOf(manifest, bytes))
      yield* prepared.opened.facts.keep
      return pushed(committed, prepared.opened.repository, descriptor, tags, manifest.subject?.digest)
    }),

    tagManifest: Effect.fn("Registry.tagManifest")(function*(repository, input, requests) {
      const { digest, prepared, tags } = yield* prepareTag(repository, input, requests)
      const committed = yield* commit(prepared)
      const descriptor = yield* findDescriptor(prepared.opened, committed.after, digest)
      return pushed(committed, prepared.opened.repository, descriptor, tags, undefined)
    }),

    batch: Effect.fn("Registry.batch")(function*(changes) {
      const prepared = yield* Effect.forEach(changes, prepare)
      const [first] = prepared
      if (first === undefined) return { changes: [], revision: Option.none() }
      const stranger = prepared.find(({ opened }) => !catalog.together(first.opened.repository, opened.repository))
      if (stranger !== undefined) {
        return yield* new Unsupported({
          operation: "a batch across repositories",
          reason: `${first.opened.repository} and ${stranger.opened.repository} are layouts of their own`
        })
      }
      yield* Effect.forEach(prepared, ({ store }) => store)
      const committed = yield* first.opened.layout.transact({
        evidence: (state) => commandsInTurn(prepared, state),
        decide: (state, commands) => decide(state, { _tag: "Batch", commands })
      })
      return { changes: prepared.map(({ done }) => done(committed)), revision: committed.revision }
    })
  }
}

const commit = <E>({ evidence, opened }: Prepared<E>): Effect.Effect<Committed, E | Refusal | WriteFault> =>
  opened.layout.transact({ evidence, decide })

/** The commands of a batch, each with evidence of the state that those before it leave; a refused one is the last. */
const commandsInTurn = Effect.fnUntraced(function*(
  prepared: ReadonlyArray<Prepared>,
  state: State
): Effect.fn.Return<ReadonlyArray<Command>, PushManifestError> {
  const commands: Array<Command> = []
  let next = state
  for (const { evidence } of prepared) {
    const command = yield* evidence(next)
    commands.push(command)
    const decision = decide(next, command)
    if (Result.isFailure(decision)) break
    next = replay(next, decision.success)
  }
  return commands
})

const prepareDelete = Effect.fnUntraced(function*(
  catalog: Catalog,
  change: Extract<Change, { readonly _tag: "DeleteTag" }>
): Effect.fn.Return<Prepared, NameInvalid | TagInvalid | DigestInvalid | ReadFault> {
  const opened = yield* catalog.open(change.repository)
  const tag = yield* Effect.fromResult(parseTag(change.tag))
  const ifDigest = change.ifDigest === undefined ? undefined : yield* Effect.fromResult(parseDigest(change.ifDigest))
  const command: Command = {
    _tag: "DeleteTag",
    repository: opened.repository,
    tag,
    ...field("ifDigest", ifDigest)
  }
  return {
    opened,
    store: Effect.void,
    evidence: () => Effect.succeed(command),
    done: (committed) => {
      const entry = tagged(committed.before, opened.repository, tag)[0]
      return changeDone(committed, opened.repository, entry?.descriptor, [])
    }
  }
})

const tagWrites = (
  requests: ReadonlyArray<TagRequest>
): Effect.Effect<ReadonlyArray<TagWrite>, TagInvalid | DigestInvalid> =>
  Effect.forEach(
    requests,
    Effect.fnUntraced(function*(request) {
      const { ifAbsent, ifDigest, tag } = typeof request === "string"
        ? { tag: request }
        : { ifAbsent: undefined, ifDigest: undefined, ...request }
      return {
        tag: yield* Effect.fromResult(parseTag(tag)),
        ...(ifDigest === undefined ? {} : { ifDigest: yield* Effect.fromResult(parseDigest(ifDigest)) }),
        ...field("ifAbsent", ifAbsent)
      }
    })
  )

/** What the bytes are, checked against what the caller says they are. */
const describeManifest = Effect.fnUntraced(function*(
  hasher: Hasher,
  bytes: Uint8Array,
  mediaType: string,
  expected: string | undefined
): Effect.fn.Return<
  Descriptor & { readonly digest: ContentDigest },
  AlgorithmUnsupported | DigestInvalid | ManifestTooLarge
> {
  const wanted = expected === undefined ? undefined : yield* Effect.fromResult(parseContentDigest(expected))
  if (bytes.length > limits.manifestBytes) {
    return yield* new ManifestTooLarge({ size: bytes.length, limit: limits.manifestBytes })
  }
  const digest = hasher.digest(wanted === undefined ? "sha256" : algorithmOf(wanted), bytes)
  if (wanted !== undefined && wanted !== digest) return yield* new DigestInvalid({ digest: wanted, actual: digest })
  return { mediaType, digest, size: bytes.length }
})

/** An entry says of an artifact what it is, as oras and skopeo write it. */
const described = (
  descriptor: Descriptor & { readonly digest: ContentDigest },
  { document }: Manifest
): Descriptor & { readonly digest: ContentDigest } =>
  typeof document["artifactType"] === "string" ? { ...descriptor, artifactType: document["artifactType"] } : descriptor
