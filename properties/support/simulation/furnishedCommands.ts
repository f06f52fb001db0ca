/** What is done with a layout of `furnished` while it is damaged. */
import { Effect, Option, Stream } from "effect"
import type { NameChange } from "../../../src/layout/changes.ts"
import type { RegistryError } from "../../../src/oci/OciError.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { blobs, bytesOf, digestOf, documentOf } from "../contents.ts"
import type { Furnished } from "./furnished.ts"

/** The images that tags are moved between. */
export const one = digestOf(documentOf("imageOne").bytes)
export const two = digestOf(documentOf("imageTwo").bytes)

/** All that names lead to here. */
export const images = ["imageOne", "imageTwo", "both", "signature", "elsewhere"]

export interface Done {
  /** What names are now; nothing where one is gone. */
  readonly names: Readonly<Record<string, string | undefined>>
}

const none: Done = { names: {} }

type Command = (registry: LayoutRegistry, start: Furnished) => Effect.Effect<Done, RegistryError>

const upload = ({ findUpload }: LayoutRegistry, { sessions: [open = ""] }: Furnished) => findUpload(open)

/** Where names went in all. */
const movedBy = (changes: ReadonlyArray<NameChange>): Done => ({
  names: Object.fromEntries(
    changes.flatMap(({ repository = "", tag, to }) => tag === undefined ? [] : [[`${repository}:${tag}`, to] as const])
  )
})

export const commands: Readonly<Record<string, Command>> = {
  push: (registry) =>
    Effect.gen(function*() {
      for (const { bytes } of blobs) yield* registry.pushBlob("app", Stream.succeed(bytes))
      const { bytes, mediaType } = documentOf("elsewhere")
      yield* registry.pushManifest("app", bytes, mediaType, { tags: ["pushed"] })
      return { names: { "app:pushed": digestOf(bytes) } }
    }),
  tag: (registry) => Effect.as(registry.tagManifest("app", two, ["v1"]), { names: { "app:v1": two } }),
  tagBack: (registry) => Effect.as(registry.tagManifest("app", one, ["v1"]), { names: { "app:v1": one } }),
  untag: (registry) => Effect.as(registry.deleteTag("app", "v2"), { names: { "app:v2": undefined } }),
  undo: (registry) =>
    Effect.gen(function*() {
      const [last] = yield* Stream.runCollect(registry.history({ limit: 1 }))
      return last === undefined ? none : movedBy((yield* registry.revert(last.revision, { force: true })).changes)
    }),
  history: (registry) => Effect.as(Stream.runDrain(registry.history()), none),
  append: (registry, start) =>
    Effect.gen(function*() {
      const writer = yield* upload(registry, start)
      yield* writer.append(writer.size, Stream.succeed(Buffer.from("more")))
      return none
    }),
  finish: (registry, start) =>
    Effect.gen(function*() {
      const writer = yield* upload(registry, start)
      yield* writer.commit(digestOf(Buffer.from("an unfinished blob")))
      return none
    }),
  uploads: (registry) => Effect.as(registry.uploads("app"), none),
  pin: (registry) => Effect.as(registry.pin("app", digestOf(bytesOf("one"))), none),
  unpin: (registry) => Effect.as(registry.unpin("app", digestOf(bytesOf("two"))), none),
  referrers: (registry) => Effect.as(Stream.runDrain(registry.referrers("app", one)), none),
  collect: (registry) =>
    Effect.gen(function*() {
      const { id } = yield* registry.planGarbage({ grace: 0, untagged: false })
      if (Option.isSome(id)) yield* registry.collectGarbage(id.value)
      return none
    }),
  verify: (registry) => Effect.as(Stream.runDrain(registry.verify({ level: "content" })), none),
  repair: (registry) => Effect.as(registry.repair(), none),
  usage: (registry) => Effect.as(registry.usage, none)
}
