/** Registries on the network, as a command line names them. */
import { Context, Effect, Layer, Option, type Scope } from "effect"
import { HttpClient } from "effect/http/HttpClient"
import { homedir } from "node:os"
import type { Repository } from "../../oci/Reference.ts"
import { parsePlace, type RemotePlace } from "../../places/Place.ts"
import type { RemoteRegistry } from "../../remote/index.ts"
import { type Failure, Mistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { tellOpened } from "../opened.ts"
import type { Where } from "../target.ts"
import { certificateFolders } from "./hostCertificates.ts"
import { makeOpener } from "./opener.ts"

/** How registries are spoken to. */
export const remoteFlags = {
  insecure: f.several("insecure", "HOST", "Do not check the certificate of this registry; repeat for several"),
  plainHttp: f.several(
    "plain-http",
    "HOST",
    "Speak to this registry without TLS; by default only where it is this machine. Repeat for several"
  ),
  ca: f.text(
    "ca",
    "FILE",
    "Certificates to trust besides those of the system, as PEM; this machine then has to have one as well"
  )
}

export interface RemoteFlags {
  readonly insecure: ReadonlyArray<string>
  readonly plainHttp: ReadonlyArray<string>
  readonly ca: Option.Option<string>
}

/** Opens registries for one command, each once, so that what is in the same one can be mounted. */
export interface Remotes {
  /** What is listed and changed: the registry itself. */
  readonly open: (host: string, repository?: string) => Effect.Effect<RemoteRegistry, Failure>
  /** What images are taken from: as `open`, but manifests and blobs come from where registries.conf says. */
  readonly source: (host: string, repository?: string) => Effect.Effect<RemoteRegistry, Failure>
}

/** The client that the flags ask for, open until the scope ends. */
export const clientFor = ({ ca, insecure }: RemoteFlags): Effect.Effect<HttpClient, Failure, Scope.Scope> =>
  // Loaded when it is needed: most commands reach no network.
  Effect.promise(() => import("./client.ts")).pipe(
    Effect.flatMap(({ clientLayer }) => Layer.build(clientLayer({ insecure, ca: Option.getOrUndefined(ca) }))),
    Effect.map((context) => Context.get(context, HttpClient))
  )

/** Whether a host is spoken to without TLS; one whose certificate is not checked, or checked by a file, has one. */
export const plainFor = (
  { ca, insecure, plainHttp }: RemoteFlags,
  host: string
): { readonly plainHttp?: boolean } =>
  plainHttp.includes(host)
    ? { plainHttp: true }
    : insecure.includes(host) || Option.isSome(ca) || certificateFolders(homedir()).has(host)
    ? { plainHttp: false }
    : {}

/** The registries of a command, each opened when it is first named. */
export const makeRemotes = (flags: RemoteFlags): Effect.Effect<Remotes, never, Scope.Scope> =>
  Effect.map(
    makeOpener(
      (host) => clientFor(host === undefined ? flags : { ...flags, insecure: [...flags.insecure, host] }),
      (host) => Effect.succeed(plainFor(flags, host))
    ),
    ({ open, source }) => ({
      open: (host, repository) => Effect.andThen(tellOpened(`docker://${host}`), open(host, repository)),
      source: (host, repository) => Effect.andThen(tellOpened(`docker://${host}`), source(host, repository))
    })
  )

/** What a text names on the network; nothing where it names something else. */
export const remoteNamed = (text: string): Effect.Effect<RemotePlace | undefined, Failure> => {
  if (!text.startsWith("docker://")) return Effect.undefined
  return Effect.map(Effect.fromResult(parsePlace(text)), (place) => place._tag === "Remote" ? place : undefined)
}

/** A name as Docker has it, without a transport. */
export const remoteShort = (text: string): Effect.Effect<RemotePlace & { readonly repository: Repository }, Failure> =>
  Effect.flatMap(
    remoteNamed(text.startsWith("docker://") ? text : `docker://${text}`),
    (place) =>
      place?.repository === undefined
        ? Effect.fail(new Mistake(`${text} names no image on a registry; write HOST/REPOSITORY:TAG`))
        : Effect.succeed({ ...place, repository: place.repository })
  )

/** What a name on the network is read as. */
export const referenceOf = ({ digest, tag }: RemotePlace): string => digest ?? tag ?? "latest"

/** The layout of the flags, or else the current directory; names are those inside it. */
export const inLayout = (where: Where): Where => ({
  ...where,
  layout: Option.some(Option.getOrElse(where.layout, () => "."))
})
