/** packages, find-package: what is installed in images. */
import { Effect, Option, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { fitsGlob } from "../../image/inside/glob.ts"
import { findPackage } from "../../image/packages/findPackage.ts"
import type { Package as Installed } from "../../image/packages/Package.ts"
import { packagesOf } from "../../image/packages/packagesOf.ts"
import { field } from "../../oci/field.ts"
import { sentence } from "../../oci/quoted.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { type Answer, answer, answers } from "../output.ts"
import { scopeOf } from "../scope.ts"
import { locate } from "../target.ts"
import type { Screen } from "../terminal/Screen.ts"
import { table } from "../terminal/table.ts"
import { shortOf } from "../terminal/units.ts"
import { image, inside, openImage, platform } from "./insideImage.ts"

const Package = Schema.Struct({
  type: Schema.Literals(["apk", "dpkg", "gem", "go", "npm", "pip", "rpm", "sbom"]),
  name: Schema.String,
  version: Schema.String,
  architecture: Schema.optionalKey(Schema.String),
  source_name: Schema.optionalKey(Schema.String),
  /** The file that says so; of an SBOM its digest. */
  path: Schema.String,
  layer: Schema.optionalKey(Schema.Natural)
})

const packageAnswer = ({ sourceName, ...one }: Installed): typeof Package.Type => ({
  ...one,
  ...field("source_name", sourceName)
})

export const Packages = Schema.Struct({
  /** Of the manifest of the image. */
  digest: Schema.String,
  known_from: Schema.Literals(["files", "sbom"]),
  sbom: Schema.optionalKey(Schema.Struct({
    digest: Schema.String,
    /** The index that it is attached to, where it is not the image's own. */
    index: Schema.optionalKey(Schema.String),
    format: Schema.String
  })),
  system: Schema.optionalKey(
    Schema.Struct({ id: Schema.String, version: Schema.String, name: Schema.String })
  ),
  packages: Schema.Array(Package),
  unread: Schema.Array(Schema.Struct({ path: Schema.String, reason: Schema.String }))
})

const rows = (screen: Screen, packages: ReadonlyArray<typeof Package.Type>): string =>
  table(
    screen,
    [
      { title: "TYPE" },
      { title: "NAME" },
      { title: "VERSION" },
      { title: "LAYER", align: "right" },
      { title: "SAID BY", cut: true }
    ],
    packages.map(({ layer, name, path, type, version }) => [
      type,
      sentence(name),
      sentence(version),
      layer === undefined ? "" : String(layer),
      type === "sbom" ? shortOf(path) : sentence(path)
    ])
  )

const shown: Answer<typeof Packages.Type> = {
  schema: Packages,
  show: ({ packages, sbom, system, unread }, screen) =>
    [
      ...(system === undefined ? [] : [sentence(system.name)]),
      ...(sbom === undefined ? [] : [
        `by the ${sbom.format} SBOM ${shortOf(sbom.digest)}${sbom.index === undefined ? "" : " of its index"}`
      ]),
      ...(packages.length === 0 ? ["no packages"] : [rows(screen, packages)]),
      ...unread.map(({ path, reason }) => sentence(`not read: ${path} ${reason}`))
    ].join("\n")
}

const from = Flag.Literals("from", ["auto", "files", "sbom"]).pipe(
  Flag.withMetavar("SOURCE"),
  Flag.withDescription("An attached SBOM where there is one, and else files (auto, default); or only one of them"),
  Flag.withDefault("auto" as const)
)

export const packages = Command.make("packages", {
  image,
  name: f.text("name", "GLOB", "Only packages whose name fits * and ?"),
  from,
  platform,
  at: f.at,
  where: f.where,
  wanted: f.wanted
}, ({ at, from, image, name, platform, wanted, where }) =>
  answer(
    shown,
    wanted,
    Effect.gen(function*() {
      const opened = yield* openImage(where, image, { at, platform })
      const found = yield* packagesOf(opened, { from })
      const fits = Option.match(name, {
        onNone: () => () => true,
        onSome: (glob) => (one: Installed) => fitsGlob(glob, one.name)
      })
      return {
        digest: opened.digest,
        known_from: found.from.kind,
        ...(found.from.kind === "sbom"
          ? { sbom: { digest: found.from.digest, format: found.from.format, ...field("index", found.from.index) } }
          : {}),
        ...field("system", found.system),
        packages: found.packages.filter(fits).map(packageAnswer),
        unread: found.unread
      }
    })
  )).pipe(
    described(
      "List what is installed in an image",
      "What dpkg, apk, rpm, pip, npm and gem have recorded, and what Go wrote into its programs; or what an attached SBOM " +
        "says. Nothing is run, and no vulnerabilities are looked up.",
      [
        ["packages ./images/example/app:v1", "All of them"],
        ["packages ./images/example/app:v1 --name 'libssl*' --json", "Some, for scripts"]
      ]
    )
  )

export const FoundPackage = Schema.Struct({
  repository: Schema.String,
  tag: Schema.String,
  /** Of the manifest of the image. */
  digest: Schema.String,
  platform: Schema.optionalKey(Schema.String),
  packages: Schema.Array(Package),
  /** Why the image could not be looked into. */
  failure: Schema.optionalKey(Schema.String)
})

const foundLines: Answer<typeof FoundPackage.Type> = {
  schema: FoundPackage,
  show: ({ failure, packages, platform, repository, tag }) => {
    const of = `${repository}:${tag}${platform === undefined ? "" : ` (${platform})`}`
    return failure === undefined
      ? packages.map(({ name, type, version }) => sentence(`${of}  ${type} ${name} ${version}`)).join("\n")
      : sentence(`${of}  not looked into: ${failure}`)
  }
}

export const findPackageCommand = Command.make("find-package", {
  name: f.argument("name", "The name of a package, or a pattern with * and ?; capitals do not matter"),
  target: f.target,
  from,
  where: f.where,
  wanted: f.wanted
}, ({ from, name, target, wanted, where }) =>
  answers(
    foundLines,
    wanted,
    Stream.unwrap(Effect.gen(function*() {
      const opened = yield* locate(where, target)
      const { repository, tag } = yield* Effect.fromResult(scopeOf(opened))
      return findPackage(opened.registry, inside, name, { repository, from }).pipe(
        Stream.filter((one) => tag === undefined || one.tag === tag),
        Stream.filter(({ failure, packages }) => packages.length > 0 || failure !== undefined),
        Stream.map(({ failure, packages, ...one }) => ({
          ...one,
          packages: packages.map(packageAnswer),
          ...field("failure", failure?.message)
        }))
      )
    }))
  )).pipe(
    described(
      "Find which images have a package",
      "Looks into every tagged image of a layout, each once; those that have it are printed as they are found.",
      [
        ["find-package openssl ./images", "In all images of a layout"],
        ["find-package 'libssl*' ./images/example/app --json", "In those of a repository, one on each line"]
      ]
    )
  )
