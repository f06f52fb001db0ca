/**
 * Tells a receiver every commit, at least once and in order. How far it has been told is kept beside the layout, so that
 * nothing is left out while the receiver or the server is down.
 */
import { Duration, Effect, FiberMap, Option, Random, type Scope, Stream } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { RegistryError } from "../../oci/OciError.ts"
import type { Bookmark, Bookmarks } from "../../ops/api/Bookmarks.ts"
import type { HistoryCommit } from "../../ops/api/History.ts"
import { Layout, type LayoutReads } from "../../ops/api/Layout.ts"
import { Registry } from "../../ops/api/Registry.ts"
import { warnOnce } from "../../ops/ports/warnOnce.ts"
import { cloudEventOf, cloudEventType, idOf } from "./cloudEvent.ts"

export interface NotifyOptions {
  /** Takes a POST for each commit, and answers 2xx once it has it. A user and password in it are sent as such. */
  readonly url: URL
  /** What the events say they come from, as a URI. */
  readonly source: string
  readonly bookmarks: Bookmarks
  /** Whether it is a tree of layouts, each with a history of its own. */
  readonly perRepository: boolean
  readonly waits?: Partial<Waits>
}

/** All in milliseconds. */
interface Waits {
  /** For an answer. */
  readonly answer: number
  /** Before the first repetition; each further one waits twice as long. */
  readonly first: number
  /** At most before a repetition. */
  readonly most: number
  /** Between two looks for new repositories of a tree. */
  readonly look: number
}

const defaultWaits: Waits = { answer: 30_000, first: 1000, most: 60_000, look: 5000 }

/** Until it is interrupted. */
export const notify = Effect.fn("notify")(function*(
  options: NotifyOptions
): Effect.fn.Return<never, never, Layout | Registry | Scope.Scope> {
  const registry = yield* Registry
  const layout = yield* Layout
  const client = yield* Effect.provide(HttpClient.HttpClient, FetchHttpClient.layer)
  const waits = { ...defaultWaits, ...options.waits }
  const deliver = delivery(client, options.url, waits)
  const tellAll = (repository: string | undefined) => deliverHistory(layout, options, deliver, waits, repository)
  if (!options.perRepository) return yield* tellAll(undefined)
  const tellers = yield* FiberMap.make<string>()
  const look = Effect.flatMap(
    Stream.runCollect(registry.repositories()),
    (names) => Effect.forEach(names, (name) => FiberMap.run(tellers, name, tellAll(name), { onlyIfMissing: true }))
  )
  const tell = warnOnce("new repositories cannot be looked for")
  return yield* tell(look).pipe(Effect.andThen(Effect.sleep(waits.look)), Effect.forever)
})

type Deliver = (body: string) => Effect.Effect<void>

/** A history to its end and beyond; what fails of it is tried again from where the receiver has come to. */
const deliverHistory = Effect.fnUntraced(function*(
  layout: LayoutReads,
  { bookmarks, source, url }: NotifyOptions,
  deliver: Deliver,
  { first, most }: Waits,
  repository: string | undefined
): Effect.fn.Return<never> {
  const receiver = nameOf(url)
  /** What was taken is noted, even where the server is told to stop at that moment. */
  const tell = (commit: HistoryCommit) =>
    Effect.uninterruptibleMask((restore) =>
      restore(deliver(JSON.stringify(cloudEventOf(source, repository, commit)))).pipe(
        // What another tool has done may still grow, under the same number.
        Effect.andThen(
          commit.pending === undefined
            ? bookmarks.save(receiver, { after: commit.revision, commit: idOf(commit) }, repository)
            : Effect.void
        )
      )
    )
  let skipTo = 0
  let failures = 0
  const once = Effect.gen(function*() {
    const kept = yield* bookmarks.load(receiver, repository)
    const after = Math.max(skipTo, yield* standing(layout, kept, repository))
    yield* layout.watch({ after, repository }).pipe(
      Stream.mapEffect(tell),
      Stream.runForEach(() =>
        Effect.sync(() => {
          failures = 0
        })
      )
    )
  })
  return yield* once.pipe(
    Effect.catch((error) => {
      if (error._tag === "RevisionUnknown" && error.oldest !== undefined && error.oldest - 1 > skipTo) {
        skipTo = error.oldest - 1
        return Effect.logWarning(
          `commits before revision ${error.oldest} are kept no longer: ${url.origin} is not told`
        )
      }
      return Effect.andThen(
        Effect.logWarning(`what is to be told to ${url.origin} cannot be read: ${error.message}`),
        pause(failures++, first, most)
      )
    }),
    Effect.forever
  )
})

/** The revision that the receiver has come to; 0 where the history is another one than it was told. */
const standing = Effect.fnUntraced(function*(
  layout: LayoutReads,
  kept: Bookmark | undefined,
  repository: string | undefined
): Effect.fn.Return<number, RegistryError> {
  if (kept === undefined) return 0
  const found = yield* Stream.runHead(layout.history({ before: kept.after + 1, limit: 1, repository }))
  return Option.match(found, {
    onNone: () => 0,
    // Where it is kept no longer, what comes after it tells that.
    onSome: (commit) => commit.revision !== kept.after || idOf(commit) === kept.commit ? kept.after : 0
  })
})

/** Until the receiver says that it has it. */
const delivery = (client: HttpClient.HttpClient, url: URL, { answer, first, most }: Waits): Deliver => {
  const bare = new URL(url)
  bare.username = ""
  bare.password = ""
  const post = HttpClientRequest.post(bare)
  const credentials = [url.username, url.password].map(decodeURIComponent)
  const [user = "", password = ""] = credentials
  const request = user === "" && password === "" ? post : HttpClientRequest.basicAuth(post, user, password)
  return Effect.fnUntraced(function*(body) {
    for (let failures = 0;; failures++) {
      const sent = HttpClientRequest.setBody(request, HttpBody.text(body, cloudEventType))
      const refusal = yield* Effect.scoped(client.execute(sent)).pipe(
        // A client follows a redirection with a GET, which sends no event.
        Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
        Effect.timeoutOption(answer),
        Effect.match({
          onFailure: () => "it cannot be reached",
          onSuccess: Option.match({
            onNone: () => "it does not answer",
            onSome: ({ status }) => status >= 200 && status < 300 ? undefined : `it answers ${status}`
          })
        })
      )
      if (refusal === undefined) return
      yield* Effect.logWarning(`${url.origin} was not told of a commit: ${refusal}; it will be tried again`)
      yield* pause(failures, first, most)
    }
  })
}

/** Longer with each failure, and not for all at the same time. */
const pause = (failures: number, first: number, most: number): Effect.Effect<void> =>
  Effect.flatMap(
    Random.next,
    (random) => Effect.sleep(Duration.millis(Math.min(most, first * 2 ** Math.min(failures, 30)) * (0.5 + random / 2)))
  )

/** What a receiver is known by: its address, without user and password. */
const nameOf = ({ host, pathname, protocol, search }: URL): string => `${protocol}//${host}${pathname}${search}`
