/**
 * Where layouts are opened at all. What cannot keep the promises is refused before anything is read, so that no change
 * ends in the middle; `docs/support.md` says how each is known. Nothing is imported here: an old Node has to run it.
 */

/** The oldest Node, as `engines` in `package.json` says. */
const oldest = { major: 22, minor: 19 }

const instead = `use Node.js ${oldest.major}.${oldest.minor} or newer`

/** A process, as far as it tells what runs it. */
export interface Runtime {
  readonly platform: string
  readonly versions: { readonly node?: string; readonly bun?: string; readonly deno?: string }
}

export interface Refusal {
  /** What is not supported. */
  readonly operation: string
  readonly reason: string
}

/** Why no layout is opened here; nothing where it is. */
export const refusalOf = ({ platform, versions }: Runtime): Refusal | undefined => {
  for (const [name, version] of [["Deno", versions.deno], ["Bun", versions.bun]] as const) {
    if (version === undefined) continue
    const reason = "a change that waits for another ends the whole process there, since the native lock needs Node.js"
    return { operation: `${name} ${version}`, reason: `${reason}; ${instead}` }
  }
  const { node = "0" } = versions
  const [major = 0, minor = 0] = node.split(".").map(Number)
  if (major < oldest.major || (major === oldest.major && minor < oldest.minor)) {
    return { operation: `Node.js ${node}`, reason: instead }
  }
  if (platform === "win32") {
    const reason = "files are replaced while they are open, and folders synced, which Windows refuses"
    return { operation: "Windows", reason: `${reason}; use the Windows Subsystem for Linux` }
  }
  return undefined
}
