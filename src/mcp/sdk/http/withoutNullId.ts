import type { ServerResponse } from "node:http"

/**
 * In errors without a request the SDK's transport says `"id":null`, and MCP knows no such id: an error that answers no
 * request has none. From here on such an error is written without it.
 */
export const withoutNullId = (response: ServerResponse): void => {
  const original = {
    writeHead: response.writeHead.bind(response),
    write: response.write.bind(response),
    end: response.end.bind(response)
  }
  const parts: Array<Uint8Array> = []
  let held: { readonly status: number; readonly headers: Readonly<Record<string, string>> } | undefined
  Object.assign(response, {
    writeHead: (status: number, headers: Readonly<Record<string, string>> = {}) => {
      if (status >= 400) held = { status, headers }
      else original.writeHead(status, headers)
      return response
    },
    write: (content: string | Uint8Array) => {
      if (held === undefined) return original.write(content)
      parts.push(Buffer.from(content))
      return true
    },
    end: (content: string | Uint8Array = "") => {
      if (held === undefined) return original.end(content)
      const text = Buffer.concat([...parts, Buffer.from(content)]).toString("utf8")
      const { status, headers } = held
      held = undefined
      const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== "content-length")
      original.writeHead(status, Object.fromEntries(others))
      return original.end(text.replace(/,"id":null\}$/u, "}"))
    }
  })
}
