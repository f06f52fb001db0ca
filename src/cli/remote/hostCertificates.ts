/** Certificates for single hosts, where podman and docker keep them: `certs.d/HOST[:PORT]`. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** What is said of the TLS with one host. */
export interface HostCertificates {
  /** Trusted besides those of the system. */
  readonly ca: ReadonlyArray<string>
  /** The client's own, with its key. */
  readonly cert?: string
  readonly key?: string
}

/** Folders in the order in which they are looked into; of a host, the first one that has it counts alone. */
const foldersOf = (home: string): ReadonlyArray<string> => [
  join(home, ".config/containers/certs.d"),
  "/etc/containers/certs.d",
  "/etc/docker/certs.d"
]

const namesIn = (folder: string): ReadonlyArray<string> => {
  try {
    return readdirSync(folder).toSorted()
  } catch {
    // Most machines have none of them.
    return []
  }
}

/** The folder of each host that has one, by the host as addresses have it. */
export const certificateFolders = (
  home: string,
  folders: ReadonlyArray<string> = foldersOf(home)
): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  for (const folder of folders) {
    for (const name of namesIn(folder)) {
      const host = name.toLowerCase().replace(/:443$/u, "")
      if (!found.has(host)) found.set(host, join(folder, name))
    }
  }
  return found
}

/** What a folder holds: `*.crt` to trust, and `NAME.cert` with `NAME.key`. Throws where a file cannot be read, or lacks. */
export const readCertificates = (folder: string): HostCertificates => {
  const names = namesIn(folder)
  const text = (name: string): string => readFileSync(join(folder, name), "utf8")
  const own = names.find((name) => name.endsWith(".cert"))
  return {
    ca: names.filter((name) => name.endsWith(".crt")).map(text),
    ...(own === undefined ? {} : { cert: text(own), key: text(own.replace(/\.cert$/u, ".key")) })
  }
}
