/** A proxy before a registry, which breaks connections, delays, fails and lies at the requests that it is told. */
import { Effect, type Scope } from "effect"
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, request, type ServerResponse } from "node:http"

/**
 * `refuse`: the connection ends before the registry hears of it; `lose`: after it has done what was asked. `cut`: in the
 * middle of the answer. A number is a status in the place of the answer. `flip`: a byte of the answer is another one; `swap`:
 * `Docker-Content-Digest` is; `short` and `long`: `Content-Length` is less or more than there is.
 */
export type Trouble = "refuse" | "lose" | "cut" | "delay" | "flip" | "swap" | "short" | "long" | 429 | 500 | 503

export const troubles: ReadonlyArray<Trouble> = [
  "refuse",
  "lose",
  "cut",
  "delay",
  "flip",
  "swap",
  "short",
  "long",
  429,
  500,
  503
]

export interface Network {
  readonly url: string
  /** From now on the request of this number, counted from now, meets this trouble. */
  readonly plan: (troubles: ReadonlyMap<number, Trouble>) => void
  /** How many requests there were since the last plan, and how many of them met trouble. */
  readonly counts: () => { readonly requests: number; readonly met: number }
}

interface Answer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: Buffer
}

const forward = (to: URL, { headers, method, url = "/" }: IncomingMessage, body: Buffer): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const onward = request(
      new URL(url, to),
      { method, headers: { ...headers, host: to.host }, agent: false },
      (answer) => {
        const parts: Array<Buffer> = []
        answer.on("data", (part: Buffer) => parts.push(part))
        answer.on(
          "end",
          () => resolve({ status: answer.statusCode ?? 500, headers: answer.headers, body: Buffer.concat(parts) })
        )
        answer.on("error", reject)
      }
    )
    onward.on("error", reject)
    onward.end(body)
  })

const other = `sha256:${"0".repeat(64)}`

const answerWith = (
  response: ServerResponse,
  { body, headers, status }: Answer,
  trouble: Trouble | undefined
): void => {
  const changed = Buffer.from(body)
  if (trouble === "flip" && changed.length > 0) changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1
  const told = { ...headers }
  delete told["transfer-encoding"]
  delete told["keep-alive"]
  told["connection"] = "close"
  if (trouble === "swap" && told["docker-content-digest"] !== undefined) told["docker-content-digest"] = other
  const length = Number(told["content-length"] ?? changed.length)
  if (trouble === "short" && length > 0) told["content-length"] = String(length - 1)
  if (trouble === "long") told["content-length"] = String(length + 1)
  response.writeHead(status, told)
  if (trouble === "cut" || trouble === "short" || trouble === "long") {
    const count = trouble === "cut"
      ? changed.length >> 1
      : trouble === "short"
      ? Math.max(0, length - 1)
      : changed.length
    response.write(changed.subarray(0, count), () => response.destroy())
    if (count === 0) response.destroy()
  } else response.end(changed)
}

export const brokenNetwork = (to: string): Effect.Effect<Network, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        let planned: ReadonlyMap<number, Trouble> = new Map()
        let requests = 0
        let met = 0
        const handle = async (incoming: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> => {
          const trouble = planned.get(requests++)
          if (trouble !== undefined) met++
          if (trouble === "refuse") return void incoming.socket.destroy()
          if (typeof trouble === "number") return void response.writeHead(trouble, { "retry-after": "0" }).end()
          const answer = await forward(new URL(to), incoming, body)
          if (trouble === "lose") return void incoming.socket.destroy()
          if (trouble === "delay") await new Promise((resolve) => setTimeout(resolve, 20))
          answerWith(response, answer, trouble)
        }
        const server = createServer((incoming, response) => {
          const parts: Array<Buffer> = []
          incoming.on("data", (part: Buffer) => parts.push(part))
          incoming.on("error", () => response.destroy())
          incoming.on(
            "end",
            () => void handle(incoming, response, Buffer.concat(parts)).catch(() => response.destroy())
          )
        })
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        const network: Network = {
          url: `http://127.0.0.1:${port}`,
          plan: (next) => {
            planned = next
            requests = met = 0
          },
          counts: () => ({ requests, met })
        }
        return { network, server }
      }),
      ({ server }) =>
        Effect.promise(() => {
          server.closeAllConnections()
          return new Promise((resolve) => server.close(resolve))
        })
    ),
    ({ network }) => network
  )
