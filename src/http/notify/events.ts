/** Commits as server-sent events (WHATWG HTML, "Server-sent events"), from a revision on and for as long as a client listens. */
import { Effect, Schedule, Stream } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { RegistryError } from "../../oci/OciError.ts"
import type { HistoryCommit } from "../../ops/api/History.ts"
import { keepAliveMillis } from "../limits.ts"
import { nothingHere } from "../names.ts"
import type { Permission } from "../permission.ts"
import { Refused } from "../Refused.ts"
import type { Call, Surface } from "../Surface.ts"
import { cloudEventOf } from "./cloudEvent.ts"

/** A client that comes back names the last event it has had; otherwise it says where to begin, or hears what is new. */
const afterOf = ({ query, request }: Call): number | undefined | Refused => {
  const last = request.headers["last-event-id"]
  const from = query.get("from")
  const text = last ?? from
  if (text === null) return undefined
  if (!/^\d{1,15}$/u.test(text)) return noRevision
  return last === undefined ? Math.max(0, Number(text) - 1) : Number(text)
}

/** In a tree of layouts `?repository=` says whose history is meant; in another layout, whose part of it. */
export const streamEvents = Effect.fnUntraced(function*({ layout, limits, listening, stopped }: Surface, call: Call) {
  if (layout === undefined) return yield* nothingHere
  const after = afterOf(call)
  if (after instanceof Refused) return yield* after
  if (listening.count >= limits.listeners) return yield* tooMany
  const repository = call.query.get("repository") ?? undefined
  const commits = yield* layout.startWatch({ after, repository })
  const source = `${call.request.headers["host"] === undefined ? "" : `//${call.request.headers["host"]}`}/v2/`
  // A proxy closes what says nothing for long.
  const alive = Stream.map(Stream.fromSchedule(Schedule.spaced(keepAliveMillis)), () => ":\n\n")
  const events = commits.pipe(
    Stream.flatMap((commit) => Stream.fromIterable(visibleOf(commit, call.may))),
    Stream.map((commit) => eventOf(source, repository, commit))
  )
  const text = Stream.merge(events, alive, { haltStrategy: "either" }).pipe(
    Stream.catch((error: RegistryError) => Stream.succeed(failureOf(error))),
    Stream.interruptWhen(stopped)
  )
  const counted = Stream.unwrap(Effect.acquireRelease(
    Effect.sync(() => {
      listening.count++
      return text
    }),
    () =>
      Effect.sync(() => {
        listening.count--
      })
  ))
  return HttpServerResponse.stream(Stream.encodeText(Stream.concat(Stream.succeed(":\n\n"), counted)), {
    contentType: "text/event-stream",
    headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
  })
})

/** What the client may hear of it: changes of repositories that it may pull from; of one without such, nothing. */
const visibleOf = (commit: HistoryCommit, may: Permission): ReadonlyArray<HistoryCommit> => {
  if (may.everywhere("pull")) return [commit]
  const changes = commit.changes.filter(({ repository }) => repository !== undefined && may.in("pull", repository))
  return changes.length === 0 ? [] : [{ ...commit, changes }]
}

/** Its id is the last revision that is told in full: what may still grow is told again to those who come back. */
const eventOf = (source: string, repository: string | undefined, commit: HistoryCommit): string =>
  `id: ${commit.pending === undefined ? commit.revision : commit.revision - 1}\nevent: commit\ndata: ${
    JSON.stringify(cloudEventOf(source, repository, commit))
  }\n\n`

/** The last word before the connection is closed. */
const failureOf = ({ code, message }: RegistryError): string =>
  `event: error\ndata: ${JSON.stringify({ code, message })}\n\n`

const tooMany = new Refused({
  status: 429,
  code: "TOOMANYREQUESTS",
  message: "as many clients listen to events as may",
  headers: { "retry-after": "30" }
})

const noRevision = new Refused({
  status: 400,
  code: "UNSUPPORTED",
  message: "events begin from a revision: ?from=12, or Last-Event-ID: 11"
})
