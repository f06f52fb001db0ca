/** Two servers on one bucket behind a proxy that sends each request to the next of them. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync } from "node:fs"
import { createServer, request, type Server } from "node:http"
import { join } from "node:path"
import { gatewayCommand } from "../bucket/support/gateway.ts"

const listening = async (server: Server): Promise<number> => {
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

const freePort = async (): Promise<number> => {
  const server = createServer()
  const port = await listening(server)
  server.close()
  await once(server, "close")
  return port
}

/** The bytes of each request to the next server, and those of its answer back. */
const proxyTo = (addresses: ReadonlyArray<string>): Server => {
  let turn = 0
  return createServer((incoming, answer) => {
    const [hostname, port] = addresses[turn++ % addresses.length]?.split(":") ?? []
    const { headers, method, url } = incoming
    const outgoing = request({ hostname, port, method, path: url, headers }, (told) => {
      answer.writeHead(told.statusCode ?? 502, told.rawHeaders)
      told.pipe(answer)
    })
    outgoing.on("error", () => answer.destroy())
    incoming.pipe(outgoing)
  })
}

/**
 * Nothing where there is no gateway.
 *
 * @param serve starts a server on a place with an environment, and tells its address
 */
export const twoOnBucket = async (
  folder: string,
  serve: (
    place: string,
    environment: Readonly<Record<string, string>>
  ) => Promise<{ readonly address: string; readonly stop: () => void | Promise<void> }>
): Promise<{ readonly address: string; readonly stop: () => Promise<void> } | undefined> => {
  if (gatewayCommand === undefined) return undefined
  mkdirSync(join(folder, "gateway", "bucket"), { recursive: true })
  const port = await freePort()
  const keys = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "testtest", AWS_REGION: "us-east-1" }
  const gateway: ChildProcess = spawn(
    gatewayCommand,
    ["--quiet", "--port", `127.0.0.1:${port}`, "posix", join(folder, "gateway")],
    { env: { ...process.env, ROOT_ACCESS_KEY: "test", ROOT_SECRET_KEY: "testtest" }, stdio: "ignore" }
  )
  const endpoint = `http://127.0.0.1:${port}`
  while (!await fetch(endpoint).then(() => true, () => false)) await new Promise((next) => setTimeout(next, 50))
  const environment = { ...keys, AWS_ENDPOINT_URL: endpoint }
  const servers = [await serve("s3://bucket/layout", environment), await serve("s3://bucket/layout", environment)]
  const proxy = proxyTo(servers.map(({ address }) => address))
  return {
    address: `127.0.0.1:${await listening(proxy)}`,
    stop: async () => {
      proxy.close()
      proxy.closeAllConnections()
      for (const { stop } of servers) await stop()
      gateway.kill()
      await once(gateway, "exit")
    }
  }
}
