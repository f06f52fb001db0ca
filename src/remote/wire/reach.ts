/** Which addresses requests may go to. */
import { Effect } from "effect"
import { isIP } from "node:net"
import { RemoteError } from "../../oci/OciError.ts"
import { isLoopback, nameOf } from "./Host.ts"

/** Is asked before every request, each redirect and each token included; what it fails with ends the request. */
export type Reach = (url: URL) => Effect.Effect<void, RemoteError>

/** Wherever it is: for people, who name the registry themselves. */
export const anywhere: Reach = () => Effect.void

/**
 * Only these hosts, and what they lead to in public: a name that was not allowed must resolve to public addresses alone.
 * `lookup` answers the addresses of a name; one that leads nowhere has none, and is refused.
 */
export const onlyHosts = (
  allowed: ReadonlyArray<string>,
  lookup: (name: string) => Effect.Effect<ReadonlyArray<string>>
): Reach => {
  const named = new Set(allowed.map((host) => host.toLowerCase()))
  return Effect.fnUntraced(function*(url) {
    if (named.has(url.host.toLowerCase()) || named.has(url.hostname.toLowerCase())) return
    const name = nameOf(url.host)
    const addresses = isIP(name) !== 0 ? [name] : isLoopback(name) ? ["127.0.0.1"] : yield* lookup(name)
    if (addresses.length === 0 || addresses.some(isPrivate)) {
      return yield* new RemoteError({
        host: url.host,
        operation: "a request",
        passing: false,
        reason: "it is in a private network, and was not allowed by name; nothing was sent"
      })
    }
  })
}

/** Loopback, private, link-local, shared, unspecified and multicast addresses: none of the public internet. */
export const isPrivate = (address: string): boolean => {
  const bare = address.toLowerCase()
  const mapped = /^::(?:ffff:)?(\d+\.\d+\.\d+\.\d+)$/u.exec(bare)?.[1]
  if (isIP(mapped ?? bare) === 4) return isPrivate4((mapped ?? bare).split(".").map(Number))
  if (isIP(bare) !== 6) return true
  const [first = ""] = bare.split(":")
  const group = Number.parseInt(first === "" ? "0" : first, 16)
  // 2000::/3 is all that is handed out; of it, 2001:db8::/32 is for documents, and 2002::/16 hides an address of version 4.
  return group < 0x2000 || group > 0x3fff || group === 0x2002 || /^2001:0*db8:/u.test(bare)
}

const isPrivate4 = ([a = 0, b = 0, c = 0]: ReadonlyArray<number>): boolean =>
  a === 0 || a === 10 || a === 127 || a >= 224 ||
  (a === 100 && b >= 64 && b < 128) ||
  (a === 169 && b === 254) ||
  (a === 172 && b >= 16 && b < 32) ||
  (a === 192 && (b === 168 || (b === 0 && (c === 0 || c === 2)))) ||
  (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) ||
  (a === 203 && b === 0 && c === 113)
