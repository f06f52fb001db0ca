/** Which files of an image say what is installed. */
import type { Entry } from "../table/Entry.ts"
import { parseApk, parseDpkg, parseGem, parseNpm, parsePip } from "./databases.ts"
import type { PackageType, Said } from "./Package.ts"

/** How a file is read: whole, looked through, or not at all, with the reason. */
export type Reading =
  | { readonly kind: "whole"; readonly type: PackageType; readonly most: number; readonly parse: Parse }
  | { readonly kind: "rpm"; readonly most: number }
  | { readonly kind: "program" }
  | { readonly kind: "unreadable"; readonly reason: string }

type Parse = (bytes: Uint8Array) => ReadonlyArray<Said>

const mebibyte = 1024 * 1024

const rules: ReadonlyArray<readonly [pattern: RegExp, reading: Reading]> = [
  [/^\/var\/lib\/dpkg\/status$/u, { kind: "whole", type: "dpkg", most: 64 * mebibyte, parse: parseDpkg }],
  [/^\/var\/lib\/dpkg\/status\.d\/[^/]+$/u, { kind: "whole", type: "dpkg", most: mebibyte, parse: parseDpkg }],
  [/^\/(?:usr\/)?lib\/apk\/db\/installed$/u, { kind: "whole", type: "apk", most: 64 * mebibyte, parse: parseApk }],
  [/\/[^/]+\.(?:dist-info\/METADATA|egg-info\/PKG-INFO|egg-info)$/u, {
    kind: "whole",
    type: "pip",
    most: mebibyte,
    parse: parsePip
  }],
  [/\/node_modules\/(?:@[^/]+\/)?[^/]+\/package\.json$/u, {
    kind: "whole",
    type: "npm",
    most: mebibyte,
    parse: parseNpm
  }],
  [/\/specifications\/(?:default\/)?[^/]+\.gemspec$/u, { kind: "whole", type: "gem", most: mebibyte, parse: parseGem }],
  [/^\/(?:var\/lib\/rpm|usr\/lib\/sysimage\/rpm|usr\/share\/rpm)\/rpmdb\.sqlite$/u, {
    kind: "rpm",
    most: 256 * mebibyte
  }],
  [/^\/(?:var\/lib|usr\/lib\/sysimage|usr\/share)\/rpm\/Packages(?:\.db)?$/u, {
    kind: "unreadable",
    reason: "is a database of rpm in an older form"
  }]
]

/** Programs below this size are none of Go. */
const leastProgram = 64 * 1024

/** How a file is read; nothing of all others. */
export const readingOf = (path: string, { mode, size, type }: Entry): Reading | undefined => {
  if (type !== "file" || size === 0) return undefined
  const rule = rules.find(([pattern]) => pattern.test(path))?.[1]
  if (rule !== undefined) {
    return "most" in rule && size > rule.most ? { kind: "unreadable", reason: "is larger than any of its kind" } : rule
  }
  return size >= leastProgram && (mode & 0o111) !== 0 ? { kind: "program" } : undefined
}
