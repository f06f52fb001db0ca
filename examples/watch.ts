/**
 * Prints every change of a layout as it happens, whichever tool makes it.
 *
 *     node watch.ts LAYOUT
 */
import { Effect, Stream } from "effect"
import { Layout } from "ocilayout"
import { layerDisk } from "ocilayout/node"

const watch = Effect.gen(function*() {
  const layout = yield* Layout
  const commits = yield* layout.startWatch()
  console.log("watching")
  yield* Stream.runForEach(commits, ({ actor, changes, revision }) =>
    Effect.sync(() => {
      for (const { from, refName, repository, tag, to } of changes) {
        const name = refName ?? [repository, tag].filter((part) => part !== undefined).join(":")
        console.log(`${revision} ${actor}: ${name} ${from ?? "new"} -> ${to ?? "gone"}`)
      }
    }))
})

const [directory = "images"] = process.argv.slice(2)

await Effect.runPromise(watch.pipe(Effect.provide(layerDisk({ directory, mustExist: true }))))
