/** What `ocilayout serve` tells once it listens: where, and who may do what. */
import { opensToAll } from "../../http/index.ts"
import { quoted, several } from "../../oci/quoted.ts"
import type { ServeRequest } from "./serveOptions.ts"
import type { NamedUpstream } from "./upstreams.ts"

const changes = ({ offers }: ServeRequest): string => {
  if (!offers.push) {
    return offers.deleteBlobs
      ? "delete tags and manifests, which can be taken back, and blobs, which cannot; not push"
      : "delete tags and manifests, which can be taken back; not push"
  }
  if (!offers.delete) return "push, and delete nothing"
  return offers.deleteBlobs
    ? "push, delete tags and manifests, which can be taken back, and delete blobs, which cannot"
    : "push, and delete tags and manifests, which can be taken back; not blobs"
}

/** Who has to log in: for everything, or only to change something. */
const who = (request: ServeRequest): string => {
  const { anonymousPull, credentials, isOpen, offers, rules } = request
  const everybody = isOpen ? "Everybody" : "Everybody on this machine"
  const [rights, fewer] = offers.push || offers.delete
    ? [`pull, ${offers.push ? "" : "and "}${changes(request)}`, changes(request)]
    : ["pull, and change nothing", ""]
  if (rules !== undefined) {
    const what = offers.push
      ? "What may be pulled, pushed and deleted"
      : offers.delete
      ? "What may be pulled and deleted"
      : "What may be pulled"
    return `${what} by those who log in${opensToAll(rules) ? ", and pulled by everybody," : ""} is in the rules.`
  }
  if (credentials === undefined) return `${everybody} may ${rights}.`
  if (!anonymousPull || fewer === "") return `Those who log in may ${rights}.`
  return `${everybody} may pull; those who log in may ${fewer}.`
}

const placeOf = ({ host, path }: NamedUpstream): string => path === undefined ? host : `${host}/${path}`

export const serveNotice = (url: string, path: string, request: ServeRequest): string =>
  [
    `ocilayout serves ${quoted(path)} at ${url}`,
    ...(request.upstreams.length === 0 ? [] : [
      `What is not there is fetched from ${several(request.upstreams.map(placeOf))}, and kept.`
    ]),
    ...(request.hasPage ? [`In a browser: ${url}/ui/`] : []),
    who(request),
    ...(request.isOpen && request.credentials !== undefined && request.tls === undefined
      ? ["Passwords cross the network as they are, unless something before this server speaks TLS; see --tls-cert."]
      : [])
  ].join("\n")
