/** inventory: which content is there, so that a bundle can leave it out. */
import { Effect, Option, Schema, Stream } from "effect"
import { Argument, Command } from "effect/cli"
import { openArchive } from "../../archive/index.ts"
import { inventory as inventoryOf } from "../../ops/copy/inventory.ts"
import { archiveNamed, archiveOptions } from "../archives.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { type Answer, answer } from "../output.ts"
import { makeRemotes, remoteFlags, remoteNamed } from "../remote/remotes.ts"
import { locate, locateRepository } from "../target.ts"

export const Inventory = Schema.Struct({ digests: Schema.Array(Schema.String) })

const shown: Answer<typeof Inventory.Type> = { schema: Inventory, show: ({ digests }) => digests.join("\n") }

export const inventory = Command.make("inventory", {
  place: f.argument(
    "place",
    "A layout, a repository of it, an archive, docker://HOST/ or docker://HOST/REPOSITORY; by default --layout, or else " +
      "the current directory"
  ).pipe(Argument.optional),
  where: f.where,
  remote: remoteFlags,
  wanted: f.wanted
}, ({ place, remote, wanted, where }) =>
  answer(
    shown,
    wanted,
    Effect.gen(function*() {
      const text = Option.getOrUndefined(place)
      const distant = text === undefined ? undefined : yield* remoteNamed(text)
      if (distant !== undefined) {
        const registry = yield* (yield* makeRemotes(remote)).open(distant.host, distant.repository)
        const repositories = distant.repository === undefined
          ? yield* Stream.runCollect(registry.repositories())
          : [distant.repository]
        return { digests: yield* inventoryOf(registry, repositories) }
      }
      const archive = text === undefined || Option.isSome(where.layout) ? undefined : yield* archiveNamed(text)
      if (archive !== undefined) {
        const { base, holds } = yield* openArchive((yield* archiveOptions(archive, where.defaultRepository)).options)
        return { digests: Array.from(new Set([...base, ...holds])).toSorted() }
      }
      const { name, registry } = yield* locate(where, place)
      const repositories = name === undefined || text === undefined
        ? yield* Stream.runCollect(registry.repositories())
        : [(yield* locateRepository(where, text)).repository]
      return { digests: yield* inventoryOf(registry, repositories) }
    })
  )).pipe(
    described(
      "List the digests of what is there",
      "One on each line: manifests, configs and layers that the tags and other entries lead to. bundle create --have takes " +
        "it. Of a bundle, also what it builds on.",
      [
        ["inventory ./images > site.txt", "All of a layout"],
        ["inventory docker://registry.example.com/team/app", "Of a registry on the network, what its tags lead to"]
      ]
    )
  )
