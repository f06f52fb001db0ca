/** What each tool is asked to do, with what that makes of a name once it has ended well. */
import { basename, dirname } from "node:path"
import type { Random } from "../../../support/random.ts"
import { imageOf } from "../../../support/tools/images.ts"
import { pool, repository, sharedNames } from "./names.ts"
import type { Value } from "./Write.ts"

export interface Place {
  readonly layout: string
  /** A layout with all images of the pool, by their notes. */
  readonly source: string
  /** A file for a tool to push. */
  readonly file: string
  /** The registry of crane's own with the images of the pool; only there where crane is. */
  readonly registry: string | undefined
}

export interface ToolCall {
  readonly tool: string
  readonly args: ReadonlyArray<string>
  /** A collection and the like means no name. */
  readonly means?: { readonly name: string; readonly value: Value }
}

type Draw = (place: Place, random: Random, fresh: () => string) => ToolCall

/** Names that only tools write, a few for each so that they are written again. */
const few = (random: Random, prefix: string): string => `${prefix}-${random.below(4)}`

const imageFor = (random: Random): { readonly note: string; readonly value: Value } => {
  const note = random.pick(pool)
  return { note, value: { digest: imageOf(note).manifest.digest } }
}

export const skopeoCopy = ({ layout, source }: Place, note: string, name: string): ToolCall => ({
  tool: "skopeo",
  args: [
    "--insecure-policy",
    "copy",
    "--quiet",
    "--dest-oci-accept-uncompressed-layers",
    `oci:${source}:${note}`,
    `oci:${layout}:${name}`
  ],
  means: { name, value: { digest: imageOf(note).manifest.digest } }
})

export const orasCopy = ({ layout, source }: Place, note: string, name: string): ToolCall => ({
  tool: "oras",
  args: ["cp", "--from-oci-layout", `${source}:${note}`, "--to-oci-layout", `${layout}:${name}`],
  means: { name, value: { digest: imageOf(note).manifest.digest } }
})

export const regctlCopy = ({ layout, source }: Place, note: string, name: string): ToolCall => ({
  tool: "regctl",
  args: ["image", "copy", `ocidir://${source}:${note}`, `ocidir://${layout}:${name}`],
  means: { name, value: { digest: imageOf(note).manifest.digest } }
})

const shared = (random: Random): string => `${repository}:${random.pick(sharedNames)}`

/** Each as often as it is listed. */
const draws: Readonly<Record<string, ReadonlyArray<Draw>>> = {
  skopeo: [
    (place, random) => skopeoCopy(place, random.pick(pool), few(random, "skopeo")),
    // What is there already is written back as it was read.
    (place) => skopeoCopy(place, "p0", "skopeo-same"),
    (place) => skopeoCopy(place, "p0", "skopeo-same"),
    (place, random) => skopeoCopy(place, random.pick(pool), shared(random))
  ],
  oras: [
    (place, random) => orasCopy(place, random.pick(pool), few(random, "oras")),
    (place) => orasCopy(place, "p1", "oras-same"),
    ({ layout }, _random, fresh) => {
      const name = `oras-tagged-${fresh()}`
      return {
        tool: "oras",
        args: ["tag", "--oci-layout", `${layout}:oras-same`, name],
        means: { name, value: { digest: imageOf("p1").manifest.digest } }
      }
    },
    ({ file, layout }, random, fresh) => {
      const name = few(random, "oras-pushed")
      // A deletion takes all names of a manifest, so each is another.
      const note = `example.push=${fresh()}`
      return {
        tool: "oras",
        args: ["push", "--annotation", note, "--oci-layout", `${layout}:${name}`, basename(file)],
        means: { name, value: "something" }
      }
    },
    ({ layout }, random) => {
      const name = few(random, "oras-pushed")
      return {
        tool: "oras",
        args: ["manifest", "delete", "--force", "--oci-layout", `${layout}:${name}`],
        means: { name, value: "nothing" }
      }
    }
  ],
  regctl: [
    (place, random) => regctlCopy(place, random.pick(pool), few(random, "regctl")),
    (place) => regctlCopy(place, "p2", "regctl-same"),
    ({ layout }, random) => {
      const name = few(random, "regctl")
      return {
        tool: "regctl",
        args: ["tag", "delete", `ocidir://${layout}:${name}`],
        means: { name, value: "nothing" }
      }
    }
  ],
  umoci: [
    ({ layout }, _random, fresh) => {
      const name = `umoci-tagged-${fresh()}`
      return {
        tool: "umoci",
        args: ["tag", "--image", `${layout}:skopeo-same`, name],
        means: { name, value: { digest: imageOf("p0").manifest.digest } }
      }
    },
    ({ layout }, random) => {
      const name = shared(random)
      return { tool: "umoci", args: ["rm", "--image", `${layout}:${name}`], means: { name, value: "nothing" } }
    },
    ({ layout }) => ({ tool: "umoci", args: ["gc", "--layout", layout] }),
    ({ layout }, _random, fresh) => {
      const name = `umoci-new-${fresh()}`
      return {
        tool: "umoci",
        args: ["new", "--image", `${layout}:${name}`],
        means: { name, value: "something" }
      }
    }
  ],
  crane: [
    ({ layout, registry }, random) => {
      const { note, value } = imageFor(random)
      const name = `${registry}/app:${note}`
      return {
        tool: "crane",
        args: ["pull", "--format", "oci", "--annotate-ref", name, layout],
        means: { name, value }
      }
    },
    ({ layout }) => ({ tool: "crane", args: ["layout", "gc", layout] })
  ]
}

export const tools = Object.keys(draws)

export const drawCall = (tool: string, place: Place, random: Random, fresh: () => string): ToolCall =>
  random.pick(draws[tool] ?? [])(place, random, fresh)

/** Where a tool is started: oras names a pushed file by its path from there. */
export const folderOf = ({ file }: Place): string => dirname(file)
