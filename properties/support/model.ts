/** The oracle: the shortest program that says what a registry answers, by the OCI specs; no code of ours. */
import type {
  Answer,
  Ask,
  ChangeAsk,
  Drawn,
  OfDigest,
  Op,
  PageAsk,
  PointAsk,
  PointDraw,
  PushAsk,
  TagAsk,
  TaggingAsk,
  UntagAsk
} from "./Ask.ts"
import { bytesOf, bytesOfDigest, digestOf, documentOf, type Facts, factsOf, knownTypes } from "./contents.ts"

/** A manifest is an entry of a repository by its tags or, without any, by its digest alone. */
interface Repository {
  readonly tags: Map<string, string>
  readonly untagged: Set<string>
}

type Repositories = Map<string, Repository>

/** What a commit did, and what it left. */
interface Commit {
  readonly actor: "library" | "foreign" | "ocilayout"
  readonly changes: ReadonlyArray<string>
  readonly after: Repositories
}

export interface Layout {
  /** All content that can be had. */
  readonly blobs: Map<string, Uint8Array>
  /** What of it a collection has taken away: it is read from the trash, and put back where something needs it. */
  readonly trash: Set<string>
  readonly repositories: Repositories
  /** The first has revision 1. */
  readonly commits: Array<Commit>
}

/** What lies under `blobs/`. */
export const listedIn = ({ blobs, trash }: Layout): ReadonlyArray<string> =>
  Array.from(blobs.keys()).filter((digest) => !trash.has(digest))

interface Session {
  readonly repository: string
  bytes: Uint8Array
  /** The digest it was committed with, or that it was cancelled; nothing while it is open. */
  over?: string
}

/** What is wrong, whatever is not being false. */
type Faults = ReadonlyArray<string | false>

/** Distribution-spec, "Pulling manifests"; image-spec, descriptor.md, "Digests" and "Registered algorithms". */
const nameForm = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/u
const tagForm = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/u
const contentForm = /^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/u
const otherForm = /^blake3:[a-f0-9]{64}$/u
/** Names that the folders of a tree of layouts have other uses for. */
const reserved = /\/(blobs|index\.json|oci-layout)(\/|$)/u

const entryOps = new Set<Op>([
  "getManifest",
  "resolveManifest",
  "tagManifest",
  "deleteManifest",
  "tagsOf",
  "referrers"
])

/** Whether a digest stands for an entry, which may be of any algorithm, and not for content. */
const asksForEntry = (ask: Ask | ChangeAsk): boolean =>
  "change" in ask
    ? ask.change === "tag"
    : entryOps.has(ask.op) || (ask.op === "forecast" && ask.kind === "manifest")

const octets = "application/octet-stream"
const maxManifest = 4 * 1024 * 1024
const noBytes = new Uint8Array()

class Refusal extends Error {
  readonly answer: Answer
  constructor(answer: Answer) {
    super("refused")
    this.answer = answer
  }
}

const isFault = (fault: string | false): fault is string => fault !== false

const refuseIf = (...faults: Faults): void => {
  const tags = faults.filter(isFault)
  if (tags.length > 0) throw new Refusal({ refused: tags })
}

const sorted = (names: Iterable<string>): Array<string> =>
  Array.from(new Set(names)).toSorted((a, b) => (a < b ? -1 : 1))

const pageOf = (names: Iterable<string>, { limit = 0, startAfter = "" }: PageAsk): Array<string> => {
  const rest = sorted(names).filter((name) => name > startAfter)
  return limit > 0 ? rest.slice(0, limit) : rest
}

const described = (digest: string, { length }: Uint8Array, mediaType = octets) => ({ mediaType, digest, size: length })

const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Buffer.concat(parts)

const mismatch = (bytes: Uint8Array, digest: string | undefined, size: number | undefined): Faults => [
  digest !== undefined && digest !== digestOf(bytes, digest.startsWith("sha512:") ? "sha512" : "sha256") &&
  "DigestInvalid",
  size !== undefined && size !== bytes.length && "SizeInvalid"
]

/** A repository exists while it has an entry. */
const repositoryOf = ({ repositories }: Pick<Layout, "repositories">, name: string): Repository => {
  const repository = repositories.get(name) ?? { tags: new Map(), untagged: new Set() }
  repositories.set(name, repository)
  return repository
}

/** What `index.json` holds, by the names we write. */
export const entriesOf = ({ repositories }: Pick<Layout, "repositories">) =>
  Array.from(repositories).flatMap(([repository, { tags, untagged }]) => [
    ...Array.from(tags, ([tag, digest]) => ({ refName: `${repository}:${tag}`, repository, digest })),
    ...Array.from(untagged, (digest) => ({ refName: `${repository}@${digest}`, repository, digest }))
  ])

const copyOf = (repositories: Repositories): Repositories =>
  new Map(
    Array.from(repositories, ([name, { tags, untagged }]) => [
      name,
      { tags: new Map(tags), untagged: new Set(untagged) }
    ])
  )

/** Under each name what it points at. */
const namesIn = (repositories: Repositories): ReadonlyMap<string, string> =>
  new Map(entriesOf({ repositories }).map(({ digest, refName }) => [refName, digest]))

/** The names that do not point at the same in both, with where they point in each. */
const moves = (before: Repositories, after: Repositories) => {
  const [then, now] = [namesIn(before), namesIn(after)]
  return sorted([...then.keys(), ...now.keys()])
    .map((name) => ({ name, from: then.get(name), to: now.get(name) }))
    .filter(({ from, to }) => from !== to)
}

const changesIn = (before: Repositories, after: Repositories): Array<string> =>
  moves(before, after).map(({ from, name, to }) => `${name} ${from} to ${to}`)

const isAbout = (change: string, repository: string): boolean => /^[^:@]*/u.exec(change)?.[0] === repository

const stateAfter = ({ commits }: Layout, revision: number): Repositories => {
  const state = revision === 0 ? new Map<string, Repository>() : commits[revision - 1]?.after
  if (state === undefined) throw new Refusal({ refused: ["RevisionUnknown"] })
  return state
}

/** Makes names what they are elsewhere. */
const bringBack = ({ repositories }: Layout, to: Repositories, names: ReadonlyArray<string>): void => {
  for (const name of names) {
    const [, repository = "", tag, digest = ""] = /^([^:@]*)(?::(.*)|@(.*))$/u.exec(name) ?? []
    const [own, then] = [repositories, to].map((all) => repositoryOf({ repositories: all }, repository))
    const target = then?.tags.get(tag ?? "")
    if (tag !== undefined && target !== undefined) own?.tags.set(tag, target)
    else if (tag !== undefined) own?.tags.delete(tag)
    else if (then?.untagged.has(digest) === true) own?.untagged.add(digest)
    else own?.untagged.delete(digest)
  }
}

/** Whether anything is gone that manifests need, down to the last layer. */
const isWhole = (layout: Layout, manifests: ReadonlyArray<string>): boolean => {
  const needed = new Set(manifests)
  for (const digest of needed) for (const child of factsIn(layout, digest)?.needs ?? []) needed.add(child)
  return Array.from(needed).every((digest) => layout.blobs.has(digest))
}

const isEmpty = ({ tags, untagged }: Repository): boolean => tags.size + untagged.size === 0

const isEntry = ({ tags, untagged }: Repository, digest: string): boolean =>
  untagged.has(digest) || Array.from(tags.values()).includes(digest)

const namesOf = (layout: Layout): Array<string> =>
  Array.from(layout.repositories).flatMap(([name, repository]) => isEmpty(repository) ? [] : [name])

/** What a manifest names can be known only while it is there. */
const factsIn = ({ blobs }: Layout, digest: string): Facts | undefined =>
  blobs.has(digest) ? factsOf.get(digest) : undefined

/** Manifests and all that they name, and so on. */
const below = (layout: Layout, manifests: ReadonlyArray<string>): Array<string> => {
  const found = new Set(manifests)
  for (const digest of found) for (const child of factsIn(layout, digest)?.names ?? []) found.add(child)
  return Array.from(found)
}

/** The entries of a repository and everything below them. */
const reachable = (layout: Layout, repository: string): Array<string> => {
  const { tags, untagged } = repositoryOf(layout, repository)
  const found = new Set<string>([...tags.values(), ...untagged])
  for (const digest of found) for (const child of factsIn(layout, digest)?.manifests ?? []) found.add(child)
  return Array.from(found)
}

/** The digests of entries that commits have added, removed or moved. */
const pastOf = ({ commits }: Layout): ReadonlyArray<string> =>
  commits.flatMap(({ changes }) => changes.filter((change) => !change.startsWith("@"))).join()
    .match(/sha(?:256|512):[0-9a-f]+/gu) ?? []

/** Manifests among the blobs that no entry leads to, and that were never an entry or below one. */
const unlistedIn = (layout: Layout): ReadonlyArray<string> => {
  const met = new Set(below(layout, entriesOf(layout).map(({ digest }) => digest)))
  const unlisted = new Set(Array.from(layout.blobs.keys()).filter((digest) => factsOf.has(digest) && !met.has(digest)))
  const known = new Set(pastOf(layout).filter((digest) => unlisted.has(digest)))
  for (const digest of known) {
    for (const child of factsOf.get(digest)?.manifests ?? []) if (unlisted.has(child)) known.add(child)
  }
  return Array.from(unlisted).filter((digest) => !known.has(digest))
}

/** The manifests of a layout, of any repository or of none, whose subject is this digest. */
const attachedIn = (layout: Layout, subject: string): ReadonlyArray<string> => {
  const listed = namesOf(layout).flatMap((name) => reachable(layout, name))
  return sorted([...listed, ...unlistedIn(layout)]).filter((digest) =>
    digest !== subject && factsIn(layout, digest)?.subject === subject
  )
}

/** Whether a repository has a manifest, or one that it belongs to, which is again one that it belongs to, and so on. */
const canRead = (layout: Layout, repository: string, digest: string): boolean => {
  const own = reachable(layout, repository)
  if (own.includes(digest)) return true
  const subject = factsIn(layout, digest)?.subject
  return subject !== undefined && attachedIn(layout, subject).includes(digest) && canRead(layout, repository, subject)
}

/** The manifests of some repositories that name a digest among what they need, or as their subject. */
const namedBy = (layout: Layout, repositories: ReadonlyArray<string>, digest: string, as: "child" | "subject") =>
  sorted(
    repositories.flatMap((repository) => reachable(layout, repository)).filter((other) => {
      const { names = [], subject } = factsIn(layout, other) ?? {}
      return as === "child" ? names.includes(digest) : subject === digest
    })
  )

/** Manifests that no entry leads to and that stay all the same: they belong to what stays, or are a part of such. */
const keptUnlisted = (layout: Layout): ReadonlyArray<string> => {
  const unlisted = new Set(unlistedIn(layout))
  const met = new Set(namesOf(layout).flatMap((name) => reachable(layout, name)))
  for (const digest of met) {
    if (unlisted.has(digest)) { for (const child of factsIn(layout, digest)?.names ?? []) met.add(child) }
    for (const other of unlisted) if (factsIn(layout, other)?.subject === digest) met.add(other)
  }
  return Array.from(met).filter((digest) => unlisted.has(digest))
}

/**
 * The manifests of a layout that need a blob, or are it. The subject of an entry may be absent; that of a manifest
 * without an entry is why it stays.
 */
const blobNeededBy = (layout: Layout, digest: string): Array<string> => {
  const names = namesOf(layout)
  const itself = names.flatMap((name) => reachable(layout, name)).filter((other) => other === digest)
  const belonging = keptUnlisted(layout).filter((other) => {
    const { names = [], subject } = factsIn(layout, other) ?? {}
    return other !== digest && (names.includes(digest) || subject === digest)
  })
  return sorted([...namedBy(layout, names, digest, "child"), ...itself, ...belonging])
}

const tagsOf = (layout: Layout, repository: string, digest: string): Array<string> =>
  sorted(Array.from(repositoryOf(layout, repository).tags).flatMap(([tag, target]) => target === digest ? [tag] : []))

/** What is wrong with a pushed document whatever the state. */
const documentFaults = ({ digest, document, mediaType }: PushAsk): Faults => {
  const { bytes, facts, mediaType: own } = documentOf(document)
  return [
    bytes.length > maxManifest && "ManifestTooLarge",
    !knownTypes.includes(mediaType) && "MediaTypeUnsupported",
    (facts === undefined || mediaType !== own) && "ManifestInvalid",
    ...mismatch(bytes, digest, undefined)
  ]
}

const tagFaults = (repository: Repository, digest: string, tags: ReadonlyArray<TagAsk>): Faults =>
  tags.flatMap(({ ifAbsent, ifDigest, tag }) => {
    const current = repository.tags.get(tag)
    return [
      ifDigest !== undefined && ifDigest !== current && "Conflict",
      ifAbsent === true && current !== undefined && current !== digest && "TagExists"
    ]
  })

const misses = ({ blobs }: Layout, { document }: PushAsk): boolean =>
  documentOf(document).facts?.needs.every((need) => blobs.has(need)) === false

const push = (layout: Layout, ask: PushAsk) => {
  const { bytes } = documentOf(ask.document)
  const digest = ask.digest ?? digestOf(bytes)
  refuseIf(
    ...documentFaults(ask),
    misses(layout, ask) && "ManifestBlobUnknown",
    ...tagFaults(repositoryOf(layout, ask.repository), digest, ask.tags)
  )
  layout.blobs.set(digest, bytes)
  // Who only tags is not told the subject.
  return { ...put(layout, { ...ask, digest }), subject: factsOf.get(digest)?.subject }
}

const tag = (layout: Layout, ask: TaggingAsk) => {
  refuseIf(
    !canRead(layout, ask.repository, ask.digest) && "ManifestUnknown",
    !layout.blobs.has(ask.digest) && "ManifestBlobUnknown",
    ...tagFaults(repositoryOf(layout, ask.repository), ask.digest, ask.tags)
  )
  return put(layout, ask)
}

/** Makes a manifest reachable by its tags, or by its digest alone. */
const put = (layout: Layout, { digest, repository, tags }: TaggingAsk) => {
  const own = repositoryOf(layout, repository)
  const existed = isEntry(own, digest)
  const moved = tags.flatMap(({ tag }) => {
    const from = own.tags.get(tag)
    return from === digest ? [] : [{ tag, from }]
  })
  for (const { tag } of moved) point(own, tag, digest)
  if (!isEntry(own, digest)) own.untagged.add(digest)
  const bytes = layout.blobs.get(digest) ?? noBytes
  const { mediaType } = factsOf.get(digest) ?? {}
  return { ...described(digest, bytes, mediaType), existed, moved, changed: !existed || moved.length > 0 }
}

/** A manifest whose last tag goes elsewhere stays reachable by its digest. */
const point = ({ tags, untagged }: Repository, tag: string, digest?: string): void => {
  const from = tags.get(tag)
  tags.delete(tag)
  if (from !== undefined && !isEntry({ tags, untagged }, from)) untagged.add(from)
  if (digest === undefined) return
  tags.set(tag, digest)
  untagged.delete(digest)
}

const untag = (layout: Layout, ask: UntagAsk) => {
  const repository = repositoryOf(layout, ask.repository)
  const digest = repository.tags.get(ask.tag)
  refuseIf(
    digest === undefined && "ManifestUnknown",
    ask.ifDigest !== undefined && ask.ifDigest !== digest && "Conflict"
  )
  point(repository, ask.tag)
  return { digest, changed: true }
}

const pushFaults = (layout: Layout, changes: ReadonlyArray<ChangeAsk>): Faults =>
  changes.flatMap((part) =>
    part.change === "push" ? [...documentFaults(part), misses(layout, part) && "ManifestBlobUnknown"] : []
  )

/** Each part on the state its predecessors leave. What is wrong with later parts may be told first. */
const batch = (layout: Layout, changes: ReadonlyArray<ChangeAsk>) => {
  try {
    const done = changes.map((part) =>
      part.change === "push" ? push(layout, part) : part.change === "tag" ? tag(layout, part) : untag(layout, part)
    )
    return { changed: done.some(({ changed }) => changed) }
  } catch (error) {
    if (error instanceof Refusal) refuseIf(...(error.answer.refused ?? []), ...pushFaults(layout, changes))
    throw error
  }
}

export class Model {
  readonly sessions: Array<Session> = []
  /** Whether all repositories are in one layout. */
  readonly shared: boolean
  readonly #layouts = new Map<string, Layout>()

  constructor(shared: boolean) {
    this.shared = shared
  }

  /** What the registry has to answer; the model changes along. */
  answer(ask: Ask): Answer {
    try {
      this.#checkNames(ask)
      return { ok: this.#carryOut(ask) }
    } catch (error) {
      if (error instanceof Refusal) return error.answer
      throw error
    }
  }

  /** Fills in what depends on how far a session is. */
  settle(drawn: Drawn): Ask {
    switch (drawn.op) {
      case "append":
      case "commit":
        return this.#settleWriter(drawn)
      case "tagThen":
        return { ...drawn, point: this.#settlePoint(drawn.point, drawn.repository) }
      case "history":
      case "revert":
      case "restore": {
        const { repository, whole, ...rest } = drawn
        const of = this.shared && whole ? {} : { repository }
        if (rest.op === "history") return { ...rest, ...of }
        if (rest.op === "restore") return { ...rest, ...of, point: this.#settlePoint(rest.point, repository) }
        const { back, ...revert } = rest
        return { ...revert, ...of, revision: this.#layout(repository).commits.length - back }
      }
      default:
        return drawn
    }
  }

  #settlePoint(point: PointDraw, repository: string): PointAsk {
    return "back" in point ? { revision: this.#layout(repository).commits.length - point.back } : point
  }

  #settleWriter(drawn: Extract<Drawn, { readonly writer: unknown }>): Ask {
    if (drawn.op === "cancel") return drawn
    const { bytes, over } = this.sessions[drawn.session] ?? { bytes: noBytes }
    if (drawn.op === "append") return { ...drawn, offset: drawn.offset === "end" ? bytes.length : drawn.offset }
    const { digest, excess, ...rest } = drawn
    return {
      ...rest,
      digest: digest === "sha256" || digest === "sha512" ? digestOf(bytes, digest) : digest,
      // What a session that is over says to a wrong size is not promised.
      ...(excess === undefined || over !== undefined ? {} : { size: bytes.length + excess })
    }
  }

  /** Whether a refused push leaves its bytes behind is not promised: this takes note of what it did. */
  learn(repository: string, digest: string, bytes: Uint8Array): void {
    const { blobs, trash } = this.#layout(repository)
    blobs.set(digest, bytes)
    trash.delete(digest)
  }

  /** What of this the trash has, and a refused change may have put back. */
  inTrash(repository: string, digests: ReadonlyArray<string>): ReadonlyArray<string> {
    return digests.filter((digest) => this.#layout(repository).trash.has(digest))
  }

  /** Another tool has given a name to a manifest, and puts there what it needs. */
  intrude(repository: string, tag: string, contents: readonly [Uint8Array, ...ReadonlyArray<Uint8Array>]): void {
    this.#transact(repository, (layout) => {
      for (const bytes of contents) layout.blobs.set(digestOf(bytes), bytes)
      point(repositoryOf(layout, repository), tag, digestOf(contents[0]))
      return { changed: true }
    }, "foreign")
  }

  /** The index of the one layout was written anew, as it was. */
  writeAgain(): void {
    const { commits, repositories } = this.#layout("")
    commits.push({ actor: "ocilayout", changes: [], after: copyOf(repositories) })
  }

  /** The folders of the layouts that were written to, below the root, with what is in each. */
  get folders(): Array<readonly [folder: string, layout: Layout]> {
    return Array.from(this.#layouts).filter(([, { blobs, commits }]) => blobs.size + commits.length > 0)
  }

  /** Names are checked before anything is looked at; what a pushed document is does not take a look either. */
  #checkNames(ask: Ask): void {
    const parts = ask.op === "batch" ? ask.changes : [ask]
    const bad = parts.flatMap((part): Faults => {
      const of = (...fields: ReadonlyArray<string>): ReadonlyArray<string> =>
        Object.entries(part).flatMap(([field, value]) => fields.includes(field) ? [String(value)] : [])
      const tags = "tags" in part ? part.tags : []
      const digests = [...of("digest", "ifDigest"), ...tags.flatMap(({ ifDigest }) => ifDigest ?? [])]
      return [
        of("repository", "from", "to").some((name) => !nameForm.test(name) || (!this.shared && reserved.test(name))) &&
        "NameInvalid",
        [...of("tag"), ...tags.map(({ tag }) => tag)].some((tag) => !tagForm.test(tag)) && "TagInvalid",
        digests.some((digest) => !contentForm.test(digest) && !otherForm.test(digest)) && "DigestInvalid",
        !asksForEntry(part) && digests.some((digest) => otherForm.test(digest)) && "AlgorithmUnsupported"
      ]
    })
    if (bad.some(isFault)) {
      refuseIf(
        ...bad,
        ...parts.flatMap((part) => "document" in part && "tags" in part ? documentFaults(part) : [])
      )
    }
  }

  #carryOut(ask: Ask): unknown {
    switch (ask.op) {
      case "getBlob":
        return { ...this.#resolveBlob(ask), bytes: this.#read(ask) }
      case "getBlobRange": {
        const bytes = this.#read(ask)
        const end = ask.end === undefined || ask.end < 0 ? bytes.length : Math.min(ask.end, bytes.length)
        refuseIf((ask.offset < 0 || ask.offset > end) && "RangeInvalid")
        return { ...this.#resolveBlob(ask), bytes: bytes.slice(ask.offset, end) }
      }
      case "resolveBlob":
        return this.#resolveBlob(ask)
      case "getManifest":
        return this.#manifest(ask, { withBytes: true })
      case "resolveManifest":
        return this.#manifest(ask)
      case "getTag":
      case "resolveTag": {
        const digest = this.#known(ask.repository).tags.get(ask.tag) ?? ""
        return this.#manifest({ ...ask, digest }, { withBytes: ask.op === "getTag" })
      }

      case "pushBlob": {
        const bytes = bytesOf(ask.content)
        refuseIf(ask.breaks && "Broken", ...mismatch(bytes, ask.digest, ask.size))
        const { blobs, trash } = this.#layout(ask.repository)
        const digest = ask.digest ?? digestOf(bytes)
        const existed = blobs.has(digest) && !trash.delete(digest)
        blobs.set(digest, bytes)
        return { ...described(digest, bytes, ask.mediaType), existed }
      }
      case "mountBlob": {
        const bytes = this.#blob({ repository: ask.from, digest: ask.digest })
        const { blobs, trash } = this.#layout(ask.to)
        blobs.set(ask.digest, bytes)
        trash.delete(ask.digest)
        return described(ask.digest, bytes)
      }
      case "pushBlobChunked":
        this.sessions.push({ repository: ask.repository, bytes: noBytes })
        return { repository: ask.repository, size: 0 }
      case "pushBlobChunkedResume": {
        const { bytes, over, repository } = this.#session(ask)
        refuseIf((over !== undefined || repository !== ask.repository) && "BlobUploadUnknown")
        refuseIf(ask.offset !== undefined && ask.offset !== bytes.length && "RangeInvalid")
        return { repository, size: bytes.length }
      }
      case "append": {
        const session = this.#session(ask)
        refuseIf(session.over !== undefined && "BlobUploadUnknown")
        refuseIf(ask.offset !== session.bytes.length && "RangeInvalid")
        session.bytes = joined(session.bytes, bytesOf(ask.content))
        refuseIf(ask.breaks && "Broken")
        return session.bytes.length
      }
      case "commit": {
        const session = this.#session(ask)
        const { bytes, over, repository } = session
        const { blobs, trash } = this.#layout(repository)
        if (over !== ask.digest || !blobs.has(ask.digest)) {
          refuseIf(over !== undefined && "BlobUploadUnknown")
          refuseIf(...mismatch(bytes, ask.digest, ask.size))
          session.over = ask.digest
          blobs.set(ask.digest, bytes)
          trash.delete(ask.digest)
        }
        return described(ask.digest, bytes)
      }
      case "cancel": {
        const session = this.#session(ask)
        if (session.over !== undefined) return 0
        session.over = "cancelled"
        return session.bytes.length
      }
      case "findUpload": {
        const { bytes, over, repository } = this.#session(ask)
        // What was cancelled may be forgotten.
        if (over === "cancelled") throw new Refusal({ ok: { repository, size: 0 }, refused: ["BlobUploadUnknown"] })
        return { repository, size: bytes.length }
      }
      case "uploads":
        return this.sessions.flatMap(({ over, repository }, session) =>
          over === undefined && repository === ask.repository ? [session] : []
        )

      case "pushManifest":
        return this.#transact(ask.repository, (layout) => push(layout, ask))
      case "tagManifest":
        return this.#transact(ask.repository, (layout) => tag(layout, ask))
      case "batch": {
        const repository = ask.changes[0]?.repository ?? ""
        const scattered = !this.shared && ask.changes.some((change) => change.repository !== repository)
        if (scattered) refuseIf("Unsupported", ...pushFaults(this.#layout(repository), ask.changes))
        return this.#transact(repository, (layout) => batch(layout, ask.changes)).revision
      }
      case "deleteTag":
        return this.#transact(ask.repository, (layout) => untag(layout, ask))
      case "deleteManifest": {
        const { neededBy, tags } = this.#forecastManifest(ask)
        refuseIf(neededBy.length > 0 && !ask.force && "Referenced")
        return this.#transact(ask.repository, (layout) => {
          const repository = repositoryOf(layout, ask.repository)
          for (const tag of tags) repository.tags.delete(tag)
          repository.untagged.delete(ask.digest)
          return { changed: true, tags }
        })
      }
      case "deleteBlob":
        refuseIf(
          !this.#layout(ask.repository).blobs.has(ask.digest) && "BlobUnknown",
          blobNeededBy(this.#layout(ask.repository), ask.digest).length > 0 && "Referenced"
        )
        this.#transact(ask.repository, ({ blobs, trash }) => {
          trash.delete(ask.digest)
          return { changed: blobs.delete(ask.digest), changes: [`@${ask.digest} ${ask.digest} to undefined`] }
        })
        return undefined
      case "forecast":
        return ask.kind === "manifest" ? this.#forecastManifest(ask) : this.#forecastBlob(ask)

      case "repositories":
        return pageOf(Array.from(this.#layouts.values()).flatMap(namesOf), ask.page)
      case "tags":
        return pageOf(this.#known(ask.repository).tags.keys(), ask.page)
      case "tagsOf":
        return tagsOf(this.#layout(ask.repository), ask.repository, ask.digest)
      case "referrers": {
        const { blobs } = this.#layout(ask.repository)
        const wanted = attachedIn(this.#layout(ask.repository), ask.digest).filter((digest) =>
          [undefined, factsOf.get(digest)?.artifactType].includes(ask.artifactType)
        )
        return pageOf(wanted, ask.page).map((digest) => {
          const { annotations, artifactType, mediaType } = factsOf.get(digest) ?? {}
          return { ...described(digest, blobs.get(digest) ?? noBytes, mediaType), artifactType, annotations }
        })
      }
      case "describe": {
        const digest = digestOf(bytesOf(ask.document))
        const { carries: _carries, needs: _needs, ...facts } = factsOf.get(digest) ?? {}
        const layout = this.#layout(ask.repository)
        if (layout.blobs.has(digest) && canRead(layout, ask.repository, digest)) return facts
        // What content says cannot change, so a side that still knows it may tell.
        throw new Refusal({ ok: facts, refused: ["ManifestUnknown"] })
      }
      case "expandDigest": {
        refuseIf(ask.digits < 12 && "DigestInvalid")
        const layout = this.#layout(ask.repository)
        return layout.blobs.has(ask.digest) || reachable(layout, ask.repository).includes(ask.digest)
          ? [ask.digest]
          : []
      }
      case "resolveName":
      case "getNamed": {
        const named = Array.from(this.#layouts.values()).flatMap(entriesOf).find(({ refName }) => refName === ask.name)
        // Each layout of a tree writes bare tags, which stand behind their repository here; the untagged have no name.
        if (named === undefined || (!this.shared && named.refName.includes("@"))) {
          throw new Refusal({ refused: ["ManifestUnknown"] })
        }
        return this.#manifest(named, { withBytes: ask.op === "getNamed" })
      }
      case "usage": {
        const all = Array.from(this.#layouts.values(), ({ blobs }) => Array.from(blobs.values())).flat()
        return { blobs: all.length, bytes: joined(...all).length }
      }
      case "history": {
        const { commits } = this.#layout(ask.repository ?? "")
        const about = commits.map(({ actor, changes }, at) => ({
          actor,
          revision: at + 1,
          changes: changes.filter((change) => ask.repository === undefined || isAbout(change, ask.repository))
        }))
        return about.filter(({ changes }) => ask.repository === undefined || changes.length > 0).toReversed()
      }
      case "tagThen": {
        const layout = this.#layout(ask.repository)
        const then = new Model(this.shared)
        const revision = this.#revisionAt(ask.point, ask)
        if (revision === 0 && layout.commits.length > 0) throw new Refusal({ refused: ["RevisionUnknown"] })
        const repositories = stateAfter(layout, revision)
        then.#layouts.set(this.#key(ask.repository), { ...layout, repositories: copyOf(repositories) })
        return then.#carryOut({ ...ask, op: "resolveTag" })
      }
      case "revert": {
        const layout = this.#layout(ask.repository ?? "")
        const { after, before } = {
          after: stateAfter(layout, ask.revision),
          before: stateAfter(layout, ask.revision - 1)
        }
        const now = namesIn(layout.repositories)
        const wrong = moves(before, after).filter(({ from, name }) => now.get(name) !== from)
        refuseIf(
          moves(before, after).length === 0 && "Unsupported",
          !ask.force && wrong.some(({ name, to }) => now.get(name) !== to) && "Conflict"
        )
        return this.#undo(ask, (draft) => bringBack(draft, before, wrong.map(({ name }) => name)))
      }
      case "restore": {
        const { repository = "", tag } = ask
        const then = stateAfter(this.#layout(repository), this.#revisionAt(ask.point, { repository, tag: tag ?? "" }))
        return this.#undo(ask, (draft) => {
          if (tag !== undefined) {
            const [own, to] = [repositoryOf(draft, repository), repositoryOf({ repositories: then }, repository)]
            if (own.tags.get(tag) !== to.tags.get(tag)) point(own, tag, to.tags.get(tag))
          } else {
            const names = moves(draft.repositories, then).map(({ name }) => name)
            bringBack(draft, then, names.filter((name) => ask.repository === undefined || isAbout(name, repository)))
          }
        })
      }
      case "collect": {
        const entries = entriesOf(this.#layout(""))
        const isCandidate = ({ refName }: { refName: string }) => ask.untagged && refName.includes("@")
        const kept = new Set(entries.filter((entry) => !isCandidate(entry)).map(({ digest }) => digest))
        const unlisted = unlistedIn(this.#layout(""))
        // What refers to something that stays, stays, and so does what it needs.
        for (let before = -1; before < kept.size;) {
          before = kept.size
          const all = below(this.#layout(""), Array.from(kept))
          for (const digest of [...entries.map((entry) => entry.digest), ...unlisted]) {
            const subject = factsIn(this.#layout(""), digest)?.subject
            if (
              (all.includes(digest) && !unlisted.includes(digest)) || (subject !== undefined && all.includes(subject))
            ) kept.add(digest)
          }
        }
        const gone = entries.filter(({ digest }) => !kept.has(digest))
        this.#transact("", ({ repositories }) => {
          for (const { digest, repository } of gone) repositories.get(repository)?.untagged.delete(digest)
          return { changed: gone.length > 0 }
        })
        const remembered = ask.undoable ? pastOf(this.#layout("")) : []
        const needed = new Set(below(this.#layout(""), [...kept, ...remembered]))
        const garbage = sorted(listedIn(this.#layout(""))).filter((digest) => !needed.has(digest))
        this.#transact("", (layout) => {
          for (const digest of garbage) layout.trash.add(digest)
          return { changed: garbage.length > 0, changes: garbage.map((digest) => `@${digest} ${digest} to undefined`) }
        })
        return [sorted([...gone.map(({ refName }) => refName), ...garbage]), []]
      }
      case "unnamed":
        return []
      case "blobPath":
      case "check":
        return undefined
    }
  }

  #key(repository: string): string {
    return this.shared ? "" : repository
  }

  #layout(repository: string): Layout {
    const key = this.#key(repository)
    const layout = this.#layouts.get(key) ??
      { blobs: new Map(), trash: new Set(), repositories: new Map(), commits: [] }
    this.#layouts.set(key, layout)
    return layout
  }

  #revisionAt(point: PointAsk, { repository, tag }: { readonly repository: string; readonly tag: string }): number {
    if ("revision" in point) return point.revision
    const { commits } = this.#layout(repository)
    const moved = commits.flatMap(({ changes }, at) =>
      changes.some((change) => change.startsWith(`${repository}:${tag} `)) ? [at] : []
    )
    return moved.at(-point.previous) ?? -1
  }

  /** Changes names back, unless something is gone that they need; what only is left untagged was there before. */
  #undo(
    { dryRun, repository = "" }: { readonly repository?: string; readonly dryRun: boolean },
    change: (draft: Layout) => void
  ) {
    const { repositories } = this.#layout(repository)
    return this.#transact(repository, (draft) => {
      change(draft)
      const come = moves(repositories, draft.repositories).flatMap(({ name, to }) => {
        const [untagged, before = ""] = name.includes("@") ? name.split("@") : []
        const was = untagged !== undefined && isEntry(repositoryOf({ repositories }, untagged), before)
        return to === undefined || was ? [] : [to]
      })
      refuseIf(!isWhole(draft, come) && "ManifestBlobUnknown")
      const changes = changesIn(repositories, draft.repositories)
      if (dryRun) throw new Refusal({ ok: { changes } })
      return { changed: changes.length > 0, changes }
    })
  }

  #known(name: string): Repository {
    const repository = repositoryOf(this.#layout(name), name)
    refuseIf(isEmpty(repository) && "NameUnknown")
    return repository
  }

  #session({ session }: { readonly session: number }): Session {
    const found = this.sessions[session]
    if (found === undefined) throw new Refusal({ refused: ["BlobUploadUnknown"] })
    return found
  }

  #blob({ digest, repository }: OfDigest): Uint8Array {
    const bytes = this.#layout(repository).blobs.get(digest)
    if (bytes === undefined) throw new Refusal({ refused: ["BlobUnknown"] })
    return bytes
  }

  /** A blob, or what a manifest of the repository carries along of it. */
  #read(ask: OfDigest): Uint8Array {
    const layout = this.#layout(ask.repository)
    const carried = reachable(layout, ask.repository).flatMap((digest) =>
      Array.from(factsIn(layout, digest)?.carries ?? [])
    )
    return layout.blobs.get(ask.digest) ?? new Map(carried).get(ask.digest) ?? this.#blob(ask)
  }

  #resolveBlob(ask: OfDigest) {
    return described(ask.digest, this.#read(ask))
  }

  #manifest(ask: OfDigest, { withBytes = false } = {}) {
    this.#known(ask.repository)
    refuseIf(!canRead(this.#layout(ask.repository), ask.repository, ask.digest) && "ManifestUnknown")
    const bytes = bytesOfDigest.get(ask.digest) ?? noBytes
    const answer = {
      ...described(ask.digest, bytes, factsOf.get(ask.digest)?.mediaType),
      ...(withBytes ? { bytes } : {})
    }
    if (this.#layout(ask.repository).blobs.has(ask.digest)) return answer
    // It is named by an index and gone: who only resolves may be told what the index says.
    throw new Refusal({ ...(withBytes ? {} : { ok: answer }), refused: ["ManifestUnknown"] })
  }

  #forecastBlob(ask: OfDigest) {
    const { length } = this.#blob(ask)
    const neededBy = blobNeededBy(this.#layout(ask.repository), ask.digest)
    return { digest: ask.digest, tags: [], neededBy, referrers: [], reclaimable: neededBy.length === 0 ? length : 0 }
  }

  #forecastManifest({ digest, repository }: OfDigest) {
    const layout = this.#layout(repository)
    refuseIf(!isEntry(repositoryOf(layout, repository), digest) && "ManifestUnknown")
    const entries = entriesOf(layout).filter((entry) => entry.repository !== repository || entry.digest !== digest)
    // Of a manifest that stays in another repository nothing is left dangling there.
    const stays = entries.some((entry) => entry.digest === digest)
    const referrers = stays ? namedBy(layout, [repository], digest, "subject") : attachedIn(layout, digest)
    const kept = new Set(below(layout, entries.map((entry) => entry.digest)))
    const alone = below(layout, [digest]).filter((other) => !kept.has(other))
    return {
      digest,
      tags: tagsOf(layout, repository, digest),
      neededBy: sorted([...namedBy(layout, [repository], digest, "child"), ...referrers]),
      referrers,
      reclaimable: joined(...alone.map((other) => layout.blobs.get(other) ?? noBytes)).length
    }
  }

  /** Carries a change out, on a copy until it is known to be allowed. */
  #transact<A extends { readonly changed: boolean; readonly changes?: ReadonlyArray<string> }>(
    repository: string,
    change: (layout: Layout) => A,
    actor: Commit["actor"] = "library"
  ) {
    const { blobs, commits, repositories, trash } = this.#layout(repository)
    const draft: Layout = {
      blobs: new Map(blobs),
      trash: new Set(trash),
      repositories: copyOf(repositories),
      commits: [...commits]
    }
    const { changed, ...answer } = change(draft)
    for (const digest of below(draft, entriesOf(draft).map((entry) => entry.digest))) draft.trash.delete(digest)
    if (changed) {
      const { changes = changesIn(repositories, draft.repositories) } = answer
      draft.commits.push({ actor, changes, after: copyOf(draft.repositories) })
    }
    this.#layouts.set(this.#key(repository), draft)
    return { ...answer, revision: changed ? draft.commits.length : undefined }
  }
}
