/** What a client takes for an answer (RFC 9110, "Accept"). */
import type { IncomingMessage } from "node:http"

/** The types that an answer of this endpoint has. */
const types = ["application/json", "text/event-stream"] as const

/** Whether a type is accepted, by its name or by a wildcard. Who says nothing accepts everything. */
export const accepts = (header: string | undefined, type: typeof types[number]): boolean => {
  if (header === undefined || header.trim() === "") return true
  const group = `${type.slice(0, type.indexOf("/"))}/*`
  return header.toLowerCase().split(",").some((part) => {
    const [range = "", ...parameters] = part.split(";").map((piece) => piece.trim())
    return [type, group, "*/*"].includes(range) && !parameters.some((parameter) => /^q=0(?:\.0*)?$/u.test(parameter))
  })
}

/** Names what is accepted: the SDK's transport knows no wildcards. It reads either form of the headers. */
export const nameAccepted = (request: IncomingMessage): void => {
  const named = types.filter((type) => accepts(request.headers.accept, type)).join(", ")
  const at = request.rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === "accept")
  if (at < 0) request.rawHeaders.push("accept", named)
  else request.rawHeaders[at + 1] = named
  request.headers.accept = named
}
