/** Which address a registry's name leads to, and which addresses are whose. */
import { isIP } from "node:net"

/** Docker Hub, as images are named, and where its API is. */
const hub = "docker.io"
const hubApi = "registry-1.docker.io"

/** The name of a host without its port; brackets of an IPv6 address go. */
export const nameOf = (host: string): string => {
  const [, bracketed, plain = host] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/u.exec(host) ?? []
  return (bracketed ?? plain).toLowerCase()
}

/** Addresses of this machine itself, by name or number. */
export const isLoopback = (host: string): boolean => {
  const name = nameOf(host)
  return name === "localhost" || name === "::1" || /^127\.\d+\.\d+\.\d+$/u.test(name)
}

/** Where the API of a registry is; over plain HTTP on this machine, and where that is said. */
export const baseOf = (host: string, plainHttp = isLoopback(host)): URL =>
  new URL(`${plainHttp ? "http" : "https"}://${host === hub ? hubApi : host}/`)

/**
 * Whether credentials for a registry may go to this host for a token: the host itself, one below it, or one that has the same
 * parent, as `auth.example.com` and `registry.example.com` have. A parent like `co.uk` does not count.
 */
export const isRelated = (registry: URL, realm: URL): boolean => {
  const own = registry.hostname.toLowerCase()
  const other = realm.hostname.toLowerCase()
  if (own === other) return true
  if (isIP(own.replace(/^\[|\]$/gu, "")) !== 0 || isIP(other.replace(/^\[|\]$/gu, "")) !== 0) return false
  if (other.endsWith(`.${own}`)) return true
  const parent = own.slice(own.indexOf(".") + 1)
  if (!/^[^.]+\..+$/u.test(parent) || /^[^.]{1,3}\.[^.]{2}$/u.test(parent)) return false
  return other === parent || other.endsWith(`.${parent}`)
}
