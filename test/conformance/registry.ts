/**
 * Holds the registry over HTTP to the distribution-spec's own conformance suite, with every switch of it on, over each
 * store there is: `npm run conformance`; with `--update` the totals go into `docs/conformance.md`. `-- bucket` runs only the
 * stores whose name has that word.
 *
 * The suite is built once by Go. Where Go is not, or cannot build it, the run is skipped, and says so; `test/http` runs
 * everywhere.
 */
import { hashSync } from "bcryptjs"
import { Effect } from "effect"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { serveRegistry } from "../../src/http/index.ts"
import { makeMemory, makeMemoryTree } from "../../src/memory/index.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import { Registry } from "../../src/ops/api/Registry.ts"
import { twoOnBucket } from "./bucket.ts"

const version = "v0.0.0-20260831232431-97274622c111"
const suite = "github.com/opencontainers/distribution-spec/conformance"
const versions = ["1.1", "dev"]

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const cache = here(`../../node_modules/.cache/conformance-${version}`)
const page = here("../../docs/conformance.md")

/** What the development version has, and what is off by default, is on in every run. */
const switches = {
  OCI_API_BLOBS_DIGEST_HEADER: "true",
  OCI_API_BLOBS_UPLOAD_CANCEL: "true",
  OCI_API_MANIFESTS_DIGEST_HEADER: "true",
  OCI_API_MANIFESTS_TAG_PARAM: "true",
  OCI_DATA_SPARSE: "true"
}

const password = "password-of-the-conformance-run"

interface Server {
  /** `host:port` */
  readonly address: string
  readonly environment: Readonly<Record<string, string>>
  readonly stop: () => void | Promise<void>
}

/** The suite, once it is there. */
const built = (): { readonly binary: string } | { readonly missing: string } => {
  const binary = join(cache, "conformance")
  if (existsSync(binary)) return { binary }
  const { error, status, stderr } = spawnSync("go", ["install", `${suite}@${version}`], {
    env: { ...process.env, GOBIN: cache },
    encoding: "utf8",
    timeout: 300_000
  })
  if (error !== undefined) return { missing: `go cannot be run: ${error.message}` }
  return status === 0 ? { binary } : { missing: `go cannot build it: ${stderr.trim().split("\n").at(-1) ?? ""}` }
}

/** `ocilayout serve` on a free port. */
const command = (
  folder: string,
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {}
): Promise<Server> => serve(join(folder, "layout"), args, environment, {})

/** @param surroundings variables of the server; those of the suite are `environment` */
const serve = async (
  layout: string,
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>>,
  surroundings: Readonly<Record<string, string>>
): Promise<Server> => {
  const server = spawn(
    process.execPath,
    [here("../../src/main.ts"), "serve", layout, "--listen", "0", "--allow-delete", "--sparse", ...args],
    { stdio: ["ignore", "inherit", "pipe"], env: { ...process.env, ...surroundings } }
  )
  let said = ""
  for await (const chunk of server.stderr) {
    said += String(chunk)
    const url = / at (https?:\S+)\n/u.exec(said)?.[1]
    if (url !== undefined) {
      return { address: new URL(url).host, environment, stop: () => void server.kill() }
    }
  }
  throw new Error(`the server did not start: ${said}`)
}

/** Two servers that are asked in turn; nothing without a gateway. */
const bucket = async (folder: string): Promise<Server | undefined> => {
  const found = await twoOnBucket(folder, (place, surroundings) => serve(place, ["--workers", "1"], {}, surroundings))
  return found === undefined ? undefined : { ...found, environment: {} }
}

/** In this process, since nothing of it is to outlive the run. */
const memory = (make: Effect.Effect<LayoutRegistry>): Promise<Server> =>
  new Promise((resolve, reject) => {
    const offers = { push: true, delete: true, deleteBlobs: true }
    const options = {
      host: "127.0.0.1",
      port: 0,
      credentials: undefined,
      anonymousPull: false,
      sparse: true,
      metrics: false,
      offers
    }
    const stopping = new AbortController()
    const running = Effect.runPromise(
      Effect.scoped(Effect.gen(function*() {
        const { url } = yield* Effect.provideService(serveRegistry(options), Registry, yield* make)
        const stop = async () => {
          stopping.abort()
          await running.catch(() => undefined)
        }
        resolve({ address: new URL(url).host, environment: {}, stop })
        return yield* Effect.never
      })),
      { signal: stopping.signal }
    )
    running.catch(reject)
  })

/** With TLS, users and passwords; nothing without openssl. */
const guarded = (more: ReadonlyArray<string>) => (folder: string): Promise<Server> | undefined => {
  if (spawnSync("openssl", ["version"]).status !== 0) return undefined
  const [cert, key, users] = ["cert.pem", "key.pem", "users"].map((name) => join(folder, name))
  const subject = [
    "-subj",
    "/CN=localhost",
    "-addext",
    "subjectAltName=IP:127.0.0.1",
    "-keyout",
    String(key),
    "-out",
    String(cert)
  ]
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject], {
    stdio: "ignore"
  })
  writeFileSync(String(users), `conformance:${hashSync(password, 10)}\n`)
  const args = ["--tls-cert", String(cert), "--tls-key", String(key), "--htpasswd", String(users), ...more]
  return command(folder, args, {
    OCI_TLS: "enabled",
    SSL_CERT_FILE: String(cert),
    OCI_USERNAME: "conformance",
    OCI_PASSWORD: password
  })
}

const stores: ReadonlyArray<readonly [string, (folder: string) => Promise<Server | undefined> | undefined]> = [
  ["a layout", (folder) => command(folder, [])],
  ["a tree of layouts", (folder) => command(folder, ["--per-repository"])],
  ["a layout, with TLS and passwords", guarded([])],
  ["a layout, with TLS, passwords and anonymous pulls", guarded(["--anonymous-pull"])],
  ["a bucket, two servers in turn", bucket],
  ["memory", () => memory(Effect.orDie(makeMemory()))],
  ["memory, one layout per repository", () => memory(makeMemoryTree)]
]

/** Of what a run that failed has said. */
const shownLines = 40

interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Counts a run's tests; what ended in an error has failed, and what was switched off was skipped. */
const run = async (binary: string, folder: string, server: Server, version: string): Promise<Totals> => {
  const child = spawn(binary, {
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"],
    env: {
      ...process.env,
      OCI_TLS: "disabled",
      ...switches,
      ...server.environment,
      OCI_REGISTRY: server.address,
      OCI_VERSION: version,
      OCI_RESULTS_DIR: join(folder, "results")
    }
  })
  const [output] = await Promise.all([text(child.stdout), once(child, "close")])
  const count = (status: string): number => {
    const found = new RegExp(`^ +${status}\\.+: +(\\d+)$`, "mu").exec(output)?.[1]
    if (found === undefined) throw new Error(`the suite said nothing of ${status}:\n${output}`)
    return Number(found)
  }
  const failed = count("FAIL") + count("Error")
  if (failed > 0) console.log(output.split("\n").slice(0, shownLines).join("\n"))
  return { passed: count("Pass"), failed, skipped: count("Skip") + count("Disabled") }
}

const rows: Array<string> = []
const word = process.argv.slice(2).find((argument) => !argument.startsWith("--")) ?? ""

const suiteThere = built()
if ("missing" in suiteThere) {
  console.log(`SKIPPED: ${suiteThere.missing}`)
} else {
  for (const [store, start] of stores.filter(([store]) => store.includes(word))) {
    for (const version of versions) {
      const folder = mkdtempSync(join(tmpdir(), "ocilayout-conformance-"))
      const server = await start(folder)
      if (server === undefined) {
        console.log(`SKIPPED: ${store}, ${version}: there is no openssl, or no versitygw`)
        rmSync(folder, { recursive: true, force: true })
        continue
      }
      try {
        const { failed, passed, skipped } = await run(suiteThere.binary, folder, server, version)
        if (failed > 0 || passed === 0 || skipped > 0) process.exitCode = 1
        console.log(`${store}, ${version}: ${passed} passed, ${failed} failed, ${skipped} skipped`)
        rows.push(`| ${store} | ${version} | ${passed} | ${failed} | ${skipped} |`)
      } finally {
        await server.stop()
        rmSync(folder, { recursive: true, force: true })
      }
    }
  }
  if (process.argv.includes("--update") && word === "") {
    const table = ["| Store | Version | Passed | Failed | Skipped |", "| --- | --- | --- | --- | --- |", ...rows].join(
      "\n"
    )
    writeFileSync(page, readFileSync(page, "utf8").replace(/\| Store \|(?:.*\|\n)+/u, () => `${table}\n`))
  }
}
