/** What is installed in an image. */

/** Who keeps the record of a package. */
export type PackageType = "apk" | "dpkg" | "gem" | "go" | "npm" | "pip" | "rpm" | "sbom"

/** One installed package. */
export interface Package {
  readonly type: PackageType
  readonly name: string
  /** Empty where the record has none. */
  readonly version: string
  readonly architecture?: string
  /** The source package that it was built from, where that has another name. */
  readonly sourceName?: string
  /** The file that says so; of an SBOM its digest. */
  readonly path: string
  /** The layer that has this file, from 0; absent of an SBOM. */
  readonly layer?: number
}

/** What a file says, before it is known where it is from. */
export type Said = Omit<Package, "type" | "path" | "layer">

/** The operating system, as `os-release` has it. */
export interface OperatingSystem {
  readonly id: string
  readonly version: string
  /** For people. */
  readonly name: string
}

/** Packages of one file, at most: no image has more. */
export const mostPackages = 100_000
