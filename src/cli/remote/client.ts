/** The HTTP client of the command line: connections that are kept, proxies of the environment, certificates. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Agent, Dispatcher, EnvHttpProxyAgent } from "@effect/platform-node/Undici"
import { Effect, Layer } from "effect"
import type { HttpClient } from "effect/http/HttpClient"
import { lookup } from "node:dns"
import type { LookupFunction } from "node:net"
import { homedir } from "node:os"
import process from "node:process"
import { getCACertificates } from "node:tls"
import { InputUnsuitable } from "../../oci/OciError.ts"
import { isPrivate } from "../../remote/index.ts"
import { Mistake } from "../Failure.ts"
import { certificateFolders, readCertificates, readPem } from "./hostCertificates.ts"

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

/** Sends requests to some hosts by dispatchers of their own, each made when it is first needed. */
class ByHost extends Dispatcher {
  readonly #special: ReadonlyMap<string, () => Dispatcher>
  readonly #rest: Dispatcher

  constructor(special: ReadonlyMap<string, () => Dispatcher>, rest: Dispatcher) {
    super()
    this.#special = special
    this.#rest = rest
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler
  ): boolean {
    const host = options.origin === undefined ? "" : new URL(options.origin).host
    return (this.#special.get(host)?.() ?? this.#rest).dispatch(options, handler)
  }
}

const proxied = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"]

interface Connecting {
  readonly ca?: Array<string>
  readonly cert?: string
  readonly key?: string
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

const dispatcherWith = (connect: Connecting): Dispatcher => {
  const options = { connections, connect }
  return proxied.some((name) => (process.env[name] ?? "") !== "")
    ? new EnvHttpProxyAgent({ ...options, requestTls: connect })
    : new Agent(options)
}

/** As much of undici as the options ask for; `Mistake` where the certificates cannot be read. */
export const clientLayer = ({ ca, insecure, named }: ClientOptions): Layer.Layer<HttpClient, Mistake> =>
  NodeHttpClient.layerUndiciNoDispatcher.pipe(
    Layer.provide(Layer.effect(
      NodeHttpClient.Dispatcher,
      Effect.gen(function*() {
        const trusted = ca === undefined ? undefined : yield* Effect.try({
          try: () => readPem(ca, "CERTIFICATE"),
          catch: (error) => {
            if (!(error instanceof InputUnsuitable)) throw error
            return new Mistake(error.message)
          }
        })
        const guarded = named === undefined ? {} : { lookup: guardedLookup(named) }
        const made: Array<Dispatcher> = []
        yield* Effect.addFinalizer(() => Effect.promise(() => Promise.all(made.map((one) => one.destroy()))))
        const make = (checks: boolean, folder: string | undefined) => {
          const { ca: more = [], ...own } = folder === undefined ? {} : readCertificates(folder)
          const all = [...(trusted === undefined ? [] : [trusted]), ...more]
          const one = dispatcherWith({
            ...guarded,
            ...own,
            ...(all.length === 0 ? {} : { ca: [...getCACertificates("default"), ...all] }),
            ...(checks ? {} : { rejectUnauthorized: false })
          })
          made.push(one)
          return one
        }
        const rest = make(true, undefined)
        const folders = certificateFolders(homedir())
        const special = new Map(Array.from(new Set([...insecure, ...folders.keys()]), (host) => {
          let known: Dispatcher | undefined
          return [host, () => known ??= make(!insecure.includes(host), folders.get(host))] as const
        }))
        return special.size === 0 ? rest : new ByHost(special, rest)
      })
    ))
  )
