/** One ask of the model and of a registry, and the comparison of their answers. */
import { assert } from "@effect/vitest"
import type fc from "fast-check"
import { goodRepositories } from "./arbitraries.ts"
import type { Ask, Drawn } from "./Ask.ts"
import { blobs, digestOf, documentOf, goodDocuments } from "./contents.ts"
import type { Model } from "./model.ts"
import type { Side } from "./Side.ts"

/** What has been answered to what: `pushBlob ok`, `pushBlob DigestInvalid`. */
export type Answers = Set<string>

/** Every command may be given at any time: a refusal is an answer. `turn` picks who is asked, if there are several. */
export class Step implements fc.AsyncCommand<Model, Sides> {
  readonly #drawn: Drawn
  readonly #turn: number
  readonly #answers: Answers

  constructor(drawn: Drawn, turn: number, answers: Answers) {
    this.#drawn = drawn
    this.#turn = turn
    this.#answers = answers
  }

  /** Only who has a writer can use it. */
  check(model: Readonly<Model>): boolean {
    return !("writer" in this.#drawn) || this.#drawn.session < model.sessions.length
  }

  async run(model: Model, sides: Sides): Promise<void> {
    const ask = model.settle(this.#drawn)
    this.#answers.add(`${ask.op} ${await agree(model, sides, ask, this.#turn)}`)
    // A side that did nothing sees it as well.
    for (const listing of listings) await agree(model, sides, listing, this.#turn + 1)
  }

  toString(): string {
    return `${this.#turn} ${JSON.stringify(this.#drawn)}`
  }
}

/** Those who share a directory. */
export type Sides = readonly [Side, ...ReadonlyArray<Side>]

/** Asks the model and one of the sides, and compares; answers `ok` or the error's tag. */
export const agree = async (model: Model, sides: Sides, ask: Ask, turn = 0): Promise<string> => {
  const expected = model.answer(ask)
  const side = sides[turn % sides.length] ?? sides[0]
  const answer = await side.ask(ask)
  const message = `the answer to ${JSON.stringify(ask)}`
  if ("ok" in answer && "ok" in expected) assert.deepStrictEqual(plain(answer.ok), plain(expected.ok), message)
  else if ("ok" in answer || expected.refused?.includes(answer.refused) !== true) {
    assert.deepStrictEqual(plain(answer), plain(expected), message)
  }
  if ("refused" in answer) {
    await takeNote(model, side, ask)
    return answer.refused
  }
  if (answer.id !== undefined) {
    const session = "session" in ask ? ask.session : model.sessions.length - 1
    for (const other of sides) if (other !== side) await other.takeUp(session, answer.id)
  }
  return "ok"
}

/** What a refused push has left behind, which is not promised. */
const takeNote = async (model: Model, side: Side, ask: Ask): Promise<void> => {
  const pushes = ask.op === "pushManifest" ? [ask] : ask.op === "batch"
    ? ask.changes.filter((part) => part.change === "push")
    : []
  for (const { digest: claimed = "", document, repository } of pushes) {
    const { bytes, facts } = documentOf(document)
    const digest = digestOf(bytes, claimed.startsWith("sha512:") ? "sha512" : "sha256")
    // Whether it has put back what the trash has cannot be seen, so that it is put back now.
    for (const one of model.inTrash(repository, [digest, ...(facts?.names ?? [])])) {
      const mount: Ask = { op: "mountBlob", from: repository, to: repository, digest: one }
      model.answer(mount)
      await side.ask(mount)
    }
    if ("ok" in await side.ask({ op: "resolveBlob", repository, digest })) model.learn(repository, digest, bytes)
  }
}

/** Without what is undefined, and bytes as text. */
const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1")
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.fromEntries(fields.map(([key, field]) => [key, plain(field)]))
}

const page = {}

/** What is looked at after every command. */
const listings: ReadonlyArray<Ask> = [
  { op: "repositories", page },
  ...goodRepositories.map((repository): Ask => ({ op: "tags", repository, page }))
]

/** Everything there is to see. */
export const sweep: ReadonlyArray<Ask> = [
  ...listings,
  { op: "usage" },
  ...goodRepositories.flatMap((repository): ReadonlyArray<Ask> => [
    { op: "uploads", repository },
    { op: "history", repository },
    ...[...blobs, ...goodDocuments].flatMap(({ bytes }): ReadonlyArray<Ask> => {
      const digest = digestOf(bytes)
      return [
        { op: "getBlob", repository, digest, verify: true },
        { op: "getManifest", repository, digest },
        { op: "tagsOf", repository, digest },
        { op: "referrers", repository, digest, page }
      ]
    })
  ])
]

/** What a registry may hold before the commands come, so that they have something to work with. */
export const furniture = {
  nothing: [],
  blobs: goodRepositories.flatMap((repository) =>
    blobs.slice(0, 3).map(({ name }): Ask => ({ op: "pushBlob", repository, content: name, cuts: [], breaks: false }))
  ),
  manifests: goodDocuments.slice(0, 4).map(({ mediaType, name }, at): Ask => ({
    op: "pushManifest",
    repository: "app",
    document: name,
    mediaType,
    tags: at === 0 ? [{ tag: "v1" }] : []
  })),
  /** A session that has been appended to. Drawn at random, hardly one history in 300 would have one that is open. */
  upload: [
    { op: "pushBlobChunked", repository: "app" },
    { op: "append", session: 0, writer: "first", offset: 0, content: "one", cuts: [4], breaks: false }
  ]
} satisfies Record<string, ReadonlyArray<Ask>>
