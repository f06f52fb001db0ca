/** sync: the tags of one repository become those of another. */
import { Effect, Option, Schema } from "effect"
import { Command } from "effect/cli"
import { field } from "../../oci/field.ts"
import { fits } from "../../oci/glob.ts"
import type { RegistryReads } from "../../ops/api/Registry.ts"
import { copyManifest } from "../../ops/copy/copyManifest.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { type Answer, report } from "../output.ts"
import { type From, repositoryFrom, repositoryTo, tagsOf, type To } from "../remote/endpoints.ts"
import { makeRemotes, remoteFlags } from "../remote/remotes.ts"
import { progressOf } from "../terminal/progress.ts"
import { counted, shortOf, sizeOf } from "../terminal/units.ts"

const Change = Schema.Struct({
  tag: Schema.String,
  action: Schema.Literals(["set", "move", "delete"]),
  /** What it points at before; absent where it was not there. */
  from: Schema.optionalKey(Schema.String),
  /** What it points at after; absent where it is deleted. */
  to: Schema.optionalKey(Schema.String)
})
type Change = typeof Change.Type

export const Synced = Schema.Struct({
  repository: Schema.String,
  /** In the order in which they are made: what is set, and then what is deleted. */
  changes: Schema.Array(Change),
  /** Tags that point at the same already. */
  unchanged: Schema.Natural,
  blobs_copied: Schema.Natural,
  bytes_copied: Schema.Natural,
  /** Whether nothing was done. */
  dry_run: Schema.Boolean
})

const synced: Answer<typeof Synced.Type> = {
  schema: Synced,
  show: ({ blobs_copied, bytes_copied, changes, dry_run, repository, unchanged }) =>
    [
      ...changes.map(({ action, to, tag }) =>
        action === "delete" ? `delete ${repository}:${tag}` : `${action} ${repository}:${tag} to ${shortOf(to ?? "")}`
      ),
      `${counted(changes.length, "change")}${
        dry_run ? " to be made" : `, ${counted(blobs_copied, "blob")}, ${sizeOf(bytes_copied)}`
      }; ${counted(unchanged, "tag")} as before`
    ].join("\n")
}

/** What a tag points at; nothing where it is not there. */
const digestAt = (registry: Pick<RegistryReads, "resolveTag">, repository: string, tag: string) =>
  registry.resolveTag(repository, tag).pipe(
    Effect.map(({ digest }) => digest),
    Effect.catchTags({ ManifestUnknown: () => Effect.undefined, NameUnknown: () => Effect.undefined })
  )

/** What has to be done so that the tags of the target are those of the source. */
const planOf = Effect.fnUntraced(function*(
  source: From,
  target: To,
  { fitting, surplus }: { readonly fitting: (tag: string) => boolean; readonly surplus: boolean }
) {
  const wanted: ReadonlyArray<string> = (yield* tagsOf(source)).filter(fitting)
  const there: ReadonlyArray<string> = yield* tagsOf(target).pipe(
    Effect.catchTag("NameUnknown", () => Effect.succeed([]))
  )
  const compared = yield* Effect.forEach(
    wanted,
    Effect.fnUntraced(function*(tag) {
      const to = yield* digestAt(source.registry, source.repository, tag)
      const from = there.includes(tag) ? yield* digestAt(target.registry, target.repository, tag) : undefined
      // It has gone since it was listed.
      if (to === undefined) return undefined
      return { tag, action: from === undefined ? "set" as const : "move" as const, ...field("from", from), to }
    }),
    { concurrency: 8 }
  )
  const met = compared.filter((one) => one !== undefined)
  const changes: Array<Change> = met.filter(({ from, to }) => from !== to)
  const gone = surplus ? there.filter((tag) => fitting(tag) && !wanted.includes(tag)) : []
  for (const tag of gone) {
    const from = yield* digestAt(target.registry, target.repository, tag)
    changes.push({ tag, action: "delete", ...field("from", from) })
  }
  return { changes, unchanged: met.length - met.filter(({ from, to }) => from !== to).length }
})

export const sync = Command.make("sync", {
  from: f.argument("from", "PATH/repository, or docker://HOST/REPOSITORY"),
  to: f.argument("to", "PATH/repository, or docker://HOST/REPOSITORY"),
  surplus: f.off("delete", "Delete tags of the destination that the source does not have"),
  dryRun: f.off("dry-run", "Only say what would be done"),
  match: f.text("match", "GLOB", "Only tags that fit, such as 'v1.*'; of others nothing is changed or deleted"),
  referrers: f.off("referrers", "Also what refers to the images: signatures, SBOMs and the like"),
  at: f.at,
  where: f.writing,
  remote: remoteFlags,
  wanted: f.wanted
}, ({ at, dryRun, from, match, referrers, remote, surplus, to, wanted, where }) =>
  report(
    synced,
    wanted,
    Effect.gen(function*() {
      const remotes = yield* makeRemotes(remote)
      const source = yield* repositoryFrom(where, remotes, from, at)
      const target = yield* repositoryTo(where, remotes, to, source.layout)
      const fitting = Option.match(match, { onNone: () => () => true, onSome: fits })
      const { changes, unchanged } = yield* planOf(source, target, { fitting, surplus })
      const answer = { repository: target.repository, changes, unchanged, blobs_copied: 0, bytes_copied: 0 }
      if (dryRun) return { ...answer, dry_run: true }
      const onProgress = yield* progressOf("syncing")
      for (const { from: ifDigest, tag, to: reference } of changes) {
        if (reference === undefined) {
          // What another has moved meanwhile is another's.
          yield* target.registry.deleteTag(target.repository, tag, { ifDigest })
          continue
        }
        const condition = ifDigest === undefined ? { tag, ifAbsent: true } : { tag, ifDigest }
        const done = yield* copyManifest(
          { registry: source.registry, repository: source.repository, reference },
          { registry: target.registry, repository: target.repository, tags: [condition] },
          { referrers, onProgress }
        )
        answer.blobs_copied += done.blobsCopied
        answer.bytes_copied += done.bytesCopied
      }
      return { ...answer, dry_run: false }
    })
  )).pipe(
    described(
      "Make the tags of a repository those of another",
      "Copies what is missing or points elsewhere, one tag after the other; with --delete, tags go that the source does " +
        "not have. Repeated, it goes on where it was.",
      [
        ["sync ./images/team/app docker://registry.example.com/team/app --dry-run", "What would be done"],
        ["sync docker://registry.example.com/team/app ./images/team/app --match 'v1.*'", "Some of them"],
        ["sync ./images/team/app docker://registry.example.com/team/app --delete", "And nothing else there"]
      ]
    )
  )
