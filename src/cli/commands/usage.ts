/** usage: what takes the space of a layout. */
import { Effect, Option, Schema } from "effect"
import { Command } from "effect/cli"
import { type Needed, usageOf } from "../../ops/content/usage.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { type Answer, answer } from "../output.ts"
import { locate } from "../target.ts"
import { table } from "../terminal/table.ts"
import { counted, sizeOf } from "../terminal/units.ts"
import { Amount } from "./list.ts"

const needed = {
  /** Of all that the name needs, each digest once. */
  bytes: Schema.Natural,
  /** Of these, what other names need as well. */
  shared: Schema.Natural,
  /** Of these, what nothing else needs: what its removal could free. */
  unique: Schema.Natural
}

export const Usage = Schema.Struct({
  /** What the layout has in all. */
  ...Amount.fields,
  /** The largest first, as tags are. */
  repositories: Schema.Array(Schema.Struct({ repository: Schema.String, tags: Schema.Natural, ...needed })),
  tags: Schema.Array(Schema.Struct({ repository: Schema.String, tag: Schema.String, ...needed })),
  /** Second names of content. */
  kept: Amount,
  /** Of these, content that another tool has removed from the layout. */
  only: Amount,
  /** What gc has taken away, deleted a day after. */
  trash: Amount
})

const sizes = [
  { title: "BYTES", align: "right" },
  { title: "SHARED", align: "right" },
  { title: "UNIQUE", align: "right" }
] as const

const shownSizes = (
  { bytes, shared, unique }: Readonly<Record<keyof typeof needed, number>>
): ReadonlyArray<string> => [
  sizeOf(bytes),
  sizeOf(shared),
  sizeOf(unique)
]

const used: Answer<typeof Usage.Type> = {
  schema: Usage,
  show: ({ blobs, bytes, repositories, tags }, screen) =>
    [
      table(
        screen,
        [{ title: "REPOSITORY", cut: true }, { title: "TAGS", align: "right" }, ...sizes],
        repositories.map((one) => [one.repository, String(one.tags), ...shownSizes(one)])
      ),
      table(
        screen,
        [{ title: "TAG", cut: true }, ...sizes],
        tags.map((one) => [`${one.repository}:${one.tag}`, ...shownSizes(one)])
      ),
      `${counted(blobs, "blob")}, ${sizeOf(bytes)}`
    ].filter((part) => part !== "").join("\n\n")
}

export const usage = Command.make("usage", {
  target: f.target,
  limit: f.count("limit", "N", "Only the largest repositories and tags, so many of each"),
  where: f.where,
  wanted: f.wanted
}, ({ limit, target, wanted, where }) =>
  answer(
    used,
    wanted,
    Effect.gen(function*() {
      const { name, registry } = yield* locate(where, target)
      const { repositories, tags } = yield* usageOf(registry, name)
      const most = Option.getOrElse(limit, () => Number.POSITIVE_INFINITY)
      const shared = <One extends Needed>(one: One) => ({ ...one, shared: one.bytes - one.unique })
      return {
        ...(yield* registry.usage),
        repositories: repositories.slice(0, most).map(shared),
        tags: tags.slice(0, most).map(shared),
        ...(yield* registry.held)
      }
    })
  )).pipe(
    described(
      "Show what takes the space of a layout",
      "Bytes that each repository and tag needs, shared with others and alone, the largest first. Removing a name can " +
        "free what it needs alone.",
      [
        ["usage ./images", "All of a layout"],
        ["usage ./images/example/app --limit 10", "The largest tags of a repository"]
      ]
    )
  )
