/** Takes images from registries on the network and sends them there, as far as the person allowed who started the server. */
import { Effect, Result, Schema } from "effect"
import { Denied } from "../../oci/OciError.ts"
import { copyCounts } from "../../ops/copy/copyCounts.ts"
import { copyManifest } from "../../ops/copy/copyManifest.ts"
import { sourceFor } from "../../ops/refs/copySource.ts"
import { findManifest } from "../../ops/refs/find.ts"
import { parsePlace } from "../../places/Place.ts"
import * as p from "../tool/parameters.ts"
import { shownChoice } from "../tool/platform.ts"
import type { Registries, ServerConfig } from "../tool/ServerConfig.ts"
import { invalidArgument, type ToolError } from "../tool/SurfaceError.ts"
import { defineTool, type MakeTool } from "../tool/Tool.ts"

const Transferred = Schema.Struct({
  repository: Schema.String,
  digest: Schema.String,
  tags: p.strings,
  manifests: Schema.Natural,
  blobs_copied: Schema.Natural,
  blobs_present: Schema.Natural,
  bytes_copied: Schema.Natural,
  /** Of the same tag, for other platforms: not copied. */
  others: p.optional(p.strings)
})

const remote = p.text("HOST/REPOSITORY[:TAG][@DIGEST]; the host is one of those allowed")

const common = {
  toolset: "write",
  hints: { ...p.adding, openWorld: true },
  needs: "registries",
  output: Transferred
} as const

const hostsOf = ({ registries }: ServerConfig): string => registries?.hosts.join(", ") ?? ""

interface Meant {
  readonly registry: Effect.Success<ReturnType<Registries["open"]>>
  readonly repository: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

/** The registry that a name leads to, where it is one of those that were allowed; nothing is sent to any other. */
const meantBy = Effect.fnUntraced(function*(
  { registries }: Pick<ServerConfig, "registries">,
  argument: "from" | "to",
  text: string
): Effect.fn.Return<Meant, ToolError> {
  const place = Result.getOrUndefined(parsePlace(`docker://${text.replace(/^docker:\/\//u, "")}`))
  if (place?._tag !== "Remote" || place.repository === undefined) {
    return yield* invalidArgument(`${argument}: write HOST/REPOSITORY:TAG`)
  }
  const { digest, host, repository, tag } = place
  if (registries === undefined || !registries.hosts.includes(host)) {
    return yield* new Denied({
      operation: `reaching ${host}`,
      reason: `this server may reach ${registries?.hosts.join(", ") ?? "no registry"}`
    })
  }
  return { registry: yield* registries.open(host, repository, argument), repository, tag, digest }
})

export const pull: MakeTool = (served) =>
  defineTool({
    ...common,
    name: "oci_pull",
    title: "Pull an image from a registry",
    description: `Copies an image and everything below it from a registry on the network (${
      hostsOf(served)
    }) into the layout. Copies all platforms of an index unless platform is given. A tag that already points elsewhere is refused; sends only what is not there. Reports progress.`,
    input: Schema.Struct({
      from: remote,
      to_repository: p.optional(p.repository),
      tags: p.optional(p.tags("Tags to create; by default that of from", 0)),
      platform: p.optional(p.text("Only this platform of an index, os/arch[/variant]")),
      referrers: p.flag("Also copy artifacts attached to it")
    }),
    run: Effect.fn("oci_pull")(function*({ from, platform, referrers, tags, to_repository }, { layout, progress }) {
      const { digest, registry, repository, tag } = yield* meantBy(served, "from", from)
      const own = digest !== undefined && tag === undefined ? [] : [tag ?? "latest"]
      const target = {
        registry: layout.registry,
        repository: to_repository ?? repository,
        tags: (tags ?? own).map((one) => ({ tag: one, ifAbsent: true }))
      }
      const source = { registry, repository, reference: digest ?? tag ?? "latest" }
      return answerOf(
        yield* copyManifest(source, target, {
          platform,
          referrers,
          onProgress: ({ bytes, total }) => progress({ progress: bytes, total })
        })
      )
    })
  })(served)

export const push: MakeTool = (served) =>
  defineTool({
    ...common,
    hints: { ...common.hints, destructive: true },
    name: "oci_push",
    title: "Push an image to a registry",
    description: `Copies an image and everything below it from the layout to a registry on the network (${
      hostsOf(served)
    }), where others see it and it cannot be taken back. A tag that already points elsewhere is refused unless move is set. Sends only what is not there. Reports progress.`,
    input: Schema.Struct({
      ref: p.ref,
      to: remote,
      move: p.flag("Allow moving a tag that points elsewhere"),
      platform: p.optional(p.text("Only this platform of an index, os/arch[/variant]")),
      referrers: p.flag("Also copy artifacts attached to it")
    }),
    run: Effect.fn("oci_push")(function*({ move, platform, ref, referrers, to }, { layout, progress }) {
      const { digest, registry, repository, tag = "latest" } = yield* meantBy(served, "to", to)
      if (digest !== undefined) return yield* invalidArgument("to: a copy keeps its digest; name a tag")
      const target = { registry, repository, tags: [move ? tag : { tag, ifAbsent: true }] }
      const found = yield* findManifest(layout, ref)
      const done = yield* copyManifest(yield* sourceFor(found, platform), target, {
        platform,
        referrers,
        onProgress: ({ bytes, total }) => progress({ progress: bytes, total })
      })
      const others = platform === undefined ? found.others ?? [] : []
      return { ...answerOf(done), ...(others.length === 0 ? {} : { others: others.map(shownChoice) }) }
    })
  })(served)

const answerOf = (done: Effect.Success<ReturnType<typeof copyManifest>>): typeof Transferred.Type => ({
  repository: done.repository,
  digest: done.digest,
  tags: done.tags,
  ...copyCounts([done])
})
