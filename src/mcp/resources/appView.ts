/**
 * The view of a tool's result that hosts show beside it (MCP Apps, 2026-01-26: extension `io.modelcontextprotocol/ui`).
 * Clients that do not say they show such views are told nothing of it.
 */
import type { ServerConfig } from "../tool/ServerConfig.ts"

/** What the extension is called among a client's capabilities. */
const extension = "io.modelcontextprotocol/ui"

const mimeType = "text/html;profile=mcp-app"

/** One for all of them: it tells by the result which tool it was. */
const uri = "ui://ocilayout/result"

/** The tools whose results there is a picture of. */
const pictured: ReadonlySet<string> = new Set(["oci_inspect_image", "oci_diff", "oci_gc", "oci_history"])

/** Whether a client shows views, by its capabilities. */
export const showsViews = (capabilities: { readonly extensions?: unknown } | undefined): boolean => {
  const { extensions } = capabilities ?? {}
  const declared: unknown = typeof extensions === "object" && extensions !== null
    ? Reflect.get(extensions, extension)
    : undefined
  const types: unknown = typeof declared === "object" && declared !== null
    ? Reflect.get(declared, "mimeTypes")
    : undefined
  return Array.isArray(types) && types.includes(mimeType)
}

/** What a tool says of its view; nothing of one that has none. */
export const viewOf = ({ view }: Pick<ServerConfig, "view">, tool: string) =>
  view === undefined || !pictured.has(tool) ? {} : { _meta: { ui: { resourceUri: uri } } }

/** The view itself, where this is its address. It loads nothing, so that it needs no further rights of its host. */
export const readView = ({ view }: Pick<ServerConfig, "view">, asked: string) =>
  view === undefined || asked !== uri
    ? undefined
    : { uri, mimeType, text: view(), _meta: { ui: { csp: {}, prefersBorder: true } } }
