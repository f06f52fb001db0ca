/** Flags about registries on the network that a server asks for what it lacks. */
import { Option } from "effect"
import { number, several, text } from "./serveFlags.ts"

export const upstreamFlags = {
  upstream: several(
    "upstream",
    "REGISTRY",
    "Fetch what is not here from this registry, docker://HOST[/REPOSITORY], keep it and serve it; pushes are refused. " +
      "Repeat for several: those after the first are below their host's name"
  ),
  maxAge: number(
    "upstream-max-age",
    0,
    "With --upstream, for how many minutes a tag is served without asking again; 10 by default"
  ),
  insecure: several("upstream-insecure", "HOST", "Do not check the certificate of this upstream"),
  plainHttp: several("upstream-plain-http", "HOST", "Speak to this upstream without TLS"),
  ca: text("upstream-ca", "FILE", "Certificates to trust for upstreams besides those of the system, as PEM")
}

/** The flags, as they were given. */
export interface UpstreamFlags {
  readonly upstream: ReadonlyArray<string>
  readonly maxAge: Option.Option<number>
  readonly insecure: ReadonlyArray<string>
  readonly plainHttp: ReadonlyArray<string>
  readonly ca: Option.Option<string>
}

/** Of servers that fetch nothing. */
export const noUpstream: UpstreamFlags = {
  upstream: [],
  maxAge: Option.none(),
  insecure: [],
  plainHttp: [],
  ca: Option.none()
}
