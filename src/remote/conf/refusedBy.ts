/** The failure of what an entry of registries.conf blocks. */
import { RegistryBlocked } from "../../oci/OciError.ts"
import { entryFor, nameOf, type RegistriesConf, type RegistryEntry } from "./RegistriesConf.ts"

export const refusedBy = ({ file, prefix }: RegistryEntry, asked: string): RegistryBlocked =>
  new RegistryBlocked({ asked, path: file, entry: prefix })

/** Why repositories, or without any the host as a whole, may not be asked; nothing where they may. */
export const blockOf = (
  conf: RegistriesConf,
  host: string,
  repositories: ReadonlyArray<string>
): RegistryBlocked | undefined => {
  for (const name of repositories.length === 0 ? [host] : repositories.map((one) => nameOf(host, one))) {
    const entry = entryFor(conf, name)
    if (entry?.blocked === true) return refusedBy(entry, name)
  }
  return undefined
}
