/** The access log: a line for each request on standard output, without anything that lets its reader in. */
import type { Observed } from "../../http/index.ts"
import { printableJson } from "../../oci/quoted.ts"

export type LogForm = "none" | "text" | "json"

/** For programs; names and units are in `docs/serve.md`. */
const jsonLine = (
  { address, agent, began, bytesIn, bytesOut, method, path, seconds, status, user }: Observed
): string =>
  printableJson({
    time: new Date(began).toISOString(),
    address,
    user: user ?? null,
    method,
    path,
    status,
    bytes_in: bytesIn,
    bytes_out: bytesOut,
    seconds: Number(seconds.toFixed(6)),
    agent
  })

/** For people: whatever a client has sent is in quotes, so that it cannot look like another line. */
const textLine = (
  { address, agent, began, bytesIn, bytesOut, method, path, seconds, status, user }: Observed
): string =>
  [
    new Date(began).toISOString(),
    address,
    user === undefined ? "-" : printableJson(user),
    printableJson(`${method} ${path}`),
    status,
    `in=${bytesIn}`,
    `out=${bytesOut}`,
    `${(seconds * 1000).toFixed(1)}ms`,
    printableJson(agent)
  ].join(" ")

/** Nothing where there is to be no log. */
export const accessLog = (
  form: LogForm,
  write: (line: string) => void
): ((observed: Observed) => void) | undefined => {
  switch (form) {
    case "none":
      return undefined
    case "text":
      return (observed) => write(`${textLine(observed)}\n`)
    case "json":
      return (observed) => write(`${jsonLine(observed)}\n`)
  }
}
