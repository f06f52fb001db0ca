import { assert, describe, it } from "@effect/vitest"
import { hashSync } from "bcryptjs"
import { Effect } from "effect"
import { execFileSync, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { get } from "node:http"
import { request } from "node:https"
import { join } from "node:path"
import process from "node:process"
import { connect } from "node:tls"
import { digestOf } from "../../support/images.ts"
import { json, ocl } from "../support/command.ts"
import { temporaryDirectory } from "../support/server.ts"
import { answered, basic, blob, bytes, pushBlob, pushImage, serving } from "./support/serving.ts"

describe("ocilayout serve", () => {
  it.live("makes a layout with the first push, which other commands read, and stops when it is told to", () =>
    Effect.gen(function*() {
      const layout = join(yield* temporaryDirectory, "images")
      const server = yield* serving([layout, "--listen", "0"])
      assert.isFalse(fs.existsSync(layout))
      assert.strictEqual((yield* answered(`${server.url}/readyz`)).status, 200)
      assert.strictEqual(yield* pushImage(server.url, "v1"), 201)
      assert.strictEqual((yield* ocl(["tags", `${layout}/app`])).out, "v1\n")
      const { commits } = yield* json(["history", layout])
      assert.deepInclude((commits as ReadonlyArray<object>)[0], { actor: "http:anonymous" })
      // What another process writes is there at once.
      yield* ocl(["tag", "set", `${layout}/app:v1`, "v2"])
      assert.strictEqual((yield* answered(`${server.url}/v2/app/manifests/v2`)).status, 200)
      const remove = (path: string) => answered(`${server.url}/v2/app/${path}`, { method: "DELETE" })
      assert.strictEqual((yield* remove(`blobs/${blob}`)).status, 405)
      assert.strictEqual((yield* remove("manifests/v2")).status, 202)
      server.kill("SIGTERM")
      assert.strictEqual(yield* server.exit, 0)
    }))

  it.live("serves a tree, and what was there at a point, or for reading alone", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const tree = yield* serving([join(root, "tree"), "--listen", "0", "--per-repository", "--durability", "none"])
      assert.strictEqual(yield* pushImage(tree.url, "v1"), 201)
      assert.isTrue(fs.existsSync(join(root, "tree", "app", "index.json")))
      const layout = join(root, "tree", "app")
      yield* ocl(["rm", `${layout}/app:v1`])
      for (const [args, status] of [[["--at", "1"], 200], [["--read-only"], 404]] as const) {
        const reading = yield* serving([layout, "--listen", "0", ...args])
        assert.include(reading.stderr(), "change nothing")
        assert.strictEqual((yield* answered(`${reading.url}/v2/app/manifests/v1`)).status, status)
        assert.strictEqual((yield* pushBlob(reading.url, bytes)).status, 405)
      }
    }))

  it.live("loses nothing that it has acknowledged when it is killed, and an upload goes on with the next server", () =>
    Effect.gen(function*() {
      const layout = join(yield* temporaryDirectory, "images")
      const first = yield* serving([layout, "--listen", "0"])
      const content = Buffer.alloc(300_000, "0123456789")
      const started = yield* answered(`${first.url}/v2/app/blobs/uploads/`, { method: "POST" })
      const location = started.headers.get("location") ?? ""
      const patch = (url: string, part: Uint8Array, from: number) =>
        answered(`${url}${location}`, {
          method: "PATCH",
          body: Buffer.from(part),
          headers: { "content-range": `${from}-${from + part.length - 1}` }
        })
      assert.strictEqual((yield* patch(first.url, content.subarray(0, 100_000), 0)).status, 202)
      assert.strictEqual(yield* pushImage(first.url, "v1"), 201)
      first.kill("SIGKILL")
      yield* first.exit
      const second = yield* serving([layout, "--listen", "0"])
      assert.strictEqual((yield* answered(`${second.url}/v2/app/manifests/v1`)).status, 200)
      const status = yield* answered(`${second.url}${location}`)
      assert.deepStrictEqual([status.status, status.headers.get("range")], [204, "0-99999"])
      assert.strictEqual((yield* patch(second.url, content.subarray(100_000), 100_000)).status, 202)
      const digest = digestOf(content)
      const done = yield* answered(`${second.url}${location}?digest=${digest}`, { method: "PUT" })
      assert.strictEqual(done.status, 201)
      const read = yield* answered(`${second.url}/v2/app/blobs/${digest}`)
      assert.isTrue(content.equals(Buffer.from(yield* Effect.promise(() => read.arrayBuffer()))))
      assert.strictEqual((yield* ocl(["verify", layout])).code, 0)
    }))

  it.live("lets in those who are in its files, and reads these again when it is told to", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const users = join(root, "users")
      fs.writeFileSync(users, `alice:${hashSync("wonderland", 4)}\n`)
      const server = yield* serving([join(root, "images")], { OCILAYOUT_LISTEN: "0", OCILAYOUT_HTPASSWD: users })
      const status = (user: string, password: string) =>
        Effect.map(answered(`${server.url}/v2/`, { headers: basic(user, password) }), ({ status }) => status)
      assert.deepStrictEqual([yield* status("alice", "wonderland"), yield* status("bob", "builder")], [200, 401])
      const reread = (text: string, said: RegExp) =>
        Effect.sync(() => {
          fs.writeFileSync(users, text)
          server.kill("SIGHUP")
        }).pipe(
          Effect.andThen(Effect.repeat(Effect.andThen(Effect.sleep("5 millis"), Effect.sync(server.stderr)), {
            until: (stderr) => said.test(stderr)
          }))
        )
      yield* reread("bob:builder\n", /nothing was changed: --htpasswd .* line 1/u)
      assert.strictEqual(yield* status("alice", "wonderland"), 200)
      yield* reread(`bob:${hashSync("builder", 4)}\n`, /were read again/u)
      assert.deepStrictEqual([yield* status("alice", "wonderland"), yield* status("bob", "builder")], [401, 200])
    }))

  it.live("speaks TLS, with another certificate when it is told to", ({ skip }) =>
    Effect.gen(function*() {
      if (spawnSync("openssl", ["version"]).status !== 0) return skip("there is no openssl")
      const root = yield* temporaryDirectory
      const [cert, key] = [join(root, "cert.pem"), join(root, "key.pem")]
      const make = (name: string) =>
        execFileSync(
          "openssl",
          `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=${name} -keyout ${key} -out ${cert}`
            .split(" "),
          { stdio: "ignore" }
        )
      make("first")
      const server = yield* serving([join(root, "images"), "--listen", "0", "--tls-cert", cert, "--tls-key", key])
      const { hostname, port, protocol } = new URL(server.url)
      assert.strictEqual(protocol, "https:")
      const subject = Effect.callback<string>((resume) => {
        const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
          resume(Effect.succeed(String(socket.getPeerCertificate().subject.CN)))
          socket.destroy()
        })
      })
      const status = Effect.callback<number | undefined>((resume) => {
        request(`${server.url}/v2/`, { rejectUnauthorized: false }, (response) => {
          response.resume()
          resume(Effect.succeed(response.statusCode))
        }).end()
      })
      assert.deepStrictEqual([yield* status, yield* subject], [200, "first"])
      make("second")
      server.kill("SIGHUP")
      yield* Effect.repeat(subject, { until: (name) => name === "second" })
      assert.strictEqual(yield* status, 200)
    }))

  it.live("is several processes on one port, which take each other's tickets, and replace one that ends", ({ skip }) =>
    Effect.gen(function*() {
      if (spawnSync("pgrep", ["-V"]).error !== undefined) return skip("there is no pgrep")
      const root = yield* temporaryDirectory
      const users = join(root, "users")
      fs.writeFileSync(users, `alice:${hashSync("wonderland", 4)}\n`)
      const args = ["--listen", "0", "--workers", "2", "--htpasswd", users, "--anonymous-pull"]
      const server = yield* serving([join(root, "images"), ...args])
      const workers = Effect.sync(() =>
        String(spawnSync("pgrep", ["-P", String(server.pid)]).stdout).split("\n").filter((line) => line !== "").map(
          Number
        )
      )
      const both = Effect.repeat(Effect.tap(workers, () => Effect.sleep("20 millis")), {
        until: (workers) => workers.length === 2
      })
      const [first = 0] = yield* both
      const ticket = yield* Effect.promise(async () => {
        const response = await fetch(`${server.url}/token`, { headers: basic("alice", "wonderland") })
        const { token } = await response.json() as { readonly token: string }
        return { authorization: `Bearer ${token}` }
      })
      /** On a connection of its own, so that it may be any of them. */
      const asked = (headers: Record<string, string>) =>
        Effect.callback<number | undefined>((resume) => {
          get(`${server.url}/v2/`, { agent: false, headers }, (response) => {
            response.resume()
            resume(Effect.succeed(response.statusCode))
          }).on("error", () => resume(Effect.succeed(undefined)))
        })
      for (let time = 0; time < 8; time++) assert.strictEqual(yield* asked(ticket), 200)
      assert.strictEqual(yield* asked({}), 401)
      process.kill(first, "SIGKILL")
      const now = yield* Effect.repeat(both, { until: (workers) => !workers.includes(first) })
      assert.strictEqual(yield* asked(ticket), 200)
      assert.strictEqual(server.stderr().split("ocilayout serves").length, 2)
      server.kill("SIGTERM")
      assert.strictEqual(yield* server.exit, 0)
      for (const worker of now) assert.throws(() => process.kill(worker, 0))
    }))

  it.live("says what is wrong before it begins", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      fs.writeFileSync(join(root, "file"), "no certificate")
      fs.mkdirSync(join(root, "other"))
      fs.writeFileSync(join(root, "other", "letter.txt"), "dear")
      const file = join(root, "file")
      const fresh = join(root, "new")
      const taken = yield* serving([fresh, "--listen", "0"])
      const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, number, RegExp]> = [
        [[fresh, "--listen", "0.0.0.0:0"], 2, /can be reached from elsewhere/u],
        [[fresh, "--listen", new URL(taken.url).host], 2, /cannot listen on .*EADDRINUSE/u],
        [[fresh, "--listen", "0", "--tls-cert", file, "--tls-key", file], 2, /certificate and key cannot be used/u],
        [[fresh, "--listen", "0", "--read-only"], 3, /no image layout/u],
        [[fresh, "--listen", "0", "--at", "yesterday"], 2, /not a point in history/u],
        [[join(root, "other"), "--listen", "0"], 3, /no image layout/u],
        [[fresh, "--listen", "0", "--default-repository", "Bad"], 2, /a repository name/u],
        [[fresh, "--listen", "0", "--workers", "0"], 2, /0 is not between 1 and 64/u],
        [[fresh, "--listen", "0", "--workers", "2", "--read-only"], 3, /no image layout/u]
      ]
      for (const [args, code, said] of wrong) {
        const [ended, stderr] = yield* Effect.flip(serving(args))
        assert.strictEqual(ended, code, args.join(" "))
        assert.match(stderr, said)
      }
      assert.isFalse(fs.existsSync(fresh))
    }))
})
