/** What the properties ask of a registry, as data: a counterexample prints as what it is. */

interface InRepository {
  readonly repository: string
}

export interface OfDigest extends InRepository {
  readonly digest: string
}

interface OfTag extends InRepository {
  readonly tag: string
}

export interface TagAsk {
  readonly tag: string
  readonly ifDigest?: string
  readonly ifAbsent?: boolean
}

export interface TaggingAsk extends OfDigest {
  readonly tags: ReadonlyArray<TagAsk>
}

export interface UntagAsk extends OfTag {
  readonly ifDigest?: string
}

/** A document, by its name. */
export interface PushAsk extends InRepository {
  readonly document: string
  readonly mediaType: string
  readonly digest?: string
  readonly tags: ReadonlyArray<TagAsk>
}

export type ChangeAsk =
  | { readonly change: "push" } & PushAsk
  | { readonly change: "tag" } & TaggingAsk
  | { readonly change: "untag" } & UntagAsk

export interface PageAsk {
  readonly startAfter?: string
  readonly limit?: number
}

/** A session by the order in which they were started; a number too high is no session, and `noId` has no id either. */
interface OfSession {
  readonly session: number
}

export const noId = 99

/** `first`: the writer that a session was started with; `last`: the one it was last resumed with. */
export interface OfWriter extends OfSession {
  readonly writer: "first" | "last"
}

/** A content, by its name, sent in pieces; `breaks` when the sender fails after the last of them. */
export interface Sent {
  readonly content: string
  readonly cuts: ReadonlyArray<number>
  readonly breaks: boolean
}

interface Claim {
  readonly digest?: string
  readonly size?: number
  readonly mediaType?: string
}

/** A revision, or what a tag pointed at so many moves before. */
export type PointAsk = { readonly revision: number } | { readonly previous: number }

/** Without a repository it is about the layout as a whole. */
interface InLayout {
  readonly repository?: string
}

/** The fields of an ask, by its operation. */
interface Asks {
  readonly getBlob: OfDigest & { readonly verify: boolean }
  readonly getBlobRange: OfDigest & { readonly offset: number; readonly end?: number; readonly verify: boolean }
  readonly getManifest: OfDigest
  readonly getTag: OfTag
  readonly resolveBlob: OfDigest
  readonly resolveManifest: OfDigest
  readonly resolveTag: OfTag
  readonly pushBlob: InRepository & Claim & Sent
  readonly pushBlobChunked: InRepository & { readonly chunkSize?: number }
  readonly pushBlobChunkedResume: InRepository & OfSession & { readonly offset?: number }
  readonly append: OfWriter & Sent & { readonly offset: number }
  readonly commit: OfWriter & { readonly digest: string; readonly size?: number }
  readonly cancel: OfWriter
  readonly mountBlob: { readonly from: string; readonly to: string; readonly digest: string }
  readonly pushManifest: PushAsk
  readonly tagManifest: TaggingAsk
  readonly batch: { readonly changes: ReadonlyArray<ChangeAsk> }
  readonly deleteBlob: OfDigest
  readonly deleteManifest: OfDigest & { readonly force: boolean }
  readonly deleteTag: UntagAsk
  readonly forecast: OfDigest & { readonly kind: "manifest" | "blob" }
  readonly repositories: { readonly page: PageAsk }
  readonly tags: InRepository & { readonly page: PageAsk }
  readonly referrers: OfDigest & { readonly page: PageAsk; readonly artifactType?: string }
  readonly describe: InRepository & { readonly document: string }
  readonly tagsOf: OfDigest
  /** `digits`: how many of the digest's are given. */
  readonly expandDigest: OfDigest & { readonly digits: number }
  readonly unnamed: InRepository
  readonly resolveName: { readonly name: string }
  readonly getNamed: { readonly name: string }
  readonly uploads: InRepository
  readonly findUpload: OfSession
  readonly blobPath: OfDigest
  readonly check: object
  readonly usage: object
  /** Of a layout as a whole every commit, of a repository those that changed a name of it. */
  readonly history: InLayout
  readonly tagThen: OfTag & { readonly point: PointAsk }
  readonly revert: InLayout & { readonly revision: number; readonly force: boolean; readonly dryRun: boolean }
  /** Takes all garbage out of a layout to which nothing was pushed for hours. */
  readonly collect: { readonly untagged: boolean; readonly undoable: boolean }
  readonly restore: InLayout & { readonly tag?: string; readonly point: PointAsk; readonly dryRun: boolean }
}

export type Op = keyof Asks

type AskOf<O extends Op> = { readonly op: O } & Asks[O]

export type Ask = { readonly [O in Op]: AskOf<O> }[Op]

/** How many revisions back from the newest, or how many moves of the tag. */
export type PointDraw = { readonly back: number } | { readonly previous: number }

/**
 * The fields of an ask as it is drawn, before anybody knows how far a session is, what its bytes hash to, and how many
 * revisions there are: `digest` may be an algorithm, and `excess` is by how many bytes the size told is too large.
 * `whole`: what is asked about the repository is asked about its layout, where that is more.
 */
export interface Draws extends Omit<Asks, "append" | "commit" | "history" | "tagThen" | "revert" | "restore"> {
  readonly append: OfWriter & Sent & { readonly offset: number | "end" }
  readonly commit: OfWriter & { readonly digest: string; readonly excess?: number }
  readonly history: InRepository & { readonly whole: boolean }
  readonly tagThen: OfTag & { readonly point: PointDraw }
  readonly revert: InRepository & {
    readonly whole: boolean
    readonly back: number
    readonly force: boolean
    readonly dryRun: boolean
  }
  readonly restore: InRepository & {
    readonly whole: boolean
    readonly tag?: string
    readonly point: PointDraw
    readonly dryRun: boolean
  }
}

export type Drawn = { readonly [O in Op]: { readonly op: O } & Draws[O] }[Op]

/** What may be answered: plain data, or any of some errors when several things are wrong; both where nothing is promised. */
export interface Answer {
  readonly ok?: unknown
  readonly refused?: ReadonlyArray<string>
}
