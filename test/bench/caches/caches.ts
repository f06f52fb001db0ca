/** What is remembered, and how `src` would be without it. */

export interface Cache {
  readonly name: string
  /** A file of `src`. */
  readonly file: string
  /** What stands there, and what makes it forget. */
  readonly edits: ReadonlyArray<readonly [find: string, replace: string]>
  /** What is timed, of `work.ts`. */
  readonly work: string
}

export const caches: ReadonlyArray<Cache> = [
  {
    name: "entries are arranged when that is asked for",
    file: "layout/Arrangement.ts",
    edits: [[
      "this.#byDigest = new Table(entries, ({ digest }) => digest)",
      "this.#byDigest = new Table(entries, ({ digest }) => digest); void this.repositories; void this.digests"
    ]],
    work: "one tag by a new process"
  },
  {
    name: "a changed state is arranged by its change",
    file: "layout/State.ts",
    edits: [
      ["new ChangedArrangement(state.arrangement, sequence, { come: entry })", "new ReadArrangement(sequence.entries)"],
      ["new ChangedArrangement(state.arrangement, sequence, { gone: entry })", "new ReadArrangement(sequence.entries)"],
      [
        "new ChangedArrangement(state.arrangement, sequence, { gone: entry, come: to })",
        "new ReadArrangement(sequence.entries)"
      ]
    ],
    work: "64 tags moved in one commit"
  },
  {
    name: "a changed list of entries shares what is the same",
    file: "layout/State.ts",
    edits: [
      ["state.sequence.append(entry)", "Sequence.of([...state.entries, entry])"],
      ["state.sequence.remove(entry)", "Sequence.of(state.entries.filter((one) => one !== entry))"],
      ["state.sequence.replace(entry, to)", "Sequence.of(state.entries.map((one) => one === entry ? to : one))"]
    ],
    work: "64 tags moved in one commit"
  },
  {
    name: "the hash of an index goes on from its change",
    file: "node/index/indexHash.ts",
    edits: [["last === undefined ? []", "last !== null ? []"]],
    work: "one tag moved"
  },
  {
    name: "exact file times are relied on",
    file: "node/commit/initLayout.ts",
    edits: [[
      "times.exact = yield* fs.tellsEveryChange(join(temporary, `times.${name()}`))",
      "times.exact = name() === ''"
    ]],
    work: "one tag moved and read"
  },
  {
    name: "small blobs stay in memory",
    file: "node/files/contents.ts",
    edits: [[
      "if (!mtimeReliable || bytes.length > smallBytes) return",
      "if (mtimeReliable || bytes.length >= 0) return"
    ]],
    work: "manifests read again"
  },
  {
    name: "the walk of a repository is kept",
    file: "ops/repositories/walkRepository.ts",
    edits: [
      ["if (Option.isSome(known)) return known.value", ""],
      ["if (known !== undefined) return known", ""]
    ],
    work: "digests of a repository, a page"
  },
  {
    name: "digests of a walk are sorted once",
    file: "ops/content/listings.ts",
    edits: [["if (known !== undefined) return known", ""]],
    work: "digests of a repository, a page"
  },
  {
    name: "what belongs to what is kept",
    file: "ops/reachability/belonging.ts",
    edits: [["if (known?.digests === digests) return known", ""]],
    work: "referrers"
  },
  {
    name: "what unlisted blobs are is kept",
    file: "ops/reachability/unlisted.ts",
    edits: [["memory.get(digest) ?? (yield* readUnlisted(blobs, digest))", "yield* readUnlisted(blobs, digest)"]],
    work: "referrers after each tag moved"
  },
  {
    name: "names are sorted once",
    file: "layout/query.ts",
    edits: [["if (found !== undefined) return found", ""]],
    work: "tags, a page"
  },
  {
    name: "facts of earlier processes are read when asked for",
    file: "node/sidecars/metadataText.ts",
    edits: [["this.#text = text\n", "this.#text = text\n    void this.rest\n"]],
    work: "referrers by a new process"
  },
  {
    name: "facts of earlier processes are kept",
    file: "node/sidecars/metadataFiles.ts",
    edits: [["learned.size < manyLines ? Effect.void : keepLearned", "Effect.sync(() => learned.clear())"]],
    work: "referrers by a new process"
  }
]
