/** Certificates for single hosts, where podman and docker keep them: `certs.d/HOST[:PORT]`. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { createSecureContext } from "node:tls"
import { errnoInWords, errnoOf } from "../../oci/errno.ts"
import { InputUnsuitable } from "../../oci/OciError.ts"

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

/** The certificates or the key in a file; throws `InputUnsuitable` where it cannot be read, or has no such thing. */
export const readPem = (file: string, kind: "CERTIFICATE" | "KEY"): string => {
  const unsuitable = (reason: string) => new InputUnsuitable({ input: file, reason: `cannot be used: ${reason}` })
  const text = textIn(file, unsuitable)
  if (!new RegExp(`^-----BEGIN [A-Z0-9 ]*${kind}-----`, "mu").test(text)) {
    throw unsuitable(kind === "KEY" ? "it has no key as PEM" : "it has no certificate as PEM")
  }
  try {
    createSecureContext(kind === "KEY" ? { key: text } : { cert: text })
  } catch (error) {
    throw unsuitable(`what is in it is damaged (${error instanceof Error ? error.message : "unknown"})`)
  }
  return text
}

const textIn = (file: string, unsuitable: (reason: string) => InputUnsuitable): string => {
  try {
    return readFileSync(file, "utf8")
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === undefined) throw error
    throw unsuitable(errnoInWords(errno))
  }
}

/** What a folder holds: `*.crt` to trust, and `NAME.cert` with `NAME.key`. Throws as `readPem` does. */
export const readCertificates = (folder: string): HostCertificates => {
  const names = namesIn(folder)
  const own = names.find((name) => name.endsWith(".cert"))
  return {
    ca: names.filter((name) => name.endsWith(".crt")).map((name) => readPem(join(folder, name), "CERTIFICATE")),
    ...(own === undefined ? {} : {
      cert: readPem(join(folder, own), "CERTIFICATE"),
      key: readPem(join(folder, own.replace(/\.cert$/u, ".key")), "KEY")
    })
  }
}
