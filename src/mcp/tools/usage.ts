/** Tells what takes the space of a layout. */
import { Effect, Schema } from "effect"
import { usageOf } from "../../ops/content/usage.ts"
import { Allowance } from "../tool/display.ts"
import * as limits from "../tool/limits.ts"
import * as p from "../tool/parameters.ts"
import { defineTool } from "../tool/Tool.ts"

const Amount = Schema.Struct({ blobs: Schema.Natural, bytes: Schema.Natural })

export const usage = defineTool({
  name: "oci_usage",
  toolset: "inspect",
  title: "Show what takes space",
  description:
    "Tells how many bytes a layout has, and which repositories and tags need them, the largest first: bytes is all that a name needs, unique what nothing else needs, and so what its removal could free. held tells what is kept besides: second names of content (they take no space of their own; only counts what another tool has removed from the layout), and the trash of collections.",
  hints: p.reading,
  needs: "nothing",
  input: Schema.Struct({
    repository: p.optional(p.repository),
    limit: p.integer("Repositories, and tags, to return", { minimum: 1, maximum: 500, default: 20 })
  }),
  output: Schema.Struct({
    ...Amount.fields,
    repositories: Schema.Array(Schema.Struct({
      repository: Schema.String,
      tags: Schema.Natural,
      bytes: Schema.Natural,
      unique: Schema.Natural
    })),
    repositories_omitted: p.optional(Schema.Natural),
    tags: Schema.Array(Schema.Struct({ ref: Schema.String, bytes: Schema.Natural, unique: Schema.Natural })),
    tags_omitted: p.optional(Schema.Natural),
    held: Schema.Struct({ kept: Amount, only: Amount, trash: Amount })
  }),
  run: Effect.fn("oci_usage")(function*({ limit, repository }, { layout: { registry } }) {
    const found = yield* usageOf(registry, repository)
    const tags = found.tags.map(({ bytes, repository, tag, unique }) => ({
      ref: `${repository}:${tag}`,
      bytes,
      unique
    }))
    const shown = {
      repositories: new Allowance(limits.partCharacters / 2).take(found.repositories.slice(0, limit)),
      tags: new Allowance(limits.partCharacters / 2).take(tags.slice(0, limit))
    }
    const left = [found.repositories.length - shown.repositories.length, tags.length - shown.tags.length] as const
    return {
      ...(yield* registry.usage),
      repositories: shown.repositories,
      ...(left[0] === 0 ? {} : { repositories_omitted: left[0] }),
      tags: shown.tags,
      ...(left[1] === 0 ? {} : { tags_omitted: left[1] }),
      held: yield* registry.held
    }
  })
})
