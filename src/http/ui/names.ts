/** What there is at all: who is looking, repositories, tags and what they name. */
import { DateTime, Effect, Option, Stream } from "effect"
import { field } from "../../oci/field.ts"
import { parseImageConfig } from "../../oci/ImageConfig.ts"
import type { Facts } from "../../oci/Manifest.ts"
import { images, platformsOf } from "../../oci/Platform.ts"
import { createdOf } from "../../ops/content/createdOf.ts"
import { readSource } from "../../ops/refs/copySource.ts"
import { Refused } from "../Refused.ts"
import * as answers from "./answers.ts"
import { answer, type Answered, type Asked, cut, given, numberOf, repositoryOf } from "./Ui.ts"

/** Tags of one page. */
const mostTags = 5000

/** Digests that are looked at in one request. */
const mostDetails = 100

/** Images of an index that are added up. */
const mostImages = 50

export const session = Effect.fnUntraced(function*(asked: Asked) {
  const { call: { may }, hasLogins, offers, ui, user } = asked
  const all = may.everywhere("pull")
  const changes = may.everywhere("push") && may.everywhere("delete")
  // By rules, what may be done is a matter of the repository.
  const rights = changes ? [] : (yield* pullable(asked)).map((name) => rightsIn(asked, name))
  return answer(answers.Session, {
    user,
    canLogIn: hasLogins && user === "anonymous",
    title: ui.title,
    perRepository: ui.perRepository,
    whole: all,
    rights: {
      push: offers.push && (changes || rights.some(({ push }) => push)),
      delete: offers.delete && (changes || rights.some((one) => one.delete)),
      collect: offers.deleteBlobs && changes,
      repair: offers.push && offers.delete && all && changes
    }
  })
})

/** What this client may change in a repository. */
export const rightsIn = ({ call: { may }, offers }: Asked, repository: string) => ({
  push: offers.push && may.in("push", repository),
  delete: offers.delete && may.in("delete", repository)
})

/** The repositories that the client may pull from. */
export const pullable = ({ call: { may }, registry }: Asked): Answered<ReadonlyArray<string>> =>
  Effect.map(Stream.runCollect(registry.repositories()), (names) => names.filter((name) => may.in("pull", name)))

export const repositories = Effect.fnUntraced(function*(asked: Asked) {
  const all = yield* pullable(asked)
  const counted = yield* Effect.forEach(
    all,
    (name) =>
      Effect.map(Stream.runCount(asked.registry.tags(name)), (tags) => ({ name, tags, rights: rightsIn(asked, name) }))
  )
  return answer(answers.Repositories, { repositories: counted })
})

export const tags = Effect.fnUntraced(function*(asked: Asked) {
  const { registry } = asked
  const repository = yield* repositoryOf(asked)
  const limit = yield* numberOf(asked, "limit", mostTags, mostTags)
  const startAfter = given(asked, "after")
  const names = yield* Stream.runCollect(registry.tags(repository, { limit: limit + 1, startAfter }))
  const shown = names.slice(0, limit)
  const found = yield* Effect.forEach(shown, (tag) =>
    registry.resolveTag(repository, tag).pipe(
      Effect.map(({ digest }) => [{ tag, digest }]),
      // It has gone since it was listed.
      Effect.catchTag("ManifestUnknown", () => Effect.succeed([]))
    ))
  const last = shown.at(-1)
  return answer(answers.Tags, {
    tags: found.flat(),
    ...(names.length > limit && last !== undefined ? { next: last } : {})
  })
})

const tooMany = new Refused({
  status: 400,
  code: "UNSUPPORTED",
  message: `between 1 and ${mostDetails} digests are looked at at once`
})

export const details = Effect.fnUntraced(function*(asked: Asked) {
  const repository = yield* repositoryOf(asked)
  const digests = asked.call.query.getAll("digest")
  if (digests.length === 0 || digests.length > mostDetails) return yield* tooMany
  const found = yield* Effect.forEach(
    digests,
    (digest) =>
      Effect.orElseSucceed(
        detailOf(asked, repository, digest),
        (): answers.Detail => ({ digest, platforms: [] })
      ),
    { concurrency: 8 }
  )
  return answer(answers.Details, { details: found })
})

const detailOf = Effect.fnUntraced(function*(asked: Asked, repository: string, digest: string) {
  const { registry } = asked
  const descriptor = yield* registry.resolveManifest(repository, digest)
  const facts = yield* registry.describe(repository, descriptor)
  const { artifactType, kind } = facts
  const created = Option.getOrUndefined(yield* createdOf(registry, repository, descriptor))
  const detail: answers.Detail = {
    digest,
    kind,
    size: yield* sizeOf(asked, repository, facts),
    platforms: (kind === "index" ? platformsOf(facts) : yield* platformIn(asked, repository, facts)).map(cut).slice(
      0,
      20
    ),
    ...field("created", created),
    ...(artifactType === undefined || kind === "image" ? {} : { artifactType: cut(artifactType) })
  }
  return detail
})

const sizeOf = Effect.fnUntraced(function*({ registry }: Asked, repository: string, facts: Facts) {
  if (facts.kind !== "index") return sizeIn(facts)
  const children = yield* Effect.forEach(
    images(facts).slice(0, mostImages),
    (child) => Effect.map(Effect.option(registry.describe(repository, child)), Option.map(sizeIn)),
    { concurrency: 8 }
  )
  return children.reduce((sum, size) => sum + Option.getOrElse(size, () => 0), 0)
})

/** Sizes are what descriptors say, which may be anything. */
export const sizeIn = ({ config, layers }: Pick<Facts, "config" | "layers">): number =>
  [...layers, ...(config === undefined ? [] : [config])].reduce(
    (sum, { size }) => sum + Math.max(0, Math.trunc(size) || 0),
    0
  )

const platformIn = Effect.fnUntraced(function*({ registry }: Asked, repository: string, { config, kind }: Facts) {
  if (kind !== "image" || config === undefined) return []
  const reader = readSource({ registry, repository, reference: config.digest })
  const parsed = Option.flatMap(
    yield* Effect.option(reader.document(config)),
    (bytes) => Option.getSuccess(parseImageConfig(bytes))
  )
  return Option.match(parsed, { onNone: () => [], onSome: ({ platform }) => platform === undefined ? [] : [platform] })
})

/** When the tags of a repository were moved for the last time, as far as the history says. */
export const moves = Effect.fnUntraced(function*(asked: Asked) {
  const repository = yield* repositoryOf(asked)
  const found = new Map<string, { tag: string; time: string; actor: string }>()
  yield* Stream.runForEach(asked.layout.history({ repository }), ({ actor, changes, time }) =>
    Effect.sync(() => {
      for (const { repository: of, tag, to } of changes) {
        if (of !== repository || tag === undefined || to === undefined || found.has(tag)) continue
        found.set(tag, { tag, time: DateTime.formatIso(time), actor: cut(actor) })
      }
    })).pipe(Effect.catchTag("HistoryInvalid", () => Effect.void))
  return answer(answers.Moves, { moves: Array.from(found.values()) })
})
