/**
 * What a view in an agent's chat and its host tell each other: JSON-RPC 2.0 by messages between windows (MCP Apps,
 * 2026-01-26). This view asks for nothing but to be told of the tool's result.
 */

/** Names of messages, by the specification. */
const names = {
  initialize: "ui/initialize",
  initialized: "ui/notifications/initialized",
  result: "ui/notifications/tool-result",
  cancelled: "ui/notifications/tool-cancelled",
  context: "ui/notifications/host-context-changed",
  size: "ui/notifications/size-changed",
  teardown: "ui/resource-teardown"
} as const

const protocolVersion = "2026-01-26"

interface Told {
  /** The structured result of the tool. */
  readonly result: (value: unknown) => void
  /** There will be none, as the host says why. */
  readonly cancelled: (reason: string) => void
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined

const firstId = 1

/** Light or dark, as the host is. */
const applyContext = (context: unknown): void => {
  const theme = fieldOf(context, "theme")
  if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme
}

/** Listens to the window that this one is shown in, and to no other. */
export const connect = ({ cancelled, result }: Told): void => {
  const host = window.parent
  // A host is of any origin, and what is sent to it tells nothing.
  const send = (message: object): void => host.postMessage({ jsonrpc: "2.0", ...message }, "*")
  addEventListener("message", ({ data, source }: MessageEvent<unknown>) => {
    if (source !== host || fieldOf(data, "jsonrpc") !== "2.0") return
    const params = fieldOf(data, "params")
    switch (fieldOf(data, "method")) {
      case names.result:
        return result(fieldOf(params, "structuredContent"))
      case names.cancelled: {
        const reason = fieldOf(params, "reason")
        return cancelled(typeof reason === "string" ? reason : "")
      }
      case names.context:
        return applyContext(params)
      case names.teardown:
        return send({ id: fieldOf(data, "id"), result: {} })
      default:
        break
    }
    if (fieldOf(data, "id") !== firstId || fieldOf(data, "result") === undefined) return
    applyContext(fieldOf(fieldOf(data, "result"), "hostContext"))
    send({ method: names.initialized, params: {} })
  })
  new ResizeObserver(() => {
    const { height, width } = document.body.getBoundingClientRect()
    send({ method: names.size, params: { width: Math.ceil(width), height: Math.ceil(height) } })
  }).observe(document.body)
  send({
    id: firstId,
    method: names.initialize,
    params: { protocolVersion, appInfo: { name: "ocilayout", version: "1" }, appCapabilities: {} }
  })
}
