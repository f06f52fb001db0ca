import { assert, describe, it } from "@effect/vitest"
import { hashSync } from "bcryptjs"
import { Effect, type Scope } from "effect"
import * as fs from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { temporaryDirectory } from "../support/server.ts"
import { answered, basic, pushImage, serving } from "./support/serving.ts"

interface Received {
  readonly path: string | undefined
  readonly text: string
}

/** Takes whatever it is sent. */
const receiver: Effect.Effect<
  { readonly url: string; readonly received: Array<Received> },
  never,
  Scope.Scope
> = Effect.acquireRelease(
  Effect.promise(() =>
    new Promise<{ readonly url: string; readonly received: Array<Received>; readonly close: () => void }>((resolve) => {
      const received: Array<Received> = []
      const server = createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          received.push({ path: request.url, text: Buffer.concat(chunks).toString("latin1") })
          response.writeHead(200, { "content-type": "application/json" }).end("{}")
        })
      }).listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = address !== null && typeof address === "object" ? address.port : 0
        resolve({ url: `http://127.0.0.1:${port}`, received, close: () => server.close().closeAllConnections() })
      })
    })
  ),
  ({ close }) => Effect.sync(close)
)

const until = (holds: () => boolean) => Effect.repeat(Effect.sleep("20 millis"), { until: holds })

const alice = basic("alice", "wonderland")

describe("ocilayout serve of several workers", () => {
  it.live("logs, counts, traces, tells and collects as one server", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const layout = join(root, "images")
      const users = join(root, "users")
      fs.writeFileSync(users, `alice:${hashSync("wonderland", 4)}\n`)
      const { received, url } = yield* receiver
      const server = yield* serving(
        [layout, "--listen", "0", "--htpasswd", users, "--metrics", "--log", "json", "--durability", "none"].concat(
          ["--notify", `${url}/hook`, "--gc", "* * * * * *", "--undo-days", "0"]
        ),
        {
          OCILAYOUT_WORKERS: "2",
          OTEL_EXPORTER_OTLP_ENDPOINT: url,
          OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
          OTEL_BSP_SCHEDULE_DELAY: "50"
        }
      )
      for (const tag of ["v1", "v2", "v3"]) assert.strictEqual(yield* pushImage(server.url, tag, alice), 201)
      assert.strictEqual(
        (yield* answered(`${server.url}/v2/?key=hidden`, { headers: basic("alice", "guess") })).status,
        401
      )
      const started = yield* answered(`${server.url}/v2/app/blobs/uploads/`, { method: "POST", headers: alice })
      const id = started.headers.get("docker-upload-uuid") ?? ""
      const old = Date.now() / 1000 - 2 * 86_400
      const folder = join(layout, ".ocilayout", "uploads", id)
      for (const name of fs.readdirSync(folder)) fs.utimesSync(join(folder, name), old, old)
      fs.utimesSync(folder, old, old)
      const told = () => received.filter(({ path }) => path === "/hook").map(({ text }) => text)
      yield* until(() => told().some((text) => text.includes("\"v3\"")))
      yield* until(() => !fs.existsSync(folder))
      const revisions = told().map((text) => (JSON.parse(text) as { data: { revision: number } }).data.revision)
      assert.deepStrictEqual(revisions, revisions.map((_, at) => at + 1))

      const metrics = yield* Effect.promise(() =>
        fetch(`${server.url}/metrics`, { headers: alice }).then((r) => r.text())
      )
      const value = (series: string) =>
        Number(metrics.split("\n").find((line) => line.startsWith(`${series} `))?.slice(series.length + 1))
      const pushes = "ocilayout_http_requests_total{method=\"PUT\",route=\"manifest\",status=\"201\"}"
      assert.strictEqual(value(pushes), 3)
      assert.isAtLeast(value("ocilayout_commits_total"), 3)
      // A push and a collection that come together are one group, which takes the lock once.
      assert.isAtLeast(value("ocilayout_lock_wait_seconds_count"), 1)
      assert.isAtLeast(value("ocilayout_gc_runs_total{result=\"done\"}"), 1)
      assert.isAtLeast(value("ocilayout_gc_removed_total"), 1)
      assert.strictEqual(value("ocilayout_uploads_total{event=\"started\"}"), 7)
      assert.strictEqual(value("ocilayout_uploads_total{event=\"finished\"}"), 6)
      assert.isAbove(value("ocilayout_http_received_bytes_total"), 1000)
      assert.isAbove(value("ocilayout_http_sent_bytes_total"), 1000)

      const lines = server.stdout().trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>)
      const push = lines.find(({ method, path }) => method === "PUT" && path === "/v2/app/manifests/v1")
      assert.deepInclude(push, { user: "alice", status: 201, address: "127.0.0.1" })
      assert.isAbove(push?.["bytes_in"] as number, 300)
      const refused = lines.find(({ status }) => status === 401)
      assert.deepInclude(refused, { path: "/v2/", user: null })

      const traces = () => received.filter(({ path }) => path === "/v1/traces").map(({ text }) => text).join("\n")
      yield* until(() => traces().includes("Registry.pushManifest"))
      const secret = Buffer.from("alice:wonderland").toString("base64")
      for (const text of [traces(), server.stdout(), server.stderr(), told().join("\n")]) {
        for (const word of ["wonderland", "guess", secret]) assert.notInclude(text, word)
      }
      assert.notInclude(server.stdout(), "hidden")
    }), 60_000)
})

describe("flags of ocilayout serve", () => {
  it.live("are also variables, of the environment and of a file, the nearest first", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const layout = join(root, "images")
      const file = join(root, "serve.env")
      fs.writeFileSync(
        file,
        "# ours\nOCILAYOUT_LISTEN=127.0.0.1:1\nOCILAYOUT_MAX_PAGE=1\nOCILAYOUT_METRICS=true\nOCILAYOUT_LOG=json\n"
      )
      const server = yield* serving([layout, "--config", file, "--log", "text"], { OCILAYOUT_LISTEN: "0" })
      for (const tag of ["v1", "v2"]) assert.strictEqual(yield* pushImage(server.url, tag), 201)
      const tags = yield* answered(`${server.url}/v2/app/tags/list`)
      assert.include(tags.headers.get("link"), "last=v1")
      assert.strictEqual((yield* answered(`${server.url}/metrics`)).status, 200)
      yield* until(() => server.stdout().includes("/metrics"))
      assert.match(
        server.stdout(),
        /^\S+Z 127\.0\.0\.1 "anonymous" "PUT \/v2\/app\/manifests\/v1" 201 in=\d+ out=\d+ [\d.]+ms ".*"$/mu
      )
      const wrong: ReadonlyArray<readonly [string, RegExp]> = [
        ["OCILAYOUT_READONLY=true\n", /line 1 sets OCILAYOUT_READONLY, which is no variable of a flag/u],
        ["listen: 5000\n", /line 1 is no VARIABLE=VALUE/u],
        ["OCILAYOUT_MAX_PAGE=0\n", /max-page.*0 is less than 1/u],
        ["OCILAYOUT_METRICS=maybe\n", /metrics/u]
      ]
      for (const [text, said] of wrong) {
        fs.writeFileSync(file, text)
        const [code, stderr] = yield* Effect.flip(serving([layout, "--config", file, "--listen", "0"]))
        assert.strictEqual(code, 2, text)
        assert.match(stderr, said)
      }
      const [code, stderr] = yield* Effect.flip(serving([layout, "--config", join(root, "missing")]))
      assert.deepStrictEqual([code, /--config .*missing cannot be used: ENOENT/u.test(stderr)], [2, true])
    }), 60_000)
})
