/** The distribution-spec's HTTP API over a registry. */
export { type Credentials, parseHtpasswd, parseTokens } from "./credentials.ts"
export type { Offers } from "./dispatch.ts"
export { defaultLimits, type HttpLimits } from "./limits.ts"
export { notify } from "./notify/notify.ts"
export type { Observed } from "./observe.ts"
export { opensToAll, parseRules, type Rules } from "./rules.ts"
export { type ServeOptions, serveRegistry } from "./serveRegistry.ts"
export type { Asset, UiOptions } from "./ui/Ui.ts"
