import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { image, pushImage } from "../support/images.ts"
import { inMemory, send, type Served, serving, stores } from "./support/serving.ts"

const one = image("one")
const two = image("two")

interface Listening {
  readonly status: number
  /** What has come so far. */
  readonly text: () => string
  readonly until: (form: RegExp) => Effect.Effect<string>
  readonly ended: Effect.Effect<void>
}

const listen = (
  { url }: Served,
  query = "",
  headers: Record<string, string> = {}
): Effect.Effect<Listening, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const gone = new AbortController()
        return { gone, response: await fetch(`${url}/events${query}`, { headers, signal: gone.signal }) }
      }),
      ({ gone }) => Effect.sync(() => gone.abort())
    ),
    ({ response }) => {
      let text = ""
      const read = async (): Promise<void> => {
        for await (const chunk of response.body ?? []) text += Buffer.from(chunk as Uint8Array).toString()
      }
      const ended = read().catch(() => undefined)
      return {
        status: response.status,
        text: () => text,
        until: (form) =>
          Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), Effect.sync(() => text)), {
            until: (text) => form.test(text)
          }),
        ended: Effect.promise(() => ended)
      }
    }
  )

interface Event {
  readonly id: string
  readonly specversion: string
  readonly type: string
  readonly source: string
  readonly data: { readonly revision: number; readonly changes: ReadonlyArray<object> }
}

/** Each with what a client comes back with. */
const eventsIn = (text: string): ReadonlyArray<Event & { readonly last: string }> =>
  text.split("\n\n").filter((part) => part.startsWith("id: ")).map((part) => {
    const [, last = "", data = ""] = /^id: (\d+)\nevent: commit\ndata: (.*)$/u.exec(part) ?? []
    return { last, ...JSON.parse(data) as Event }
  })

describe("events", () => {
  it.live.each(stores.filter(([name]) => !name.includes("tree")))(
    "tell what is committed from now on: %s",
    ([, make]) =>
      Effect.gen(function*() {
        const served = yield* serving(yield* make)
        yield* pushImage(served.registry, "app", one, ["v1"])
        const listening = yield* listen(served)
        yield* listening.until(/^:/u)
        yield* pushImage(served.registry, "app", two, ["v2"])
        const [event, ...more] = eventsIn(yield* listening.until(/v2.*\n\n/u))
        assert.deepStrictEqual(more, [])
        assert.deepInclude(event?.data.changes[0], { repository: "app", tag: "v2", to: two.descriptor.digest })
        assert.deepInclude(event, {
          specversion: "1.0",
          type: "dev.ocilayout.commit",
          source: `//${new URL(served.url).host}/v2/`
        })
      })
  )

  it.live("begin where they are asked to, and go on after what was heard", () =>
    Effect.gen(function*() {
      const served = yield* inMemory()
      for (const tag of ["v1", "v2", "v3"]) yield* pushImage(served.registry, "app", one, [tag])
      const all = eventsIn(yield* (yield* listen(served, "?from=1")).until(/v3.*\n\n/u))
      assert.strictEqual(new Set(all.map(({ id }) => id)).size, all.length)
      const [first] = all
      const last = all.at(-1)
      const from = eventsIn(yield* (yield* listen(served, `?from=${last?.data.revision}`)).until(/v3.*\n\n/u))
      assert.deepStrictEqual(from, all.slice(-1))
      const after = yield* listen(served, "?from=1", { "last-event-id": String(first?.data.revision) })
      assert.deepStrictEqual(eventsIn(yield* after.until(/v3.*\n\n/u)), all.slice(1))
      for (const wrong of ["?from=first", "?from=-1"]) {
        assert.strictEqual((yield* send(served, `/events${wrong}`)).status, 400)
      }
    }))

  it.live("end when the server stops", () =>
    Effect.gen(function*() {
      const inside = yield* Scope.make()
      const served = yield* inMemory({ limits: { graceMillis: 600_000 } }).pipe(
        Effect.provideService(Scope.Scope, inside)
      )
      const listening = yield* listen(served)
      yield* listening.until(/^:/u)
      yield* Scope.close(inside, Exit.void)
      yield* listening.ended
    }))

  it.live("are told to so many at a time", () =>
    Effect.gen(function*() {
      const served = yield* inMemory({ limits: { listeners: 1 } })
      yield* Effect.scoped(Effect.flatMap(listen(served), ({ until }) =>
        Effect.gen(function*() {
          yield* until(/^:/u)
          assert.strictEqual((yield* send(served, "/events")).status, 429)
        })))
      yield* Effect.scoped(Effect.repeat(listen(served), { until: ({ status }) => status === 200 }))
    }))
})
