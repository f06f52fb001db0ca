/** What the page is answered, as schemas; the page itself takes their types alone. Text is as the layout has it. */
import { Schema } from "effect"

export * from "./upkeepAnswers.ts"

/** A name with what it says, cut where it is long. */
const Pair = Schema.Struct({
  key: Schema.String,
  value: Schema.String,
  /** Characters of all of it, where it was cut. */
  length: Schema.optionalKey(Schema.Natural)
})
export type Pair = typeof Pair.Type

const Rights = Schema.Struct({
  /** Setting tags. */
  push: Schema.Boolean,
  /** Deleting tags. */
  delete: Schema.Boolean
})

/** Who is looking, and what may be asked for at all. */
export const Session = Schema.Struct({
  user: Schema.String,
  /** Whether logging in would let in to more. */
  canLogIn: Schema.Boolean,
  /** What the layout is called. */
  title: Schema.String,
  /** Whether each repository is a layout of its own, with a history of its own. */
  perRepository: Schema.Boolean,
  /** Whether what is about the whole layout may be seen: space, garbage, verifying. */
  whole: Schema.Boolean,
  rights: Schema.Struct({
    ...Rights.fields,
    /** Carrying out collections, which cannot be taken back. */
    collect: Schema.Boolean,
    /** Repairing. */
    repair: Schema.Boolean
  })
})
export type Session = typeof Session.Type

export const Repositories = Schema.Struct({
  repositories: Schema.Array(Schema.Struct({ name: Schema.String, tags: Schema.Natural, rights: Rights }))
})
export type Repositories = typeof Repositories.Type

export const Tags = Schema.Struct({
  tags: Schema.Array(Schema.Struct({ tag: Schema.String, digest: Schema.String })),
  /** The tag that the next page comes after. */
  next: Schema.optionalKey(Schema.String)
})
export type Tags = typeof Tags.Type

const Kind = Schema.Literals(["image", "index", "artifact"])

const Detail = Schema.Struct({
  digest: Schema.String,
  /** Absent where it cannot be read. */
  kind: Schema.optionalKey(Kind),
  /** Bytes of configs and layers, of an index those of all its images. */
  size: Schema.optionalKey(Schema.Natural),
  /** When it was built, ISO 8601. */
  created: Schema.optionalKey(Schema.String),
  platforms: Schema.Array(Schema.String),
  artifactType: Schema.optionalKey(Schema.String)
})
export type Detail = typeof Detail.Type

export const Details = Schema.Struct({ details: Schema.Array(Detail) })
export type Details = typeof Details.Type

/** When each tag was moved for the last time, and by whom. */
export const Moves = Schema.Struct({
  moves: Schema.Array(Schema.Struct({ tag: Schema.String, time: Schema.String, actor: Schema.String }))
})
export type Moves = typeof Moves.Type

const Change = Schema.Struct({
  repository: Schema.optionalKey(Schema.String),
  tag: Schema.optionalKey(Schema.String),
  /** The name as written, where it fits no repository. */
  name: Schema.optionalKey(Schema.String),
  from: Schema.optionalKey(Schema.String),
  to: Schema.optionalKey(Schema.String)
})
export type Change = typeof Change.Type

export const Commit = Schema.Struct({
  revision: Schema.Natural,
  time: Schema.String,
  actor: Schema.String,
  changes: Schema.Array(Change),
  /** How many more there are. */
  omitted: Schema.optionalKey(Schema.Natural),
  /** Whether this client may take it back. */
  canUndo: Schema.Boolean
})
export type Commit = typeof Commit.Type

export const History = Schema.Struct({
  commits: Schema.Array(Commit),
  /** The revision that the next page comes before. */
  next: Schema.optionalKey(Schema.Natural),
  /** Why there is no more, where the history is damaged. */
  incomplete: Schema.optionalKey(Schema.String)
})
export type History = typeof History.Type

const Layer = Schema.Struct({
  digest: Schema.String,
  mediaType: Schema.String,
  size: Schema.Natural,
  /** The layout does not have it. */
  missing: Schema.Boolean,
  createdBy: Schema.optionalKey(Schema.String),
  annotations: Schema.Array(Pair)
})
export type Layer = typeof Layer.Type

const Attached = Schema.Struct({
  digest: Schema.String,
  size: Schema.Natural,
  artifactType: Schema.optionalKey(Schema.String),
  /** In which way it belongs to the image. */
  by: Schema.String,
  tag: Schema.optionalKey(Schema.String),
  annotations: Schema.Array(Pair)
})
export type Attached = typeof Attached.Type

/** All that there is to see of a manifest at once, without a look into layers. */
export const Image = Schema.Struct({
  repository: Schema.String,
  digest: Schema.String,
  mediaType: Schema.String,
  kind: Kind,
  artifactType: Schema.optionalKey(Schema.String),
  size: Schema.Natural,
  platform: Schema.optionalKey(Schema.String),
  created: Schema.optionalKey(Schema.String),
  author: Schema.optionalKey(Schema.String),
  /** Tags of the repository that point here, or at the index. */
  tags: Schema.Array(Schema.String),
  annotations: Schema.Array(Pair),
  settings: Schema.Array(Pair),
  env: Schema.Array(Pair),
  labels: Schema.Array(Pair),
  /** How many there are beyond those that are told. */
  omitted: Schema.Natural,
  layers: Schema.Array(Layer),
  steps: Schema.Array(Schema.Struct({
    createdBy: Schema.optionalKey(Schema.String),
    created: Schema.optionalKey(Schema.String),
    /** The number of the layer that it made, from 0. */
    layer: Schema.optionalKey(Schema.Natural)
  })),
  attached: Schema.Array(Attached),
  /** The index that it was chosen from. */
  index: Schema.optionalKey(Schema.Struct({
    digest: Schema.String,
    mediaType: Schema.String,
    annotations: Schema.Array(Pair),
    platforms: Schema.Array(Schema.Struct({
      digest: Schema.String,
      platform: Schema.optionalKey(Schema.String),
      size: Schema.optionalKey(Schema.Natural),
      state: Schema.Literals(["present", "missing", "damaged"])
    })),
    attestations: Schema.Array(Schema.Struct({ digest: Schema.String, of: Schema.optionalKey(Schema.String) }))
  }))
})
export type Image = typeof Image.Type

/** What each layer does to those below it, which takes a look into all of them. */
export const Layers = Schema.Struct({
  layers: Schema.Array(Schema.Struct({
    files: Schema.Natural,
    added: Schema.Natural,
    replaced: Schema.Natural,
    removed: Schema.Natural,
    /** Bytes of files that later layers replace or delete. */
    hidden: Schema.Natural
  })),
  largest: Schema.Array(Schema.Struct({ path: Schema.String, size: Schema.Natural, layer: Schema.Natural })),
  repeated: Schema.Natural
})
export type Layers = typeof Layers.Type

/** A manifest as text, and what it names as far as that is text. */
export const Document = Schema.Struct({
  digest: Schema.String,
  mediaType: Schema.String,
  manifest: Schema.String,
  parts: Schema.Array(Schema.Struct({
    digest: Schema.String,
    mediaType: Schema.String,
    size: Schema.Natural,
    title: Schema.optionalKey(Schema.String),
    /** Absent where it is no text, too large or not there; `why` says which. */
    text: Schema.optionalKey(Schema.String),
    /** The statement inside an envelope that signs it. */
    payload: Schema.optionalKey(Schema.String),
    why: Schema.optionalKey(Schema.String)
  }))
})
export type Document = typeof Document.Type

export const File = Schema.Struct({
  /** The name in its folder; of what was searched for, the path. */
  name: Schema.String,
  type: Schema.String,
  size: Schema.Natural,
  /** In octal digits. */
  mode: Schema.String,
  owner: Schema.optionalKey(Schema.String),
  /** Seconds since 1970. */
  time: Schema.optionalKey(Schema.Finite),
  target: Schema.optionalKey(Schema.String),
  layer: Schema.Natural
})
export type File = typeof File.Type

export const Files = Schema.Struct({
  files: Schema.Array(File),
  /** The path that the next page comes after. */
  next: Schema.optionalKey(Schema.String)
})
export type Files = typeof Files.Type

/** A window of a file. */
export const FileText = Schema.Struct({
  path: Schema.String,
  size: Schema.Natural,
  form: Schema.Literals(["text", "hex", "picture"]),
  /** Of a picture, nothing: it is at `picture`. */
  text: Schema.String,
  /** Whether the file goes on after it. */
  isCut: Schema.Boolean,
  /** In octal digits. */
  mode: Schema.String,
  owner: Schema.String,
  layer: Schema.Natural
})
export type FileText = typeof FileText.Type

const Side = Schema.Struct({ digest: Schema.String, platform: Schema.optionalKey(Schema.String), size: Schema.Natural })

export const Diff = Schema.Struct({
  from: Side,
  to: Side,
  /** Layers that both begin with. */
  shared: Schema.Natural,
  settings: Schema.Array(Schema.Struct({
    setting: Schema.String,
    from: Schema.optionalKey(Schema.String),
    to: Schema.optionalKey(Schema.String)
  })),
  files: Schema.Array(Schema.Struct({
    path: Schema.String,
    change: Schema.Literals(["added", "removed", "changed"]),
    type: Schema.String,
    aspects: Schema.Array(Schema.String),
    from: Schema.optionalKey(Schema.Natural),
    to: Schema.optionalKey(Schema.Natural)
  })),
  /** Whether there are more. */
  isCut: Schema.Boolean
})
export type Diff = typeof Diff.Type

/** A unified diff; nothing where one of both is no text. */
export const TextDiff = Schema.Struct({ diff: Schema.optionalKey(Schema.String) })
export type TextDiff = typeof TextDiff.Type

/** What a change did, or would do. */
export const Changed = Schema.Struct({
  /** Of the new commit; absent where nothing changed, or nothing was to be done yet. */
  revision: Schema.optionalKey(Schema.Natural),
  changes: Schema.Array(Change)
})
export type Changed = typeof Changed.Type
