/** What `ocilayout serve` was asked to do: where to listen, who may come in, and what they may do. */
import { Result } from "effect"
import {
  type Credentials,
  type HttpLimits,
  type Offers,
  parseHtpasswd,
  parseRules,
  parseTokens,
  type Rules
} from "../../http/index.ts"
import type { Durability, HoldPolicy, SymlinkPolicy } from "../../node/index.ts"
import { isLoopback, parseAddress } from "../mcp/httpOptions.ts"
import type { LogForm } from "./accessLog.ts"
import { type Collecting, type CollectingFlags, parseCollecting } from "./collecting.ts"
import { limitsOf } from "./limitFlags.ts"
import type { UpstreamFlags } from "./upstreamFlags.ts"
import { type NamedUpstream, parseUpstreams } from "./upstreams.ts"

/** The flags, as they were given. */
export interface ServeFlags extends CollectingFlags {
  readonly directory: string
  /** A file of variables. */
  readonly config: string | undefined
  /** `[HOST:]PORT` */
  readonly listen: string
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly htpasswd: string | undefined
  readonly tokenFile: string | undefined
  readonly rules: string | undefined
  readonly allowedHosts: ReadonlyArray<string>
  readonly anonymousPull: boolean
  readonly readOnly: boolean
  readonly noDelete: boolean
  readonly allowDelete: boolean
  readonly sparse: boolean
  readonly metrics: boolean
  readonly at: string | undefined
  readonly perRepository: boolean
  readonly defaultRepository: string | undefined
  readonly endpoint: string | undefined
  readonly sse: string | undefined
  readonly publishEvery: number | undefined
  readonly durability: Durability
  readonly hold: HoldPolicy
  readonly symlinks: SymlinkPolicy
  /** Processes; 1 is this one alone, and one for each core, up to 4, where nothing is said. */
  readonly workers: number | undefined
  readonly limits: Parameters<typeof limitsOf>[0]
  /** Whether the layout is shown in a browser as well. */
  readonly ui: boolean
  /** Whether a browser is opened. */
  readonly open: boolean
  readonly log: LogForm
  readonly notify: string | undefined
  readonly notifySource: string | undefined
  /** What is fetched from elsewhere. */
  readonly upstream: UpstreamFlags
}

/** What the files hold that flags name, by path; or why one cannot be read. */
export type ReadText = (path: string) => Result.Result<string, string>

export interface ServeRequest {
  readonly host: string
  readonly port: number
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  readonly credentials: Credentials | undefined
  /** None where it does not matter by what name it is called. */
  readonly hosts: ReadonlyArray<string> | undefined
  readonly anonymousPull: boolean
  readonly rules: Rules | undefined
  readonly offers: Offers
  readonly isOpen: boolean
  readonly limits: HttpLimits
  readonly collecting: Collecting | undefined
  readonly receiver: URL | undefined
  readonly hasPage: boolean
  readonly upstreams: ReadonlyArray<NamedUpstream>
}

/** Settings that would let strangers in are refused. */
export const parseServe = (flags: ServeFlags, read: ReadText): Result.Result<ServeRequest, string> =>
  Result.gen(function*() {
    const address = parseAddress(flags.listen)
    if (address === undefined) {
      return yield* Result.fail(`--listen takes [HOST:]PORT, like 5000 or [::1]:5000, not ${flags.listen}`)
    }
    const credentials = yield* credentialsOf(flags, read)
    const changesNothing = flags.readOnly || flags.at !== undefined
    const upstreams = yield* parseUpstreams(flags.upstream)
    // A tag that was pushed here would be another one as soon as its upstream is asked again.
    const takesPushes = !changesNothing && upstreams.length === 0
    const clientsOnlyRead = !takesPushes && (changesNothing || flags.noDelete)
    const isOpen = !isLoopback(address.host)
    if (isOpen && credentials === undefined && !(flags.anonymousPull && clientsOnlyRead)) {
      return yield* Result.fail(
        `${address.host} can be reached from elsewhere, so --htpasswd or --token-file has to say who may come in; ` +
          "to let all clients read and none write, --anonymous-pull --read-only"
      )
    }
    if (flags.allowedHosts.length > 0 && (credentials !== undefined || isOpen)) {
      return yield* Result.fail("--allowed-host is for a server on this machine that asks for no login")
    }
    const collecting = yield* parseCollecting(flags)
    const receiver = yield* receiverOf(flags)
    if (changesNothing && upstreams.length > 0) {
      return yield* Result.fail(
        "--upstream keeps what it fetches in the layout, which --read-only and --at do not allow"
      )
    }
    if (changesNothing && (collecting !== undefined || receiver !== undefined)) {
      return yield* Result.fail("--gc and --notify write to the layout, which --read-only and --at do not allow")
    }
    return {
      ...address,
      tls: yield* tlsOf(flags, read),
      credentials,
      hosts: credentials === undefined && !isOpen ? flags.allowedHosts : undefined,
      rules: yield* rulesOf(flags, read),
      limits: limitsOf(flags.limits),
      collecting,
      receiver,
      hasPage: flags.ui,
      anonymousPull: flags.anonymousPull,
      upstreams,
      offers: {
        push: takesPushes,
        delete: !changesNothing && !flags.noDelete,
        deleteBlobs: !changesNothing && !flags.noDelete && flags.allowDelete
      },
      isOpen
    }
  })

/** From the files that are named; none where none is. */
export const credentialsOf = (
  { htpasswd, tokenFile }: Pick<ServeFlags, "htpasswd" | "tokenFile">,
  read: ReadText
): Result.Result<Credentials | undefined, string> =>
  Result.gen(function*() {
    if (htpasswd === undefined && tokenFile === undefined) return undefined
    return {
      users: htpasswd === undefined ? new Map() : yield* parsed("--htpasswd", htpasswd, read, parseHtpasswd),
      tokens: tokenFile === undefined ? [] : yield* parsed("--token-file", tokenFile, read, parseTokens)
    }
  })

/** Rules are about those who log in, and say themselves what others may. */
export const rulesOf = (
  { anonymousPull, htpasswd, rules, tokenFile }: Pick<ServeFlags, "anonymousPull" | "htpasswd" | "rules" | "tokenFile">,
  read: ReadText
): Result.Result<Rules | undefined, string> => {
  if (rules === undefined) return Result.succeed(undefined)
  if (htpasswd === undefined && tokenFile === undefined) {
    return Result.fail("--rules are about users and tokens, which --htpasswd or --token-file has to name")
  }
  if (anonymousPull) {
    return Result.fail("--rules say what may be pulled without a login: @anonymous * pull, not --anonymous-pull")
  }
  return parsed("--rules", rules, read, parseRules)
}

const receiverOf = (
  { notify, notifySource }: Pick<ServeFlags, "notify" | "notifySource">
): Result.Result<URL | undefined, string> => {
  if (notify === undefined) {
    return notifySource === undefined ? Result.succeed(undefined) : Result.fail("--notify-source is for --notify")
  }
  // What is in it may be a password, and is not repeated.
  const url = URL.parse(notify)
  return url !== null && /^https?:$/u.test(url.protocol)
    ? Result.succeed(url)
    : Result.fail("--notify takes the address of a receiver, like https://example.com/hook")
}

export const tlsOf = (
  { tlsCert, tlsKey }: Pick<ServeFlags, "tlsCert" | "tlsKey">,
  read: ReadText
): Result.Result<ServeRequest["tls"], string> =>
  Result.gen(function*() {
    if (tlsCert === undefined && tlsKey === undefined) return undefined
    if (tlsCert === undefined || tlsKey === undefined) {
      return yield* Result.fail("--tls-cert and --tls-key belong together")
    }
    return {
      cert: yield* parsed("--tls-cert", tlsCert, read, Result.succeed),
      key: yield* parsed("--tls-key", tlsKey, read, Result.succeed)
    }
  })

const parsed = <A>(
  flag: string,
  path: string,
  read: ReadText,
  parse: (text: string) => Result.Result<A, string>
): Result.Result<A, string> =>
  Result.mapError(Result.flatMap(read(path), parse), (reason) => `${flag} ${path} cannot be used: ${reason}`)
