import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import * as fs from "node:fs"
import { createServer, type IncomingMessage } from "node:http"
import { join } from "node:path"
import { notify } from "../../src/http/index.ts"
import { bookmarksOf, makeDisk, makeDiskTree } from "../../src/node/index.ts"
import { contextOf, type LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { temporaryFolder } from "../support/folders.ts"
import { image, pushImage } from "../support/images.ts"

const one = image("one")

interface Received {
  readonly method: string | undefined
  readonly headers: IncomingMessage["headers"]
  readonly event: {
    readonly id: string
    readonly subject?: string
    readonly source: string
    readonly data: { readonly revision: number; readonly changes: ReadonlyArray<{ readonly tag?: string }> }
  }
}

interface Receiver {
  readonly url: URL
  readonly received: Array<Received>
  /** What it answers; 204 by default. */
  readonly answers: { status: number }
  readonly asked: () => number
}

const receiver: Effect.Effect<Receiver, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() =>
    new Promise<Receiver & { readonly close: () => void }>((resolve) => {
      const received: Array<Received> = []
      const answers = { status: 204 }
      let asked = 0
      const server = createServer((request, response) => {
        let text = ""
        request.on("data", (chunk) => {
          text += String(chunk)
        })
        request.on("end", () => {
          asked++
          if (answers.status === 204) {
            received.push({
              method: request.method,
              headers: request.headers,
              event: JSON.parse(text) as Received["event"]
            })
          }
          response.writeHead(answers.status, answers.status === 302 ? { location: "/elsewhere" } : {}).end()
        })
      }).listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = address !== null && typeof address === "object" ? address.port : 0
        resolve({
          url: new URL(`http://127.0.0.1:${port}/hook?key=1`),
          received,
          answers,
          asked: () => asked,
          close: () => server.close().closeAllConnections()
        })
      })
    })
  ),
  ({ close }) => Effect.sync(close)
)

const waits = { first: 1, most: 5, look: 10 }

interface Layout {
  readonly registry: LayoutRegistry
  readonly directory: string
}

const layout = Effect.gen(function*() {
  const directory = join(yield* temporaryFolder, "layout")
  return { directory, registry: yield* Effect.orDie(makeDisk({ directory, durability: "none" })) }
})

const telling = ({ directory, registry }: Layout, url: URL, perRepository = false) =>
  notify({ url, source: "https://registry.example/v2/", bookmarks: bookmarksOf({ directory }), perRepository, waits })
    .pipe(Effect.provide(contextOf(registry)), Effect.scoped, Effect.forkScoped)

const until = (holds: () => boolean) => Effect.repeat(Effect.sleep("5 millis"), { until: holds })

/** Waits until it is kept that the receiver has come to a revision. */
const bookmarked = ({ directory }: Pick<Layout, "directory">, revision: number): Effect.Effect<string> => {
  const folder = join(directory, ".ocilayout", "bookmarks")
  const names = () => fs.existsSync(folder) ? fs.readdirSync(folder).map((name) => join(folder, name)) : []
  return Effect.map(
    until(() => names().some((path) => fs.readFileSync(path, "utf8").startsWith(`{"after":${revision},`))),
    () => names()[0] ?? ""
  )
}

const tagsIn = (received: ReadonlyArray<Received>) =>
  received.flatMap(({ event }) => event.data.changes.flatMap(({ tag }) => tag ?? []))

describe("a receiver of commits", () => {
  it.live("is told each of them once, in order, also after the server or it was down", () =>
    Effect.gen(function*() {
      const { answers, asked, received, url } = yield* receiver
      const opened = yield* layout
      const { registry } = opened
      const first = yield* telling(opened, url)
      yield* pushImage(registry, "app", one, ["v1"])
      yield* until(() => tagsIn(received).length === 1)
      const [{ headers, method } = { headers: {}, method: "" }] = received
      assert.deepStrictEqual([method, headers["content-type"]], ["POST", "application/cloudevents+json"])
      yield* bookmarked(opened, 1)
      yield* Fiber.interrupt(first)
      yield* pushImage(registry, "app", one, ["v2"])
      yield* pushImage(registry, "app", one, ["v3"])
      answers.status = 503
      const before = asked()
      const second = yield* telling(opened, url)
      yield* until(() => asked() > before + 2)
      yield* Fiber.interrupt(second)
      answers.status = 302
      yield* telling(opened, url)
      const then = asked()
      yield* until(() => asked() > then + 2)
      assert.deepStrictEqual(tagsIn(received), ["v1"])
      answers.status = 204
      yield* until(() => tagsIn(received).length === 3)
      assert.deepStrictEqual(tagsIn(received), ["v1", "v2", "v3"])
      const revisions = received.map(({ event }) => event.data.revision)
      assert.deepStrictEqual(revisions, revisions.toSorted((a, b) => a - b))
      assert.strictEqual(new Set(received.map(({ event }) => event.id)).size, received.length)
    }))

  it.live("is sent a user and password as such, and known without them", () =>
    Effect.gen(function*() {
      const { received, url } = yield* receiver
      const opened = yield* layout
      yield* pushImage(opened.registry, "app", one, ["v1"])
      const asUser = new URL(url)
      asUser.username = "al ice"
      asUser.password = "p:w"
      const first = yield* telling(opened, asUser)
      yield* until(() => tagsIn(received).length === 1)
      assert.strictEqual(received[0]?.headers.authorization, `Basic ${Buffer.from("al ice:p:w").toString("base64")}`)
      yield* bookmarked(opened, 1)
      yield* Fiber.interrupt(first)
      yield* telling(opened, url)
      yield* pushImage(opened.registry, "app", one, ["v2"])
      yield* until(() => tagsIn(received).includes("v2"))
      assert.deepStrictEqual(tagsIn(received), ["v1", "v2"])
    }))

  it.live("is told all of a history that begins anew, and all again where its bookmark cannot be read", () =>
    Effect.gen(function*() {
      const { received, url } = yield* receiver
      const { directory, registry } = yield* layout
      yield* pushImage(registry, "app", one, ["v1"])
      yield* pushImage(registry, "app", one, ["v2"])
      const first = yield* telling({ directory, registry }, url)
      yield* until(() => tagsIn(received).length === 2)
      const path = yield* bookmarked({ directory }, 2)
      yield* Fiber.interrupt(first)
      const kept = fs.readFileSync(path, "utf8")
      fs.writeFileSync(path, kept.replace(/"2-[0-9a-f]+"/u, "\"2-0123456789abcdef\""))
      const second = yield* telling({ directory, registry }, url)
      yield* until(() => tagsIn(received).length === 4)
      yield* Fiber.interrupt(second)
      fs.writeFileSync(path, "{")
      yield* telling({ directory, registry }, url)
      yield* until(() => tagsIn(received).length === 6)
      assert.deepStrictEqual(tagsIn(received), ["v1", "v2", "v1", "v2", "v1", "v2"])
    }))

  it.live("is told of every layout of a tree, those included that come later", () =>
    Effect.gen(function*() {
      const { received, url } = yield* receiver
      const directory = join(yield* temporaryFolder, "tree")
      const registry = yield* Effect.orDie(makeDiskTree({ directory, durability: "none" }))
      yield* pushImage(registry, "app", one, ["v1"])
      yield* telling({ directory, registry }, url, true)
      yield* until(() => received.length > 0)
      yield* pushImage(registry, "team/shop", one, ["v2"])
      yield* until(() => tagsIn(received).includes("v2"))
      assert.deepStrictEqual(
        received.flatMap(({ event }) => event.data.changes.length === 0 ? [] : [[event.subject, event.source]]),
        [["app", "https://registry.example/v2/"], ["team/shop", "https://registry.example/v2/"]]
      )
      assert.isTrue(fs.existsSync(join(directory, "app", ".ocilayout", "bookmarks")))
    }))
})
