/** What the page is answered about space and health, and what it sends to have something changed. */
import { Schema } from "effect"

/** Where the bytes are: by repository, image and layer. */
export const Space = Schema.Struct({
  /** Bytes of all content that a tag leads to, each once. */
  bytes: Schema.Natural,
  /** Of all content of the layout, with or without a name; absent to those who may not see all of it. */
  stored: Schema.optionalKey(Schema.Struct({ blobs: Schema.Natural, bytes: Schema.Natural })),
  repositories: Schema.Array(Schema.Struct({
    name: Schema.String,
    images: Schema.Array(Schema.Struct({
      digest: Schema.String,
      /** A tag that leads to it. */
      tag: Schema.String,
      /** How many further tags lead to it. */
      others: Schema.Natural,
      platform: Schema.optionalKey(Schema.String),
      layers: Schema.Array(Schema.Struct({
        digest: Schema.String,
        size: Schema.Natural,
        /** How many images have it. */
        images: Schema.Natural
      }))
    }))
  })),
  /** Images that were left out since there are very many. */
  omitted: Schema.Natural
})
export type Space = typeof Space.Type

const GarbageItem = Schema.Struct({
  kind: Schema.Literals(["tag", "manifest", "blob", "upload", "file"]),
  name: Schema.String,
  bytes: Schema.Natural,
  why: Schema.String
})

export const Garbage = Schema.Struct({
  /** What to carry out; absent where nothing goes, or this client may not. */
  plan: Schema.optionalKey(Schema.String),
  /** What carrying it out frees. */
  bytes: Schema.Natural,
  goes: Schema.Array(GarbageItem),
  /** Why the rest stays. */
  stays: Schema.Array(Schema.Struct({ why: Schema.String, things: Schema.Natural, bytes: Schema.Natural })),
  /** How many of both lists are left out. */
  omitted: Schema.Natural
})
export type Garbage = typeof Garbage.Type

export const Collected = Schema.Struct({ removed: Schema.Natural, spared: Schema.Natural, bytes: Schema.Natural })
export type Collected = typeof Collected.Type

const Finding = Schema.Struct({
  code: Schema.String,
  severity: Schema.Literals(["error", "warning", "info"]),
  path: Schema.String,
  repository: Schema.optionalKey(Schema.String),
  digest: Schema.optionalKey(Schema.String),
  message: Schema.String,
  affected: Schema.Array(Schema.String),
  by: Schema.Literals(["repair", "source", "person"]),
  how: Schema.String
})
export type Finding = typeof Finding.Type

/** One line of an answer that goes on while the layout is verified. */
export const VerifyLine = Schema.Union([
  Schema.Struct({ finding: Finding }),
  Schema.Struct({
    checked: Schema.Struct({
      manifests: Schema.Natural,
      blobs: Schema.Natural,
      bytes: Schema.Natural,
      total: Schema.optionalKey(Schema.Natural)
    })
  }),
  /** Nothing more comes. */
  Schema.Struct({ done: Schema.Literal(true) }),
  Schema.Struct({ failure: Schema.String })
])
export type VerifyLine = typeof VerifyLine.Type

export const Repaired = Schema.Struct({
  done: Schema.Array(Schema.Struct({ code: Schema.String, what: Schema.String })),
  left: Schema.Array(Schema.Struct({ code: Schema.String, what: Schema.String }))
})
export type Repaired = typeof Repaired.Type

/** What is asked for to be changed, by the address that it is sent to. */
export const TagAsked = Schema.Struct({
  repository: Schema.String,
  tag: Schema.String,
  digest: Schema.String,
  /** Where the tag was seen to point; absent where it was seen not to be there. */
  ifDigest: Schema.optionalKey(Schema.String)
})
export type TagAsked = typeof TagAsked.Type

export const UntagAsked = Schema.Struct({
  repository: Schema.String,
  tag: Schema.String,
  ifDigest: Schema.String
})
export type UntagAsked = typeof UntagAsked.Type

export const UndoAsked = Schema.Struct({
  revision: Schema.Natural,
  /** In a tree of layouts, whose history it is. */
  repository: Schema.optionalKey(Schema.String),
  /** Only say what would change. */
  dryRun: Schema.Boolean
})
export type UndoAsked = typeof UndoAsked.Type

export const RestoreAsked = Schema.Struct({
  repository: Schema.String,
  tag: Schema.String,
  /** The tag becomes what it was after this commit. */
  revision: Schema.Natural,
  /** Where the tag was seen to point; absent where it was seen not to be there. */
  ifDigest: Schema.optionalKey(Schema.String)
})
export type RestoreAsked = typeof RestoreAsked.Type

export const CollectAsked = Schema.Struct({ plan: Schema.String, repository: Schema.optionalKey(Schema.String) })
export type CollectAsked = typeof CollectAsked.Type

export const RepairAsked = Schema.Struct({
  codes: Schema.Array(Schema.String),
  dryRun: Schema.Boolean
})
export type RepairAsked = typeof RepairAsked.Type
