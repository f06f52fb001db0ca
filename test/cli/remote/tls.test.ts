/** Certificates: trusted by a file, not checked for one host, and else refused; and the proxy of the environment. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { createServer as createSecureServer } from "node:https"
import { connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { certificateFolders } from "../../../src/cli/remote/hostCertificates.ts"
import { makeMemory } from "../../../src/memory/index.ts"
import { serving } from "../../http/support/serving.ts"
import { image, pushImage } from "../../support/images.ts"
import { ocl, temporaryDirectory } from "../support/command.ts"
import { spawnServer } from "../support/server.ts"

const one = image("one")

/** A new certificate with its key, signed by itself; nothing where there is no openssl. */
const certificateIn = (folder: string, name = "server") => {
  const [cert, key] = [join(folder, `${name}-cert.pem`), join(folder, `${name}-key.pem`)]
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
  const args =
    `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext ${names} -keyout ${key} -out ${cert}`
  return spawnSync("openssl", args.split(" ")).status === 0 ? { cert, key } : undefined
}

/** A registry with a certificate that no system trusts. */
const secured = Effect.gen(function*() {
  const made = certificateIn(yield* temporaryDirectory)
  if (made === undefined) return undefined
  const { cert, key } = made
  const registry = yield* makeMemory()
  yield* pushImage(registry, "app", one, ["v1"])
  const tls = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") }
  const { url } = yield* serving(registry, { tls })
  return { cert, host: new URL(url).host }
})

/** A registry that refuses clients without a certificate. */
const mutual = Effect.gen(function*() {
  const folder = yield* temporaryDirectory
  const [server, client] = [certificateIn(folder), certificateIn(folder, "client")]
  if (server === undefined || client === undefined) return undefined
  const options = {
    cert: readFileSync(server.cert),
    key: readFileSync(server.key),
    ca: readFileSync(client.cert),
    requestCert: true
  }
  const port = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const listening = createSecureServer(options, (_, response) => {
        response.writeHead(200, { "content-type": "application/json" }).end("{\"name\":\"app\",\"tags\":[\"v1\"]}")
      })
      await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve))
      const address = listening.address()
      return { listening, port: typeof address === "object" && address !== null ? address.port : 0 }
    }),
    ({ listening }) =>
      Effect.sync(() => {
        listening.close()
        listening.closeAllConnections()
      })
  )
  return { folder, host: `127.0.0.1:${port.port}`, server, client }
})

describe("certificates for one host", () => {
  it.live(
    "are found where podman and docker keep them, and the client shows its own",
    ({ skip }) =>
      Effect.gen(function*() {
        const found = yield* mutual
        if (found === undefined) return skip("there is no openssl")
        const { client, folder, host, server } = found
        const run = Effect.fnUntraced(function*(home: string) {
          const { child, exit, stderr, stdout } = yield* spawnServer(["tags", `docker://${host}/app`], {
            HOME: home,
            REGISTRY_AUTH_FILE: "/dev/null"
          })
          child.stdin.end()
          return { code: yield* exit, out: stdout(), err: stderr() }
        })
        const homeWith = (name: string, files: Readonly<Record<string, string>>) => {
          const home = join(folder, name)
          const place = join(home, ".config/containers/certs.d", host)
          mkdirSync(place, { recursive: true })
          for (const [file, from] of Object.entries(files)) copyFileSync(from, join(place, file))
          return home
        }
        const all = { "ca.crt": server.cert, "client.cert": client.cert, "client.key": client.key }
        const letIn = yield* run(homeWith("all", all))
        assert.strictEqual(letIn.out, "v1\n", letIn.err)
        // Trusted, and without a certificate of its own.
        assert.strictEqual((yield* run(homeWith("ca", { "ca.crt": server.cert }))).code, 7)
        assert.strictEqual((yield* run(homeWith("own", { ...all, "ca.crt": client.cert }))).code, 7)
        const lacking = yield* run(homeWith("lacking", { "ca.crt": server.cert, "client.cert": client.cert }))
        const place = join(folder, "lacking/.config/containers/certs.d", host)
        assert.strictEqual(lacking.code, 7, lacking.err)
        assert.include(lacking.err, `"${join(place, "client.key")}" cannot be used: it is not there`)
        writeFileSync(join(place, "client.key"), "no key")
        const rubbish = yield* run(join(folder, "lacking"))
        assert.include(rubbish.err, `"${join(place, "client.key")}" cannot be used: it has no key as PEM`)
        const begun = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        writeFileSync(join(place, "client.cert"), begun)
        const damaged = yield* run(join(folder, "lacking"))
        assert.include(damaged.err, `"${join(place, "client.cert")}" cannot be used: what is in it is damaged`)
      }),
    60_000
  )

  it("are those of the first folder that has the host", () => {
    const root = mkdtempSync(join(tmpdir(), "ocilayout-test-"))
    for (const path of ["a/One.example:443", "b/one.example", "b/two.example:5000"]) {
      mkdirSync(join(root, path), { recursive: true })
    }
    const folders = certificateFolders(root, ["a", "none", "b"].map((name) => join(root, name)))
    assert.deepStrictEqual(Array.from(folders), [
      ["one.example", join(root, "a/One.example:443")],
      ["two.example:5000", join(root, "b/two.example:5000")]
    ])
    rmSync(root, { recursive: true })
  })
})

describe("a registry with a certificate", () => {
  it.live(
    "is believed where the certificate is, or its host is not asked for one",
    ({ skip }) =>
      Effect.gen(function*() {
        const found = yield* secured
        if (found === undefined) return skip("there is no openssl")
        const { cert, host } = found
        const tags = ["tags", `docker://${host}/app`]
        // This machine is spoken to without TLS unless something is said of its certificate.
        assert.strictEqual((yield* ocl(tags)).code, 7)
        assert.strictEqual((yield* ocl([...tags, "--insecure", host])).out, "v1\n")
        const named = ["tags", `docker://localhost.localdomain:${new URL(`https://${host}`).port}/app`]
        assert.strictEqual((yield* ocl([...named, "--insecure", host])).code, 7)
        assert.strictEqual((yield* ocl([...tags, "--ca", cert])).out, "v1\n")
        const missing = yield* ocl([...tags, "--ca", `${cert}x`])
        assert.strictEqual(missing.code, 2)
        assert.include(missing.err, `"${cert}x" cannot be used: it is not there`)
        const upstream = ["--upstream", `docker://${host}`, "--upstream-ca", cert.replace("cert.pem", "key.pem")]
        const started = yield* ocl(["serve", yield* temporaryDirectory, "--listen", "127.0.0.1:0", ...upstream])
        assert.deepStrictEqual([started.code, /key\.pem" cannot be used: it has no certificate/u.test(started.err)], [
          2,
          true
        ])
      }),
    60_000
  )

  it.live(
    "is reached through the proxy of the environment, and checked there as well",
    ({ skip }) =>
      Effect.gen(function*() {
        const found = yield* secured
        if (found === undefined) return skip("there is no openssl")
        const { cert, host } = found
        const asked: Array<string | undefined> = []
        const proxy = yield* Effect.acquireRelease(
          Effect.promise(async () => {
            const server = createServer()
            const sockets = new Set<Socket>()
            server.on("connect", (request, socket) => {
              asked.push(request.url)
              // Whatever name is asked for is this registry.
              const onward = connect(Number(new URL(`http://${host}`).port), "127.0.0.1", () => {
                socket.write("HTTP/1.1 200 Connection established\r\n\r\n")
                onward.pipe(socket).pipe(onward)
              })
              for (const one of [onward, socket]) one.on("error", () => undefined)
              sockets.add(onward)
            })
            await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
            const address = server.address()
            return { server, sockets, port: typeof address === "object" && address !== null ? address.port : 0 }
          }),
          ({ server, sockets }) =>
            Effect.sync(() => {
              for (const socket of sockets) socket.destroy()
              server.close()
              server.closeAllConnections()
            })
        )
        const run = Effect.fnUntraced(function*(...more: ReadonlyArray<string>) {
          const args = ["tags", "docker://registry.example.com/app", ...more]
          const { child, exit, stderr, stdout } = yield* spawnServer(args, {
            HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
            NO_PROXY: "",
            REGISTRY_AUTH_FILE: "/dev/null"
          })
          child.stdin.end()
          return { code: yield* exit, out: stdout(), err: stderr() }
        })
        const refused = yield* run("--ca", cert)
        // Trusted, and still another's name.
        assert.strictEqual(refused.code, 7, refused.err)
        assert.match(refused.err, /ERR_TLS_CERT_ALTNAME_INVALID/u)
        const insecure = yield* run("--insecure", "registry.example.com")
        assert.strictEqual(insecure.out, "v1\n", insecure.err)
        assert.deepStrictEqual(new Set(asked), new Set(["registry.example.com:443"]))
      }),
    60_000
  )
})
