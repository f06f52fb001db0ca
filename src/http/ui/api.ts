/** What the page asks for, by its address below `/ui/`. */
import { Effect } from "effect"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import { nothingHere } from "../names.ts"
import { streamEvents } from "../notify/events.ts"
import { Refused } from "../Refused.ts"
import { diff, textDiff } from "./diffs.ts"
import { document } from "./documents.ts"
import { file, files, find, picture } from "./files.ts"
import { fromHere, fromPage } from "./guard.ts"
import { deleteTag, history, restore, setTag, undo } from "./history.ts"
import { image, layers } from "./images.ts"
import { details, moves, repositories, session, tags } from "./names.ts"
import { assetOf } from "./page.ts"
import { space } from "./space.ts"
import type { Answered, Asked } from "./Ui.ts"
import { collect, garbage, plan, repair, verify } from "./upkeep.ts"

type Handler = (asked: Asked) => Answered

const reads: Readonly<Record<string, Handler>> = {
  session,
  repositories,
  tags,
  details,
  moves,
  history,
  image,
  layers,
  document,
  files,
  find,
  file,
  picture,
  diff,
  "text-diff": textDiff,
  space,
  garbage,
  verify,
  events: (asked) => streamEvents(asked.surface, asked.call)
}

const changes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  tag: { POST: setTag, DELETE: deleteTag },
  undo: { POST: undo },
  restore: { POST: restore },
  plan: { POST: plan },
  collect: { POST: collect },
  repair: { POST: repair }
}

/** A file of the page, or an answer of its API. */
export const answerPage = Effect.fnUntraced(function*(
  asked: Asked,
  path: string
): Effect.fn.Return<HttpServerResponse, Effect.Error<Answered>, Effect.Services<Answered>> {
  const { request } = asked.call
  const isReading = request.method === "GET" || request.method === "HEAD"
  if (!path.startsWith("api/")) return isReading ? yield* assetOf(asked, path) : yield* notAllowed(["GET", "HEAD"])
  const name = path.slice("api/".length)
  if (Object.hasOwn(reads, name)) {
    if (!isReading) return yield* notAllowed(["GET", "HEAD"])
    yield* fromHere(request)
    const handler = reads[name]
    return handler === undefined ? yield* nothingHere : yield* handler(asked)
  }
  const methods = Object.hasOwn(changes, name) ? changes[name] : undefined
  if (methods === undefined) return yield* nothingHere
  const handler = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined
  if (handler === undefined) return yield* notAllowed(Object.keys(methods))
  yield* fromPage(request)
  return yield* handler(asked)
})

const notAllowed = (methods: ReadonlyArray<string>): Refused =>
  new Refused({
    status: 405,
    code: "UNSUPPORTED",
    message: `there is ${methods.join(", ")} here`,
    headers: { allow: methods.join(", ") }
  })
