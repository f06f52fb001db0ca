/**
 * Plans: a file for each, thrown away after an hour. A plan goes by a hash of its text, which begins with a random
 * word: a caller that has its id was shown this very plan, and no other plan can take its place.
 */
import { Clock, Effect, Option } from "effect"
import { join } from "node:path"
import { LimitExceeded, PlanExpired, type StorageError, type SymlinkRefused } from "../../oci/OciError.ts"
import { planMillis } from "../../ops/limits.ts"
import type { Plans } from "../../ops/ports/Plans.ts"
import { asStorage } from "../files/asStorage.ts"
import { makeFolder, writeFile } from "../files/durable.ts"
import {
  guard,
  ifThere,
  type LayoutFiles,
  openRegular,
  RandomName,
  readAll,
  statIfThere
} from "../files/layoutFiles.ts"
import type { Preparation } from "../index/Preparation.ts"
import { sha256 } from "../journal/journalRecord.ts"

/** A plan of a million blobs is about as large. */
const planBytes = 256 * 1024 * 1024

/** The random word that a plan begins with, in characters. */
const wordLength = 32

const tooLarge = new LimitExceeded({ what: "bytes of a plan", limit: planBytes })

const form = /^[0-9a-f]{32}$/u

const idOf = (text: string | Uint8Array): string => sha256(text).slice(0, 32)

export const makePlans = (files: LayoutFiles, { foldersCreated }: Preparation): Plans => {
  const storage = asStorage(files.root)
  const pathOf = (id: string): string => join(files.plans, `${id}.json`)

  const sweepPlans = Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    for (const name of (yield* ifThere(files.fs.readDirectory(files.plans))) ?? []) {
      const path = join(files.plans, name)
      const stat = yield* statIfThere(files.fs, path)
      if (stat?.kind !== "file" || now - Number(stat.mtimeNs / 1_000_000n) < planMillis) continue
      yield* ifThere(files.fs.unlink(path))
    }
  })

  const write = Effect.fnUntraced(function*(plan: string): Effect.fn.Return<string, StorageError | SymlinkRefused> {
    const name = yield* RandomName
    const text = `${name()}\n${plan}`
    const id = idOf(text)
    yield* storage(Effect.gen(function*() {
      yield* guard(files, pathOf(id))
      yield* makeFolder(files, files.plans)
      // What cannot be removed now is removed another time.
      yield* Effect.ignore(sweepPlans)
      yield* writeFile(files, "plan", pathOf(id), text)
    }))
    return id
  })

  return {
    save: (plan) =>
      plan.length > planBytes ? Effect.fail(tooLarge) : Effect.andThen(foldersCreated, write(plan)).pipe(
        Effect.map(Option.some),
        // A plan for a layout that cannot be written is only looked at.
        Effect.catchIf(
          (error) => error._tag === "StorageError" && (error.kind === "readOnly" || error.kind === "denied"),
          () => Effect.succeed(Option.none())
        )
      ),
    load: Effect.fnUntraced(function*(id) {
      const expired = new PlanExpired({ plan: id })
      if (!form.test(id)) return yield* expired
      const now = yield* Clock.currentTimeMillis
      return yield* storage(Effect.scoped(Effect.gen(function*() {
        const opened = yield* ifThere(openRegular(files, pathOf(id)))
        if (opened === undefined || opened.stat.size > planBytes) return yield* expired
        if (now - Number(opened.stat.mtimeNs / 1_000_000n) >= planMillis) return yield* expired
        const text = yield* readAll(opened.handle, opened.stat.size)
        if (idOf(text) !== id) return yield* expired
        return Buffer.from(text.buffer, text.byteOffset, text.length).toString("utf8").slice(wordLength + 1)
      })))
    })
  }
}
