/** Asks through the library. */
import { Effect, Stream } from "effect"
import { basename, join } from "node:path"
import { makeDisk, makeDiskTree } from "../../../src/node/index.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { copyManifest } from "../../../src/ops/copy/copyManifest.ts"
import { chooseImage } from "../../../src/ops/refs/chooseImage.ts"
import { sourceFor, sourceOf } from "../../../src/ops/refs/copySource.ts"
import { readSource } from "../../../src/ops/refs/copySource.ts"
import { candidatesOf, findManifest } from "../../../src/ops/refs/find.ts"
import { inspectFound, weighImages } from "../../../src/ops/refs/inspect.ts"
import { temporaryFolder } from "../../support/folders.ts"
import { later } from "../../support/later.ts"
import { blobsIn, caseAt, short } from "../given.ts"
import { type Answer, type Layout, monthMillis, type Question, type Surface } from "../Surface.ts"

const openAt = ({ directory, perRepository, symlinks }: Layout) =>
  perRepository
    ? makeDiskTree({ directory, symlinks, durability: "none", mustExist: true })
    : makeDisk({ directory, symlinks, durability: "none", mustExist: true })

const namesIn = Effect.fnUntraced(function*(registry: LayoutRegistry) {
  const repositories = yield* Stream.runCollect(registry.repositories())
  const each = yield* Effect.forEach(repositories, (repository) =>
    Effect.gen(function*() {
      const tags = yield* Stream.runCollect(registry.tags(repository))
      const untagged = yield* Stream.runCollect(registry.untagged(repository))
      return [
        ...tags.map((tag) => `${repository}:${tag}`),
        ...untagged.map(({ digest }) => `${repository}@${short(digest)}`)
      ]
    }))
  const unnamed = yield* Stream.runCollect(registry.unnamed())
  return [...each.flat(), ...unnamed.map(({ refName = "" }) => refName)].toSorted()
})

const findingsOf = (registry: LayoutRegistry, sparse: boolean) =>
  Effect.map(
    Stream.runCollect(registry.verify({ sparse })),
    (steps) => steps.flatMap((step) => step._tag === "Found" ? [step.finding] : [])
  )

const codesOf = (registry: LayoutRegistry, sparse = false) =>
  Effect.map(
    findingsOf(registry, sparse),
    (found) => found.map(({ code, severity }) => `${severity} ${code}`).toSorted()
  )

const shown = (value: unknown): string => JSON.stringify(value, (_key, part: unknown): unknown => plain(part))

const plain = (part: unknown): unknown =>
  part instanceof Map
    ? Object.fromEntries<unknown>(Array.from(part, ([key, one]: [unknown, unknown]) => [String(key), one]))
    : part instanceof Set
    ? Array.from<unknown>(part)
    : part

const answer = Effect.fnUntraced(function*(question: Question, layout: Layout) {
  const { directory } = layout
  if (question.asks === "open" && question.path !== undefined) {
    yield* openAt({ ...layout, directory: join(directory, question.path) })
  }
  const registry = yield* openAt(layout)
  const place = { registry, perRepository: layout.perRepository }
  const found = (ref: string) => findManifest(place, ref)
  switch (question.asks) {
    case "open":
      return []
    case "names":
      return yield* namesIn(registry)
    case "resolve": {
      const one = yield* found(question.ref)
      if (question.platform === undefined) return [short(one.descriptor.digest)]
      const { manifest } = yield* chooseImage(readSource(sourceOf(one)), candidatesOf(one), question.platform)
      return [short(manifest.descriptor.digest)]
    }
    case "inspect": {
      const one = yield* found(question.ref)
      const inspected = yield* inspectFound(one, question.platform)
      return shown([inspected, inspected.manifest.kind === "index" ? yield* weighImages(sourceOf(one), inspected) : []])
    }
    case "referrers": {
      const { descriptor, repository = basename(directory) } = yield* found(question.ref)
      const all = yield* Stream.runCollect(registry.referrers(repository, descriptor.digest))
      return all.map(({ digest }) => short(digest))
    }
    case "copy": {
      const out = join(yield* temporaryFolder, "out")
      const target = yield* makeDisk({ directory: out, durability: "none" })
      const { platform, ref, referrers = false, sparse = false } = question
      const options = { referrers, sparse, ...(platform === undefined ? {} : { platform }) }
      yield* copyManifest(
        yield* sourceFor(yield* found(ref), platform),
        { registry: target, repository: "a", tags: ["copied"] },
        options
      )
      return yield* copied(target, out, directory)
    }
    case "verify":
      return yield* codesOf(registry, question.sparse)
    case "findings":
      return shown(yield* findingsOf(registry, false))
    case "repair": {
      const { source } = question
      yield* registry.repair(
        source === undefined ? {} : { source: yield* openAt({ ...layout, directory: caseAt(source) }) }
      )
      return [...(yield* codesOf(registry)), ...(yield* namesIn(registry))]
    }
    case "collect":
      return yield* Effect.gen(function*() {
        const { items } = yield* registry.planGarbage({ undoWindow: 0, keep: false, ...question })
        const going = items.filter(({ goes }) => goes)
        const count = (kind: string) => going.filter((item) => item.kind === kind).length
        const bytes = going.reduce((sum, item) => sum + item.bytes, 0)
        return [`${count("tag")} tags, ${count("manifest")} manifests, ${count("blob")} blobs, ${bytes} bytes`]
      }).pipe(later(monthMillis))
    case "tag": {
      const { descriptor, repository = basename(directory) } = yield* found(question.ref)
      yield* registry.tagManifest(repository, descriptor.digest, [question.tag])
      return yield* namesIn(registry)
    }
    case "delete": {
      const { name, repository = "" } = yield* found(question.ref)
      if (name !== undefined) yield* registry.deleteName(name)
      else yield* registry.deleteTag(repository, question.ref.slice(question.ref.lastIndexOf(":") + 1))
      return yield* namesIn(registry)
    }
  }
})

/** What there is in a layout that something was copied to. */
export const copied = Effect.fnUntraced(function*(target: LayoutRegistry, out: string, source: string) {
  const { digest } = yield* target.resolveTag("a", "copied")
  const blobs = blobsIn(out)
  const all = blobsIn(source)
  return [short(digest), ...(all.length === blobs.length && all.every((one) => blobs.includes(one)) ? ["all"] : blobs)]
})

export const library: Surface = {
  name: "library",
  ask: (question, layout) =>
    Effect.matchEffect(answer(question, layout), {
      onSuccess: (given) => Effect.succeed<Answer>(given),
      onFailure: ({ code, message }) => Effect.succeed<Answer>({ code, message })
    })
}
