import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { Batch, Command, DeleteManifest, DeleteTag, PutManifest, TagWrite } from "../../src/layout/Command.ts"
import { decide } from "../../src/layout/decide.ts"
import { BlobDeleted, EntryAdded, EntryRemoved, EntryReplaced } from "../../src/layout/Event.ts"
import { replay } from "../../src/layout/evolve.ts"
import { empty } from "../../src/layout/State.ts"
import {
  BlobUnknown,
  Conflict,
  IndexTooLarge,
  ManifestBlobUnknown,
  ManifestUnknown,
  Referenced,
  TagExists
} from "../../src/oci/OciError.ts"
import { given, givenDefault, stateOf } from "../support/decider.ts"
import { at, containerdKey, descriptor, digest, entry, refNameKey, repository, tag } from "../support/entries.ts"

const app = repository("app")
const other = repository("other")

const put = (digit: string, ...tags: ReadonlyArray<string | TagWrite>): PutManifest => ({
  _tag: "PutManifest",
  repository: app,
  descriptor: descriptor(digit),
  tags: tags.map((write) => typeof write === "string" ? { tag: tag(write) } : write),
  missing: []
})

const untag = (name: string, ifDigest?: string): DeleteTag => ({
  _tag: "DeleteTag",
  repository: app,
  tag: tag(name),
  ...(ifDigest === undefined ? {} : { ifDigest: digest(ifDigest) })
})

const remove = (digit: string, options: Partial<DeleteManifest> = {}): DeleteManifest => ({
  _tag: "DeleteManifest",
  repository: app,
  digest: digest(digit),
  force: false,
  neededBy: [],
  ...options
})

const batch = (...commands: ReadonlyArray<Command>): Batch => ({ _tag: "Batch", commands })

const conflict = (name: string, expected: string, actual?: string): Conflict =>
  new Conflict({
    reason: actual === undefined ? "it is not there" : "it points elsewhere",
    repository: app,
    tag: name,
    expected: digest(expected),
    ...(actual === undefined ? {} : { actual: digest(actual) })
  })

describe("putting a manifest without tags", () => {
  it("makes it reachable by its digest", () => {
    given().when(put("a")).records(new EntryAdded({ value: entry("a", at("app", "a")) }))
  })

  it("does nothing where the repository has it, by any name", () => {
    given(entry("a", at("app", "a"))).when(put("a")).records()
    given(entry("a", "app:v1")).when(put("a")).records()
    given(entry("a", "app:v1"), entry("a", "app:v2")).when(put("a")).records()
  })

  it("is not content with an entry of another repository", () => {
    given(entry("a", "other:v1")).when(put("a")).leaves(entry("a", "other:v1"), entry("a", at("app", "a")))
  })

  it("is refused while something it needs is missing, and says what", () => {
    const missing = [{ path: "config", digest: digest("c") }, { path: "layers[0]", digest: digest("d") }]
    given().when({ ...put("a", "v1"), missing }).isRefused(new ManifestBlobUnknown({ missing }))
  })
})

describe("setting a tag", () => {
  it("adds an entry for each new tag", () => {
    given().when(put("a", "v1", "v2")).records(
      new EntryAdded({ value: entry("a", "app:v1") }),
      new EntryAdded({ value: entry("a", "app:v2") })
    )
  })

  it("does nothing where the tag points there already", () => {
    given(entry("a", "app:v1")).when(put("a", "v1")).records()
  })

  it("names the untagged entry of the manifest where it stands", () => {
    given(entry("a", at("app", "a")), entry("b", "app:v2")).when(put("a", "v1")).records(
      new EntryReplaced({
        refName: at("app", "a"),
        digest: digest("a"),
        occurrence: 0,
        from: entry("a", at("app", "a")),
        to: entry("a", "app:v1")
      })
    )
  })

  it("moves it where it stands, and keeps what it pointed at as an untagged entry", () => {
    given(entry("a", "app:v1"), entry("c", "app:v2")).when(put("b", "v1")).records(
      new EntryReplaced({
        refName: "app:v1",
        digest: digest("a"),
        occurrence: 0,
        from: entry("a", "app:v1"),
        to: entry("b", "app:v1")
      }),
      new EntryAdded({ value: entry("a", at("app", "a")) })
    )
  })

  it("adds no untagged entry for a manifest that another tag still names", () => {
    given(entry("a", "app:v1"), entry("a", "app:v2")).when(put("b", "v1"))
      .leaves(entry("b", "app:v1"), entry("a", "app:v2"))
  })

  it("takes the untagged entry of the manifest away that the tag moves to", () => {
    given(entry("a", "app:v1"), entry("b", at("app", "b"))).when(put("b", "v1"))
      .leaves(entry("b", "app:v1"), entry("a", at("app", "a")))
  })

  it("leaves another repository's tag of that name alone", () => {
    given(entry("a", "other:v1")).when(put("b", "v1")).leaves(entry("a", "other:v1"), entry("b", "app:v1"))
  })

  it("gives a second tag all that the first one's entry carries, but its names", () => {
    const carried = { "org.example.note": "kept" }
    const fields = { platform: { os: "linux", architecture: "arm64" }, "x-unknown": [1, { deep: true }] }
    given(entry("a", "app:v1", carried, fields)).when(put("a", "v2"))
      .leaves(entry("a", "app:v1", carried, fields), entry("a", "app:v2", carried, fields))
  })

  it("keeps unknown fields and annotations on the manifest that loses its tag, and drops its names", () => {
    const carried = { "org.example.note": "kept" }
    const fields = { "x-unknown": { a: null } }
    given(entry("a", "app:v1", { ...carried, [containerdKey]: "docker.io/library/app:v1" }, fields))
      .when(put("b", "v1"))
      .leaves(entry("b", "app:v1"), entry("a", at("app", "a"), carried, fields))
  })

  it("keeps fields of the wrong shape as well, in moving and in deleting", () => {
    const fields = { artifactType: 1, data: null, urls: {} }
    given(entry("a", "app:v1", {}, fields)).when(put("b", "v1"))
      .leaves(entry("b", "app:v1"), entry("a", at("app", "a"), {}, fields))
    given(entry("a", "app:v1", {}, fields)).when(untag("v1")).leaves(entry("a", at("app", "a"), {}, fields))
  })

  it("writes what the pushed descriptor says when the repository does not have the manifest", () => {
    const descriptorWithType = descriptor("a", { artifactType: "application/vnd.example" })
    given().when({ ...put("a", "v1"), descriptor: descriptorWithType })
      .leaves(entry("a", "app:v1", {}, { artifactType: "application/vnd.example" }))
  })
})

describe("a tag that several entries carry", () => {
  const twice = [entry("a", "app:v1"), entry("b", "app:v1")] as const

  it("is where the first of them points", () => {
    given(...twice).when(put("c", { tag: tag("v1"), ifDigest: digest("b") })).isRefused(conflict("v1", "b", "a"))
  })

  it("is set in all of them: one keeps the tag, the others become untagged", () => {
    given(...twice).when(put("c", "v1"))
      .leaves(entry("c", "app:v1"), entry("b", at("app", "b")), entry("a", at("app", "a")))
  })

  it("is cleared of the others when it is set to what it points at", () => {
    given(...twice).when(put("a", "v1")).leaves(entry("a", "app:v1"), entry("b", at("app", "b")))
  })

  it("moves to what a later entry says, and that entry goes", () => {
    given(...twice).when(put("b", "v1")).leaves(entry("b", "app:v1"), entry("a", at("app", "a")))
  })

  it("loses an equal second entry without a trace", () => {
    given(entry("a", "app:v1"), entry("a", "app:v1")).when(put("a", "v1")).leaves(entry("a", "app:v1"))
    given(entry("a", "app:v1"), entry("a", "app:v1")).when(untag("v1")).leaves(entry("a", at("app", "a")))
  })

  it("is deleted from all of them", () => {
    given(...twice).when(untag("v1")).leaves(entry("a", at("app", "a")), entry("b", at("app", "b")))
  })
})

describe("conditions", () => {
  it("let a tag be set when it points where it should", () => {
    given(entry("a", "app:v1")).when(put("b", { tag: tag("v1"), ifDigest: digest("a") }))
      .leaves(entry("b", "app:v1"), entry("a", at("app", "a")))
  })

  it("refuse a tag that points elsewhere or nowhere", () => {
    const wanted: TagWrite = { tag: tag("v1"), ifDigest: digest("c") }
    given(entry("a", "app:v1")).when(put("b", wanted)).isRefused(conflict("v1", "c", "a"))
    given(entry("a", "other:v1")).when(put("b", wanted)).isRefused(conflict("v1", "c"))
  })

  it("refuse a tag that should not exist, unless it is what it is to become", () => {
    const absent: TagWrite = { tag: tag("v1"), ifAbsent: true }
    given().when(put("b", absent)).leaves(entry("b", "app:v1"))
    given(entry("b", "app:v1")).when(put("b", absent)).records()
    given(entry("a", "app:v1")).when(put("b", absent))
      .isRefused(new TagExists({ repository: app, tag: "v1", digest: digest("a") }))
  })

  it("of one tag refuse all of them", () => {
    given(entry("a", "app:v1")).when(put("b", "v0", { tag: tag("v1"), ifAbsent: true }, "v2"))
      .isRefused(new TagExists({ repository: app, tag: "v1", digest: digest("a") }))
  })

  it("hold for deleting a tag", () => {
    given(entry("a", "app:v1")).when(untag("v1", "b")).isRefused(conflict("v1", "b", "a"))
    given(entry("a", "app:v1")).when(untag("v1", "a")).leaves(entry("a", at("app", "a")))
  })
})

describe("deleting a tag", () => {
  it("turns its entry into an untagged one where it stands", () => {
    given(entry("a", "app:v1"), entry("b", "app:v2")).when(untag("v1")).records(
      new EntryReplaced({
        refName: "app:v1",
        digest: digest("a"),
        occurrence: 0,
        from: entry("a", "app:v1"),
        to: entry("a", at("app", "a"))
      })
    )
  })

  it("removes its entry when the manifest has another", () => {
    given(entry("a", "app:v1"), entry("a", "app:v2")).when(untag("v1")).records(
      new EntryRemoved({ refName: "app:v1", digest: digest("a"), occurrence: 0, value: entry("a", "app:v1") })
    )
  })

  it("is refused where there is none", () => {
    given(entry("a", "other:v1")).when(untag("v1"))
      .isRefused(new ManifestUnknown({ repository: app, reference: "v1" }))
  })
})

describe("deleting a manifest", () => {
  it("removes its entries, tagged and untagged, from its repository alone", () => {
    given(entry("a", "app:v1"), entry("b", "app:v2"), entry("a", at("app", "a")), entry("a", "other:v1"))
      .when(remove("a"))
      .leaves(entry("b", "app:v2"), entry("a", "other:v1"))
  })

  it("is refused for one that the repository has no entry for", () => {
    given(entry("a", "other:v1")).when(remove("a"))
      .isRefused(new ManifestUnknown({ repository: app, reference: digest("a") }))
  })

  it("is refused while it is needed, unless forced", () => {
    const needed = { neededBy: [digest("f")] }
    given(entry("a", "app:v1")).when(remove("a", needed))
      .isRefused(new Referenced({ digest: digest("a"), by: [digest("f")] }))
    given(entry("a", "app:v1")).when(remove("a", { ...needed, force: true })).leaves()
  })

  it("tells equal entries apart by their occurrence", () => {
    const value = entry("a", "app:v1")
    const removed = new EntryRemoved({ refName: "app:v1", digest: digest("a"), occurrence: 0, value })
    given(value, value).when(remove("a")).records(removed, removed)
  })
})

describe("deleting a blob", () => {
  it("is noted", () => {
    given(entry("a", "app:v1")).when({ _tag: "DeleteBlob", digest: digest("b"), present: true, neededBy: [] })
      .records(new BlobDeleted({ digest: digest("b") }))
  })

  it("is refused where it is not, and while it is needed", () => {
    given().when({ _tag: "DeleteBlob", digest: digest("b"), present: false, neededBy: [digest("a")] })
      .isRefused(new BlobUnknown({ digest: digest("b") }))
    given().when({ _tag: "DeleteBlob", digest: digest("b"), present: true, neededBy: [digest("a")] })
      .isRefused(new Referenced({ digest: digest("b"), by: [digest("a")] }))
  })
})

describe("a batch", () => {
  it("decides each part on what its predecessors leave", () => {
    given(entry("a", "app:v1"))
      .when(batch(put("b", "v2"), untag("v1"), remove("a"), put("c", { tag: tag("v2"), ifDigest: digest("b") })))
      .leaves(entry("c", "app:v2"), entry("b", at("app", "b")))
  })

  it("is refused as a whole with what its first refused part is refused with", () => {
    given(entry("a", "app:v1")).when(batch(put("b", "v2"), untag("v2"), untag("v3"), untag("v4")))
      .isRefused(new ManifestUnknown({ repository: app, reference: "v3" }))
  })

  it("may hold batches, and nothing", () => {
    given().when(batch()).records()
    given().when(batch(batch(put("a", "v1")), batch(untag("v1")))).leaves(entry("a", at("app", "a")))
  })
})

describe("a default repository whose entries are bare tags", () => {
  it("is written in that dialect, without a name for what is untagged", () => {
    givenDefault(app, entry("a", "v1")).when(put("b", "v2")).leaves(entry("a", "v1"), entry("b", "v2"))
    givenDefault(app, entry("a", "v1")).when(put("b", "v1")).leaves(entry("b", "v1"), entry("a"))
    givenDefault(app, entry("a", "v1")).when(put("b")).leaves(entry("a", "v1"), entry("b"))
    givenDefault(app, entry("a", "v1")).when(untag("v1")).leaves(entry("a"))
  })

  it("names its nameless entry by the bare tag", () => {
    givenDefault(app, entry("a")).when(put("a", "v1")).records(
      new EntryReplaced({ digest: digest("a"), occurrence: 0, from: entry("a"), to: entry("a", "v1") })
    )
  })

  it("keeps the annotations object only while something is in it", () => {
    givenDefault(app, entry("a", "v1", { note: "kept" })).when(untag("v1")).leaves(
      entry("a", undefined, { note: "kept" })
    )
    givenDefault(app, { ...entry("a", "v1"), annotations: { [refNameKey]: "v1" } }).when(untag("v1"))
      .leaves(descriptor("a"))
  })

  it("is written in full once one of its entries is, and bare while it has none", () => {
    givenDefault(app, entry("a", "v1"), entry("b", "app:v2")).when(put("c", "v3"))
      .leaves(entry("a", "v1"), entry("b", "app:v2"), entry("c", "app:v3"))
    givenDefault(app).when(put("a", "v1")).leaves(entry("a", "v1"))
  })

  it("does not make other repositories bare", () => {
    givenDefault(other, entry("a", "v1")).when(put("b", "v2")).leaves(entry("a", "v1"), entry("b", "app:v2"))
  })
})

describe("an entry named as containerd does", () => {
  const named = entry("a", "v1", { [containerdKey]: "docker.io/library/app:v1" })
  const library = repository("docker.io/library/app")

  it("is a tag of the repository in the other annotation, and is moved in full", () => {
    given(named).when({ ...put("b", "v1"), repository: library })
      .leaves(entry("b", "docker.io/library/app:v1"), entry("a", at("docker.io/library/app", "a")))
  })

  it("loses both names with its tag", () => {
    given(named).when({ ...untag("v1"), repository: library }).leaves(entry("a", at("docker.io/library/app", "a")))
  })

  it("does not count as bare", () => {
    givenDefault(library, named).when({ ...put("b", "v2"), repository: library })
      .leaves(named, entry("b", "docker.io/library/app:v2"))
  })
})

describe("entries with names that fit no grammar", () => {
  const raw = entry("a", "localhost:5000/app:v1")

  it("are neither read nor touched", () => {
    given(raw).when(put("a", "v1")).leaves(raw, entry("a", "app:v1"))
    given(raw).when(remove("a")).isRefused(new ManifestUnknown({ repository: app, reference: digest("a") }))
    given({ digest: 7 }, entry("b", "app:v1")).when(untag("v1")).leaves({ digest: 7 }, entry("b", at("app", "b")))
  })
})

describe("the limits of the index", () => {
  const roomy = { entries: 1000, bytes: 1_000_000 }

  it("refuse an entry too many", () => {
    given(entry("a", "app:v1"), entry("b", "app:v2")).when(put("c", "v3"), { ...roomy, entries: 2 })
      .isRefused(new IndexTooLarge({ what: "entries", actual: 3, limit: 2 }))
    given(entry("a", "app:v1")).when(put("b", "v1"), { ...roomy, entries: 1 })
      .isRefused(new IndexTooLarge({ what: "entries", actual: 2, limit: 1 }))
  })

  it("refuse bytes too many, counted for the worst spelling", () => {
    const decision = decide(stateOf([]), put("a", "v1"), { ...roomy, bytes: 300 })
    const error = Result.getOrUndefined(Result.flip(decision))
    assert.instanceOf(error, IndexTooLarge)
    assert.isAbove(error.actual, 300)
    assert.strictEqual(error.limit, 300)
  })

  it("let an index that is over them shrink and be moved about, but not grow", () => {
    const over = { entries: 1, bytes: 10 }
    given(entry("a", "app:v1"), entry("b", "app:v2")).when(remove("a"), over).leaves(entry("b", "app:v2"))
    given(entry("a", "app:v1"), entry("a", "app:v2")).when(untag("v1"), over).leaves(entry("a", "app:v2"))
    given(entry("a", "app:v1"), entry("b", "app:v2")).when(untag("v1"), { ...over, bytes: 100_000 })
      .leaves(entry("a", at("app", "a")), entry("b", "app:v2"))
    given(entry("a", "app:v1"), entry("b", "app:v2")).when(put("b", "v1"), { ...over, bytes: 100_000 })
      .isRefused(new IndexTooLarge({ what: "entries", actual: 3, limit: 1 }))
  })

  it("of bytes are reached and not gone beyond by what takes the place of an entry", () => {
    const noted = { ...descriptor("b"), annotations: { note: "x".repeat(1000) } }
    const state = stateOf([entry("a", "app:v1"), entry("a", at("app", "a"))])
    const command: PutManifest = { ...put("b", "v1"), descriptor: noted }
    const events = Result.getOrThrow(decide(state, command))
    assert.deepStrictEqual(events.map(({ _tag }) => _tag), ["EntryReplaced"])
    const { bytes } = replay(state, events)
    assert.deepStrictEqual(decide(state, command, { ...roomy, bytes }), Result.succeed(events))
    assert.deepStrictEqual(
      decide(state, command, { ...roomy, bytes: bytes - 1 }),
      Result.fail(new IndexTooLarge({ what: "bytes", actual: bytes, limit: bytes - 1 }))
    )
  })

  it("of bytes let an index that is over them have entries replaced by what takes no more", () => {
    const added = (value: ReturnType<typeof entry>) => new EntryAdded({ value })
    for (const annotations of [{}, { note: "x".repeat(1000) }]) {
      const state = stateOf([added(entry("b", "app:v1", annotations)), added(entry("b", at("app", "b")))])
      const decision = decide(state, put("c", "v1"), { ...roomy, bytes: 10 })
      assert.deepStrictEqual(Result.getOrThrow(decision).map(({ _tag }) => _tag), ["EntryReplaced"])
    }
  })

  it("hold for a batch as a whole and for each part of it", () => {
    given(entry("a", "app:v1")).when(batch(remove("a"), put("b", "v1")), { ...roomy, entries: 1 })
      .leaves(entry("b", "app:v1"))
    given(entry("a", "app:v1")).when(batch(put("b", "v2"), remove("a")), { ...roomy, entries: 1 })
      .isRefused(new IndexTooLarge({ what: "entries", actual: 2, limit: 1 }))
  })

  it("are not asked when nothing is written", () => {
    given(entry("a", "app:v1")).when(put("a", "v1"), { entries: 0, bytes: 0 }).records()
    given().when({ _tag: "DeleteBlob", digest: digest("b"), present: true, neededBy: [] }, { entries: 0, bytes: 0 })
      .records(new BlobDeleted({ digest: digest("b") }))
  })
})

it("a decision changes nothing by itself", () => {
  const state = empty()
  const events = Result.getOrThrow(decide(state, put("a", "v1")))
  assert.strictEqual(state.entries.length, 0)
  assert.strictEqual(replay(state, events).entries.length, 1)
})
