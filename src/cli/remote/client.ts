/** The HTTP client of the command line: connections that are kept, proxies of the environment, certificates. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Agent, Dispatcher, EnvHttpProxyAgent } from "@effect/platform-node/Undici"
import { Effect, Layer } from "effect"
import type { HttpClient } from "effect/http/HttpClient"
import { readFileSync } from "node:fs"
import process from "node:process"
import { getCACertificates } from "node:tls"
import { quoted } from "../../oci/quoted.ts"
import { Mistake } from "../Failure.ts"

export interface ClientOptions {
  /** Hosts, with their ports where they have some, whose certificates are not checked. */
  readonly insecure: ReadonlyArray<string>
  /** A file with certificates to trust besides those of the system. */
  readonly ca: string | undefined
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

const dispatcherWith = (connect: { readonly ca?: Array<string>; readonly rejectUnauthorized?: boolean }) => {
  const options = { connections, connect }
  const make = (): Dispatcher =>
    proxied.some((name) => (process.env[name] ?? "") !== "")
      ? new EnvHttpProxyAgent({ ...options, requestTls: connect })
      : new Agent(options)
  return Effect.acquireRelease(Effect.sync(make), (made) => Effect.promise(() => made.destroy()))
}

/** As much of undici as the options ask for; `Mistake` where the certificates cannot be read. */
export const clientLayer = ({ ca, insecure }: ClientOptions): Layer.Layer<HttpClient, Mistake> =>
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
        const rest = yield* dispatcherWith(trusted)
        if (insecure.length === 0) return rest
        return new ByHost(insecure, yield* dispatcherWith({ rejectUnauthorized: false }), rest)
      })
    ))
  )
