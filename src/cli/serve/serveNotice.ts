/** What `ocilayout serve` tells once it listens: where, and who may do what. */
import { opensToAll } from "../../http/index.ts"
import { quoted } from "../../oci/quoted.ts"
import type { ServeRequest } from "./serveOptions.ts"

const deletes = ({ offers }: ServeRequest): string => {
  if (!offers.delete) return "push, and delete nothing"
  return offers.deleteBlobs
    ? "push, delete tags and manifests, which can be taken back, and delete blobs, which cannot"
    : "push, and delete tags and manifests, which can be taken back; not blobs"
}

/** Who has to log in: for everything, or only to change something. */
const who = (request: ServeRequest): string => {
  const { anonymousPull, credentials, isOpen, offers, rules } = request
  const everybody = isOpen ? "Everybody" : "Everybody on this machine"
  const [rights, fewer] = offers.push
    ? [`pull, ${deletes(request)}`, deletes(request)]
    : ["pull, and change nothing", ""]
  if (rules !== undefined) {
    const what = offers.push ? "What may be pulled, pushed and deleted" : "What may be pulled"
    return `${what} by those who log in${opensToAll(rules) ? ", and pulled by everybody," : ""} is in the rules.`
  }
  if (credentials === undefined) return `${everybody} may ${rights}.`
  if (!anonymousPull || fewer === "") return `Those who log in may ${rights}.`
  return `${everybody} may pull; those who log in may ${fewer}.`
}

export const serveNotice = (url: string, path: string, request: ServeRequest): string =>
  [
    `ocilayout serves ${quoted(path)} at ${url}`,
    ...(request.hasPage ? [`In a browser: ${url}/ui/`] : []),
    who(request),
    ...(request.isOpen && request.credentials !== undefined && request.tls === undefined
      ? ["Passwords cross the network as they are, unless something before this server speaks TLS; see --tls-cert."]
      : [])
  ].join("\n")
