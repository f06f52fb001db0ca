/** gc, pin, unpin, pins. */
import { DateTime, Duration, Effect, Option, Schema } from "effect"
import { Command, Prompt } from "effect/cli"
import { isDigest } from "../../oci/Digest.ts"
import { field } from "../../oci/field.ts"
import { named } from "../../oci/quoted.ts"
import type { GarbageItem } from "../../ops/api/Garbage.ts"
import { blobRepository, findContent } from "../../ops/refs/find.ts"
import { described } from "../described.ts"
import { Mistake, orMistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { type Answer, answer, report } from "../output.ts"
import { ruleOf } from "../retentionRules.ts"
import { locate, locateRef, type Target } from "../target.ts"
import { Streams } from "../terminal/Streams.ts"
import { styled } from "../terminal/style.ts"
import { table } from "../terminal/table.ts"
import { ageOf, counted, shortOf, sizeOf } from "../terminal/units.ts"
import { dryRun } from "./manifest.ts"

const Item = Schema.Struct({
  kind: Schema.Literals(["tag", "manifest", "blob", "upload", "file"]),
  name: Schema.String,
  bytes: Schema.Natural,
  why: Schema.String
})

export const Collected = Schema.Struct({
  /** False where it was only looked. */
  done: Schema.Boolean,
  /** What --plan carries out, until it expires. */
  plan: Schema.optionalKey(Schema.String),
  expires: Schema.optionalKey(Schema.String),
  /** What goes, or would. */
  goes: Schema.Array(Item),
  stays: Schema.Array(Item),
  /** What going frees. */
  bytes: Schema.Natural,
  /** What is deleted only a day after it was taken away. */
  trash: Schema.optionalKey(Schema.Struct({ blobs: Schema.Natural, bytes: Schema.Natural }))
})
type Collected = typeof Collected.Type

const collected: Answer<Collected> = {
  schema: Collected,
  show: ({ bytes, done, goes, plan, stays, trash }, screen) => {
    const reasons = Map.groupBy(stays.filter(({ kind }) => kind !== "tag"), ({ why }) => why)
    const tags = stays.filter(({ kind }) => kind === "tag")
    const kept = Array.from(reasons, ([why, items]) => ({
      why,
      things: items.length,
      bytes: items.reduce((sum, { bytes }) => sum + bytes, 0)
    })).toSorted((a, b) => b.bytes - a.bytes)
    const title = goes.length === 0
      ? "nothing to remove"
      : `${done ? "removed" : "could go"}: ${counted(goes.length, "thing")}, ${sizeOf(bytes)}`
    return [
      styled(screen, "bold", title),
      table(
        screen,
        [{ title: "KIND" }, { title: "NAME", cut: true }, { title: "SIZE", align: "right" }, {
          title: "WHY",
          cut: true
        }],
        goes.map(({ bytes, kind, name, why }) => [kind, shown(name), sizeOf(bytes), why])
      ),
      ...(stays.length === 0 ? [] : [styled(screen, "bold", done ? "spared" : "stays")]),
      ...(tags.length === 0 ? [] : [table(
        screen,
        [{ title: "TAG", cut: true }, { title: "WHY", cut: true }],
        tags.map(({ name, why }) => [shown(name), why])
      )]),
      table(
        screen,
        [{ title: "WHY", cut: true }, { title: "THINGS", align: "right" }, { title: "SIZE", align: "right" }],
        kept.map(({ bytes, things, why }) => [why, String(things), sizeOf(bytes)])
      ),
      ...(trash === undefined || trash.blobs === 0
        ? []
        : [styled(
          screen,
          "dim",
          `${counted(trash.blobs, "blob")} of ${
            sizeOf(trash.bytes)
          } can still be put back where a tool counted on them; ` +
            "a write or gc a day from now deletes them, --now at once"
        )]),
      ...(plan === undefined ? [] : [styled(screen, "dim", `carry it out with --plan ${plan}`)])
    ].filter((part) => part !== "").join("\n")
  }
}

const shown = (name: string): string => isDigest(name) ? shortOf(name) : named(name)

const itemOf = ({ bytes, kind, name, why }: GarbageItem): typeof Item.Type => ({ kind, name, bytes, why })

const collect = Effect.fnUntraced(function*(
  { registry }: Target,
  plan: string,
  repository: string | undefined
): Effect.fn.Return<Collected, Effect.Error<ReturnType<typeof registry.collectGarbage>>> {
  const { bytes, removed, spared, trash } = yield* registry.collectGarbage(plan, { repository })
  return { done: true, goes: removed.map(itemOf), stays: spared.map(itemOf), bytes, trash }
})

/** A plan as it was made, once more. */
const planned = Effect.fnUntraced(function*(
  { name, registry }: Target,
  plan: string
): Effect.fn.Return<Collected, Effect.Error<ReturnType<typeof registry.plannedGarbage>>> {
  const items = yield* registry.plannedGarbage(plan, { repository: name })
  const bytes = items.reduce((sum, item) => sum + item.bytes, 0)
  return { done: false, plan, goes: items.map(itemOf), stays: [], bytes }
})

export const gc = Command.make("gc", {
  target: f.whole,
  plan: f.text("plan", "ID", "Carry out a plan that was looked at; with --dry-run, look at it again"),
  yes: f.off("yes", "Remove at once what can go").pipe(f.alias("y")),
  dryRun,
  untagged: f.off("untagged", "Also manifests that no tag, index or subject keeps"),
  keep: f.several(
    "keep",
    "RULE",
    "Let tags go that are outside of it: 10 (the newest), 30d (days), 'app/*:v*=10'; repeat for several"
  ),
  graceMinutes: f.count("grace-minutes", "NUMBER", "Keep younger content; 1440 by default, and an hour in any case"),
  undoDays: f.count("undo-days", "NUMBER", "Keep what taking back changes of so many days needs; 7 by default"),
  now: f.off(
    "now",
    "Delete content at once, and what earlier collections took away; only where no other tool is at work"
  ),
  where: f.writing,
  wanted: f.wanted
}, ({ dryRun, graceMinutes, keep, now, plan, target, undoDays, untagged, wanted, where, yes }) =>
  report(
    collected,
    { ...wanted, quiet: wanted.quiet && !dryRun },
    Effect.gen(function*() {
      if (dryRun && yes) return yield* Effect.fail(new Mistake("--dry-run looks, --yes removes: not both"))
      const opened = yield* locate(where, target)
      if (Option.isSome(plan)) {
        return yield* dryRun ? planned(opened, plan.value) : collect(opened, plan.value, opened.name)
      }
      const looked = yield* opened.registry.planGarbage({
        repository: opened.name,
        untagged,
        now,
        retention: yield* Effect.forEach(keep, (rule) => orMistake(ruleOf(rule))),
        ...field("grace", Option.map(graceMinutes, Duration.minutes)),
        ...field("undoWindow", Option.map(undoDays, Duration.days)),
        keep: !dryRun
      })
      const goes = looked.items.filter((item) => item.goes).map(itemOf)
      const id = goes.length === 0 ? undefined : Option.getOrUndefined(looked.id)
      const look: Collected = {
        done: false,
        ...field("plan", id),
        ...field("expires", id === undefined ? undefined : DateTime.formatIso(looked.expires)),
        goes,
        stays: looked.items.filter((item) => !item.goes).map(itemOf),
        bytes: looked.bytes
      }
      if (id === undefined || dryRun) return look
      if (yes) return yield* collect(opened, id, opened.name)
      const { canAsk, err, errColumns } = yield* Streams
      if (wanted.json || !canAsk()) return look
      const question = { done: false, goes, stays: [], bytes: looked.bytes }
      yield* err(`${collected.show(question, { columns: errColumns(), colour: false, now: 0 })}\n`)
      const agreed = yield* Prompt.run(Prompt.Confirm({ message: "Remove it for good?", initial: false })).pipe(
        Effect.catchTag("QuitError", () => Effect.succeed(false))
      )
      return agreed ? yield* collect(opened, id, opened.name) : look
    })
  )).pipe(
    described(
      "Free space",
      "Says what nothing needs and why all else stays. Without --yes it only looks (at a terminal it asks), and gives a " +
        "plan that --plan carries out within an hour: of it goes what still may, and nothing else. Content is deleted a " +
        "day after it was taken away, since another tool may count on it; until then a push or a tag brings it back.",
      [
        ["gc ./images", "Look"],
        ["gc ./images --yes", "Remove what can go"],
        [
          "gc ./images --untagged --keep 'app/*:ci-*=10' --undo-days 0",
          "Let old tags go as well, and what only taking back would need"
        ],
        ["gc ./images --now --yes", "Free space at once; no other tool may be at work"]
      ]
    )
  )

export const Pinned = Schema.Struct({
  repository: Schema.String,
  digest: Schema.String,
  /** Whether it is pinned now. */
  pinned: Schema.Boolean
})

const pinned: Answer<typeof Pinned.Type> = {
  schema: Pinned,
  show: ({ digest, pinned }) => `${digest} is ${pinned ? "pinned" : "not pinned"}`
}

/** A command that lets content be pinned, or not, from then on. */
const pinning = <Name extends string>(name: Name, isPinned: boolean) =>
  Command.make(
    name,
    { reference: f.reference, where: f.writing, wanted: f.wanted },
    ({ reference, wanted, where }) =>
      report(
        pinned,
        wanted,
        Effect.gen(function*() {
          const target = yield* locateRef(where, reference)
          const found = yield* findContent(target, target.name, "auto")
          const { digest } = found.descriptor
          const repository = blobRepository(found)
          yield* isPinned ? target.registry.pin(repository, digest) : target.registry.unpin(repository, digest)
          return { repository, digest, pinned: isPinned }
        })
      )
  )

export const pin = pinning("pin", true).pipe(
  described("Keep content whatever happens", "A manifest with all it needs, or a blob: ocilayout gc spares it.", [
    ["pin ./images/example/app:1.0", "What the tag points at now"]
  ])
)

export const unpin = pinning("unpin", false).pipe(
  described("Let pinned content go", "Once nothing else needs it.", [["unpin ./images/example/app:1.0", "No longer"]])
)

export const Pins = Schema.Struct({
  pins: Schema.Array(Schema.Struct({
    digest: Schema.String,
    media_type: Schema.String,
    size: Schema.Natural,
    time: Schema.String,
    actor: Schema.String
  }))
})

export const pins = Command.make("pins", { target: f.target, where: f.where, wanted: f.wanted }, (
  { target, wanted, where }
) =>
  answer(
    {
      schema: Pins,
      show: ({ pins }, screen) =>
        table(
          screen,
          [{ title: "DIGEST" }, { title: "SIZE", align: "right" }, { title: "PINNED" }, { title: "BY", cut: true }],
          pins.map(({ actor, digest, size, time }) => [
            shortOf(digest),
            sizeOf(size),
            ageOf(Date.parse(time), screen.now),
            named(actor)
          ])
        )
    },
    wanted,
    Effect.gen(function*() {
      const { name, registry } = yield* locate(where, target)
      const found = yield* registry.pins(name)
      return {
        pins: found.map(({ mediaType, time, ...pin }) => ({
          ...pin,
          media_type: mediaType,
          time: DateTime.formatIso(time)
        }))
      }
    })
  )).pipe(described("List what is pinned", "And who pinned it, when.", [["pins ./images", "All of it"]]))
