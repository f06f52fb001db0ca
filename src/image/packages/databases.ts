/** Records of installed packages that are text: dpkg, apk, pip, npm, gem, and os-release. */
import { Result } from "effect"
import { isJsonObject } from "../../oci/Descriptor.ts"
import { parseJson } from "../../oci/Json.ts"
import { decoded } from "../tar/bytes.ts"
import { mostPackages, type OperatingSystem, type Said } from "./Package.ts"
import { lines, stanzas } from "./text.ts"

const stringOr = (value: unknown, other: string): string => typeof value === "string" ? value : other

const optional = (
  architecture: string | undefined,
  sourceName: string | undefined
): Pick<Said, "architecture" | "sourceName"> => ({
  ...(architecture === undefined || architecture === "" ? {} : { architecture }),
  ...(sourceName === undefined || sourceName === "" ? {} : { sourceName })
})

const dpkgKeys = new Set(["Package", "Version", "Architecture", "Source", "Status"])

/** `var/lib/dpkg/status`, or one of `status.d`, which has no `Status`. */
export const parseDpkg = (bytes: Uint8Array): ReadonlyArray<Said> => {
  const found: Array<Said> = []
  for (const fields of stanzas(decoded(bytes), ":", dpkgKeys)) {
    const [name, status] = [fields.get("Package"), fields.get("Status")]
    if (name === undefined || (status !== undefined && !status.endsWith(" installed"))) continue
    // A version in parentheses may follow.
    const source = fields.get("Source")?.split(" ")[0]
    found.push({ name, version: fields.get("Version") ?? "", ...optional(fields.get("Architecture"), source) })
    if (found.length >= mostPackages) break
  }
  return found
}

const apkKeys = new Set(["P", "V", "A", "o"])

/** `lib/apk/db/installed`. */
export const parseApk = (bytes: Uint8Array): ReadonlyArray<Said> => {
  const found: Array<Said> = []
  for (const fields of stanzas(decoded(bytes), ":", apkKeys)) {
    const [name, origin] = [fields.get("P"), fields.get("o")]
    if (name === undefined) continue
    const source = origin === name ? undefined : origin
    found.push({ name, version: fields.get("V") ?? "", ...optional(fields.get("A"), source) })
    if (found.length >= mostPackages) break
  }
  return found
}

const pipKeys = new Set(["Name", "Version"])

/** `METADATA` of a `.dist-info`, or `PKG-INFO` of an `.egg-info`: the headers before the first empty line. */
export const parsePip = (bytes: Uint8Array): ReadonlyArray<Said> => {
  for (const fields of stanzas(decoded(bytes), ":", pipKeys)) {
    const name = fields.get("Name")
    return name === undefined ? [] : [{ name, version: fields.get("Version") ?? "" }]
  }
  return []
}

/** How deep a `package.json` may be nested. */
const jsonDepth = 64

/** `package.json` of a module. */
export const parseNpm = (bytes: Uint8Array): ReadonlyArray<Said> => {
  const parsed = Result.getOrElse(
    parseJson(bytes, { maxDepth: jsonDepth, duplicateKeys: "lastWins" }),
    () => undefined
  )
  if (!isJsonObject(parsed) || typeof parsed["name"] !== "string" || parsed["name"] === "") return []
  return [{ name: parsed["name"], version: stringOr(parsed["version"], "") }]
}

/** A `.gemspec`, which is a program: the two lines that RubyGems writes are read, and nothing is run. */
export const parseGem = (bytes: Uint8Array): ReadonlyArray<Said> => {
  let [name, version] = ["", ""]
  for (const line of lines(decoded(bytes))) {
    const [, field, value] = /^\s{0,8}\w{1,16}\.(name|version) = (?:Gem::Version\.new\()?"([^"]{1,200})"/u.exec(line) ??
      []
    if (field === "name" && name === "") name = value ?? ""
    if (field === "version" && version === "") version = value ?? ""
  }
  return name === "" ? [] : [{ name, version }]
}

/** `os-release`: what shells would read, without a shell. */
export const parseOs = (bytes: Uint8Array): OperatingSystem | undefined => {
  const values = new Map<string, string>()
  for (const line of lines(decoded(bytes))) {
    const [, key = "", quoted, plain] = /^([A-Z_]{1,64})=(?:"([^"]{0,1000})"|'?([^"']{0,1000})'?)\s*$/u.exec(line) ?? []
    if (key !== "" && !values.has(key)) values.set(key, quoted ?? plain ?? "")
  }
  const id = values.get("ID") ?? values.get("NAME")
  if (id === undefined) return undefined
  const version = values.get("VERSION_ID") ?? ""
  return { id, version, name: values.get("PRETTY_NAME") ?? `${values.get("NAME") ?? id} ${version}`.trim() }
}
