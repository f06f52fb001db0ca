/** Draws asks. Names come from small pools, so that independent commands meet. */
import fc from "fast-check"
import {
  type ChangeAsk,
  type Drawn,
  type Draws,
  noId,
  type Op,
  type PageAsk,
  type PointDraw,
  type PushAsk,
  type Sent,
  type TagAsk,
  type TaggingAsk,
  type UntagAsk
} from "./Ask.ts"
import {
  badDocuments,
  blobs,
  bytesOf,
  type Content,
  digestOf,
  documentOf,
  goodDocuments,
  indexType,
  sbomType,
  schemaOneType,
  signatureType
} from "./contents.ts"

/** An arbitrary for every field; what it leaves undefined is left out, as the interfaces want it. */
type Fields<A> = { readonly [K in keyof A]-?: fc.Arbitrary<A[K] | undefined> }

const record = <A extends object>(fields: Fields<A>): fc.Arbitrary<A> =>
  fc.record(fields as { [K in keyof A]: fc.Arbitrary<A[K]> }).map((drawn) =>
    Object.fromEntries(Object.entries(drawn).filter(([, value]) => value !== undefined)) as A
  )

const draw = <O extends Op>(op: O, fields: Fields<Draws[O]>): fc.Arbitrary<Drawn> =>
  record<Draws[O]>(fields).map((drawn) => ({ op, ...drawn }) as unknown as Drawn)

const maybe = <A>(arbitrary: fc.Arbitrary<A>): fc.Arbitrary<A | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 })

/** One of several, as often as its weight says. */
const weighted = <A>(...cases: ReadonlyArray<readonly [number, fc.Arbitrary<A>]>): fc.Arbitrary<A> =>
  fc.oneof(...cases.map(([weight, arbitrary]) => ({ weight, arbitrary })))

const seldom = <A>(arbitrary: fc.Arbitrary<A>): fc.Arbitrary<A | undefined> =>
  weighted<A | undefined>([5, fc.constant(undefined)], [1, arbitrary])

/** Mostly the first names of a pool, seldom the others, and now and then one that is refused whatever the state. */
const name = (often: ReadonlyArray<string>, seldom: ReadonlyArray<string>, bad: ReadonlyArray<string>) =>
  weighted([40, fc.constantFrom(...often)], [8, fc.constantFrom(...seldom)], [3, fc.constantFrom(...bad)])

export const goodRepositories = ["app", "app/web", "lib__x"]
const goodTags = ["v1", "latest", "_x.Y"]

/** The last two of the bad ones are refused in a tree of layouts, and there only. */
const repository = name(
  ["app", "app", "app/web"],
  goodRepositories,
  ["App", "", "app//web", "../app", "app/blobs", "app/index.json/x"]
)
const tag = name(["v1", "v1", "latest"], goodTags, ["", "-v1", "v1/2", "a".repeat(129)])

const digests = (contents: ReadonlyArray<Content>) => contents.map(({ bytes }) => digestOf(bytes))
const unheard = digestOf(Buffer.from("nobody ever pushes this"))
const badDigests = ["", "sha256:abc", ...["0", "a", "f"].map((digit) => `blake3:${digit.repeat(64)}`)]
const images = goodDocuments.slice(0, 4)
const longDigests = [...blobs.slice(0, 1), ...images.slice(0, 1)].map(({ bytes }) => digestOf(bytes, "sha512"))

const blobDigest = name(digests(blobs), [...digests(images), ...longDigests, unheard], badDigests)
const manifestDigest = name(digests(images), [...digests(goodDocuments), ...longDigests, unheard], badDigests)
const goodManifestDigest = fc.constantFrom(...digests(images))
const condition = name(digests(images), [unheard], ["sha256:abc"])

const blobNames = [...blobs, ...images].map(({ name }) => name)
const session = fc.nat({ max: 2 })
const anySession = fc.constantFrom(0, 0, 0, 1, 1, 2, 50, noId)
const writer = fc.constantFrom<Array<"first" | "last">>("first", "last")
const oneInSix = fc.nat({ max: 5 }).map((drawn) => drawn === 5)

const sending = {
  content: fc.constantFrom(...blobNames),
  cuts: fc.array(fc.nat({ max: 16 }), { maxLength: 2 }),
  breaks: oneInSix
}

/** What content hashes to by either algorithm, or something else. */
const claimOf = (content: string, other: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  weighted(
    [4, fc.constant(digestOf(bytesOf(content)))],
    [2, fc.constant(digestOf(bytesOf(content), "sha512"))],
    [2, other]
  )

const pushBlob = fc.record<Sent>(sending).chain(({ breaks, content, cuts }) =>
  draw("pushBlob", {
    repository,
    digest: maybe(claimOf(content, blobDigest)),
    size: maybe(fc.constantFrom(0, 0, 0, 1, -1).map((excess) => bytesOf(content).length + excess)),
    mediaType: maybe(fc.constant("application/vnd.example")),
    content: fc.constant(content),
    cuts: fc.constant(cuts),
    breaks: fc.constant(breaks)
  })
)

const tagAsk: fc.Arbitrary<TagAsk> = weighted<TagAsk>(
  [3, record<TagAsk>({ tag, ifDigest: fc.constant(undefined), ifAbsent: fc.constant(undefined) })],
  [3, record<TagAsk>({ tag, ifDigest: fc.constant(undefined), ifAbsent: fc.constant(true) })],
  [2, record<TagAsk>({ tag, ifDigest: condition, ifAbsent: fc.constant(undefined) })]
)

const tagAsks = (minLength: number) => fc.uniqueArray(tagAsk, { minLength, maxLength: 2, selector: ({ tag }) => tag })

const named = (pool: ReadonlyArray<Content>) => pool.map(({ name }) => name)
const document = weighted(
  [6, fc.constantFrom(...named(images))],
  [4, fc.constantFrom(...named(goodDocuments))],
  [1, fc.constantFrom(...named(badDocuments), "huge", "huge", "huge")]
)

const push: fc.Arbitrary<PushAsk> = document.chain((document) =>
  record<PushAsk>({
    repository,
    document: fc.constant(document),
    mediaType: weighted(
      [15, fc.constant(documentOf(document).mediaType)],
      [2, fc.constantFrom("application/octet-stream", "application/octet-stream", schemaOneType, indexType)]
    ),
    digest: seldom(claimOf(document, manifestDigest)),
    tags: tagAsks(0)
  })
)

const tagging = { repository, digest: manifestDigest, tags: tagAsks(1) }
const untagging = { repository, tag, ifDigest: maybe(condition) }

const change: fc.Arbitrary<ChangeAsk> = weighted<ChangeAsk>(
  [3, push.map((push) => ({ change: "push", ...push }))],
  [2, record<TaggingAsk>(tagging).map((tagging) => ({ change: "tag", ...tagging }))],
  [1, record<UntagAsk>(untagging).map((untagging) => ({ change: "untag", ...untagging }))]
)

/** Half of the batches stay in one repository, as a tree of layouts demands. */
const changes = fc.tuple(fc.noBias(fc.array(change, { maxLength: 4 })), repository, fc.boolean())
  .map(
    ([changes, repository, together]) => together ? changes.map((change) => ({ ...change, repository })) : changes
  )

const page = record<PageAsk>({
  startAfter: maybe(fc.constantFrom("", "a", ...goodRepositories, ...goodTags, "z", ...digests(images))),
  limit: maybe(fc.integer({ min: -1, max: 2 }))
})

const bounds = fc.integer({ min: -2, max: 20 })
const refName = fc.tuple(
  fc.constantFrom("app", ...goodRepositories),
  fc.constantFrom("v1", ...goodTags),
  goodManifestDigest
).chain(
  ([repository, tag, digest]) => fc.constantFrom(`${repository}:${tag}`, `${repository}@${digest}`, repository)
)

/** Mostly a few revisions back, seldom one that there is not yet. */
const back = weighted([12, fc.nat({ max: 5 })], [2, fc.nat({ max: 60 })], [1, fc.constant(-1)])
const point: fc.Arbitrary<PointDraw> = fc.oneof(
  back.map((back) => ({ back })),
  fc.integer({ min: 1, max: 4 }).map((previous) => ({ previous }))
)
const whole = fc.boolean()

const ofBlob = { repository, digest: blobDigest }
const ofManifest = { repository, digest: manifestDigest }
const anyDigest = weighted([1, blobDigest], [1, manifestDigest])

/** Apart from the others, since how long ago something was pushed matters for it. */
export const collection: fc.Arbitrary<Drawn> = draw("collect", { untagged: fc.boolean(), undoable: fc.boolean() })

export const drawn: fc.Arbitrary<Drawn> = weighted(
  [
    8,
    draw("pushBlob", {
      ...sending,
      repository,
      digest: fc.constant(undefined),
      size: fc.constant(undefined),
      mediaType: fc.constant(undefined),
      breaks: fc.constant(false)
    })
  ],
  [6, pushBlob],
  [16, push.map((push) => ({ op: "pushManifest", ...push }))],
  [8, draw("tagManifest", tagging)],
  [8, draw("batch", { changes })],
  [5, draw("deleteTag", untagging)],
  [6, draw("deleteManifest", { ...ofManifest, force: oneInSix })],
  [5, draw("deleteBlob", ofBlob)],
  [3, draw("mountBlob", { from: repository, to: repository, digest: blobDigest })],
  [4, draw("pushBlobChunked", { repository, chunkSize: maybe(fc.nat({ max: 64 })) })],
  [12, draw("pushBlobChunkedResume", { repository, session: anySession, offset: maybe(fc.constantFrom(0, 9, 10)) })],
  [
    8,
    draw("append", {
      ...sending,
      session,
      writer,
      offset: weighted<number | "end">([3, fc.constant("end")], [1, fc.nat({ max: 20 })])
    })
  ],
  [
    8,
    draw("commit", {
      session,
      writer,
      digest: weighted([4, fc.constant("sha256")], [1, fc.constant("sha512")], [2, blobDigest]),
      excess: maybe(fc.constantFrom(0, 1))
    })
  ],
  [2, draw("cancel", { session, writer })],
  [1, draw("uploads", { repository })],
  [3, draw("findUpload", { session: anySession })],
  [2, draw("getBlob", { ...ofBlob, verify: fc.boolean() })],
  [4, draw("getBlobRange", { ...ofBlob, offset: bounds, end: maybe(bounds), verify: fc.boolean() })],
  [3, draw("resolveBlob", ofBlob)],
  [4, draw("getManifest", ofManifest)],
  [2, draw("resolveManifest", ofManifest)],
  [2, draw("getTag", { repository, tag })],
  [3, draw("resolveTag", { repository, tag })],
  [
    4,
    draw("forecast", {
      repository,
      digest: anyDigest,
      kind: fc.constantFrom<Array<"blob" | "manifest">>("blob", "manifest")
    })
  ],
  [1, draw("repositories", { page })],
  [2, draw("tags", { repository, page })],
  [
    3,
    draw("referrers", {
      repository,
      digest: weighted([3, goodManifestDigest], [1, manifestDigest]),
      page,
      artifactType: maybe(fc.constantFrom(sbomType, signatureType))
    })
  ],
  [3, draw("describe", { repository, document: fc.constantFrom(...named(images), ...named(goodDocuments)) })],
  [1, draw("tagsOf", ofManifest)],
  [
    2,
    draw("expandDigest", {
      repository,
      digest: fc.constantFrom(...digests(blobs), ...digests(images), unheard),
      digits: fc.constantFrom(11, 12, 13, 64)
    })
  ],
  [1, draw("unnamed", { repository })],
  [5, draw("resolveName", { name: refName })],
  [5, draw("getNamed", { name: refName })],
  [1, draw("blobPath", ofBlob)],
  [6, draw("tagThen", { repository, tag, point })],
  [6, draw("revert", { repository, whole, back, force: oneInSix, dryRun: oneInSix })],
  [
    2,
    draw("restore", {
      repository,
      whole,
      tag: fc.constant(undefined),
      point: back.map((back) => ({ back })),
      dryRun: oneInSix
    })
  ],
  [3, draw("restore", { repository, whole: fc.constant(false), tag, point, dryRun: oneInSix })],
  [1, draw("history", { repository, whole })],
  [1, draw("check", {})],
  [1, draw("usage", {})]
)
