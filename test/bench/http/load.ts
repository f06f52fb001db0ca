/**
 * Asks a server for one thing again and again, over so many connections at once that stay open, and prints how many answers
 * came in a second. Sockets alone, so that the client costs less than any server.
 *
 * node load.ts PORT METHOD PATH CONNECTIONS SECONDS
 */
import { connect } from "node:net"
import process from "node:process"

const [port, method = "GET", path = "/", connections, seconds] = process.argv.slice(2)
const accepts = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json"
]
const request = Buffer.from(
  [`${method} ${path} HTTP/1.1`, "Host: localhost", `Accept: ${accepts.join(", ")}`, "", ""].join("\r\n")
)
const end = Buffer.from("\r\n\r\n")
const warmUpMillis = 500

let answers = 0

/** One connection: a request, all of its answer, and the next one. */
const open = (): Promise<() => void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port: Number(port), host: "127.0.0.1", noDelay: true })
    let rest = Buffer.alloc(0)
    /** Bytes of the body that are still to come. */
    let missing = -1
    socket.once("error", reject)
    socket.once("connect", () => {
      socket.write(request)
      resolve(() => {
        socket.removeListener("error", reject)
        socket.on("error", () => undefined).destroy()
      })
    })
    socket.on("data", (chunk) => {
      let at = 0
      if (missing < 0) {
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
        const head = rest.indexOf(end)
        if (head < 0) return
        const text = rest.toString("latin1", 0, head)
        if (!text.startsWith("HTTP/1.1 200 ")) throw new Error(`${method} ${path}: ${text.slice(0, 200)}`)
        const length = /^content-length: *(\d+)/imu.exec(text)?.[1]
        if (length === undefined) throw new Error(`${method} ${path} says no length`)
        missing = method === "HEAD" ? 0 : Number(length)
        at = head + end.length
        chunk = rest
        rest = Buffer.alloc(0)
      }
      missing -= chunk.length - at
      if (missing > 0) return
      if (missing < 0) throw new Error(`${method} ${path} brings more than it says`)
      missing = -1
      answers++
      socket.write(request)
    })
  })

const closers = await Promise.all(Array.from({ length: Number(connections) }, open))
await new Promise((resolve) => setTimeout(resolve, warmUpMillis))
const [began, before] = [performance.now(), answers]
await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000))
console.log((answers - before) / ((performance.now() - began) / 1000))
for (const close of closers) close()
