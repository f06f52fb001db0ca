/** The distribution-spec's HTTP API over a registry. */
export { type Credentials, parseHtpasswd, parseTokens } from "./credentials.ts"
export type { Offers } from "./dispatch.ts"
export { notify } from "./notify/notify.ts"
export { type ServeOptions, serveRegistry } from "./serveRegistry.ts"
