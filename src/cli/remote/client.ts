/** The HTTP client of the command line: connections that are kept, proxies of the environment, certificates. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Agent, Dispatcher, EnvHttpProxyAgent } from "@effect/platform-node/Undici"
import { Effect, Layer } from "effect"
import type { HttpClient } from "effect/http/HttpClient"
import { lookup } from "node:dns"
import { readFileSync } from "node:fs"
import type { LookupFunction } from "node:net"
import process from "node:process"
import { getCACertificates } from "node:tls"
import { quoted } from "../../oci/quoted.ts"
import { isPrivate } from "../../remote/index.ts"
import { Mistake } from "../Failure.ts"

export interface ClientOptions {
  /** Hosts, with their ports where they have some, whose certificates are not checked. */
  readonly insecure: ReadonlyArray<string>
  /** A file with certificates to trust besides those of the system. */
  readonly ca: string | undefined
  /** Hosts without their ports; where they are given, no other name may lead into a private network. */
  readonly named?: ReadonlyArray<string> | undefined
}

/** Connections to one host at a time. */
const connections = 8

/** Sends requests to some hosts by another dispatcher than to the rest. */
class ByHost extends Dispatcher {
  readonly #hosts: ReadonlySet<string>
  readonly #special: Dispatcher
  readonly #rest: Dispatcher

  constructor(hosts: ReadonlyArray<string>, special: Dispatcher, rest: Dispatcher) {
    super()
    this.#hosts = new Set(hosts)
    this.#special = special
    this.#rest = rest
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler
  ): boolean {
    const host = options.origin === undefined ? "" : new URL(options.origin).host
    return (this.#hosts.has(host) ? this.#special : this.#rest).dispatch(options, handler)
  }
}

const proxied = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"]

interface Connecting {
  readonly ca?: Array<string>
  readonly rejectUnauthorized?: boolean
  readonly lookup?: LookupFunction
}

/** Asked for each connection, so that a name cannot be looked at as one address and lead to another. */
const guardedLookup = (allowed: ReadonlyArray<string>): LookupFunction => (name, options, callback) => {
  lookup(name, { ...options, all: true }, (error, found) => {
    const [first] = found
    const isHidden = !allowed.includes(name.toLowerCase()) && found.some(({ address }) => isPrivate(address))
    if (error !== null || first === undefined) return callback(error, "", 0)
    if (isHidden) return callback(Object.assign(new Error("a private address"), { code: "EACCES" }), "", 0)
    return options.all === true ? callback(null, found) : callback(null, first.address, first.family)
  })
}

const dispatcherWith = (connect: Connecting) => {
  const options = { connections, connect }
  const make = (): Dispatcher =>
    proxied.some((name) => (process.env[name] ?? "") !== "")
      ? new EnvHttpProxyAgent({ ...options, requestTls: connect })
      : new Agent(options)
  return Effect.acquireRelease(Effect.sync(make), (made) => Effect.promise(() => made.destroy()))
}

/** As much of undici as the options ask for; `Mistake` where the certificates cannot be read. */
export const clientLayer = ({ ca, insecure, named }: ClientOptions): Layer.Layer<HttpClient, Mistake> =>
  NodeHttpClient.layerUndiciNoDispatcher.pipe(
    Layer.provide(Layer.effect(
      NodeHttpClient.Dispatcher,
      Effect.gen(function*() {
        const trusted = ca === undefined ? {} : {
          ca: yield* Effect.try({
            try: () => [...getCACertificates("default"), readFileSync(ca, "utf8")],
            catch: () => new Mistake(`the certificates in ${quoted(ca)} cannot be read`)
          })
        }
        const guarded = named === undefined ? {} : { lookup: guardedLookup(named) }
        const rest = yield* dispatcherWith({ ...trusted, ...guarded })
        if (insecure.length === 0) return rest
        return new ByHost(insecure, yield* dispatcherWith({ ...guarded, rejectUnauthorized: false }), rest)
      })
    ))
  )
