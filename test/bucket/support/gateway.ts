/**
 * An S3 gateway over a folder, started for a test; tests that need it are skipped where it is not installed. With the variable
 * `OCILAYOUT_S3`, the URL of another store that takes the keys below, they use that one; then one file of them at a time.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Redacted, type Scope } from "effect"
import type { HttpClient } from "effect/http/HttpClient"
import { execFileSync, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { homedir, tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import type { ObjectStore } from "../../../src/bucket/store/ObjectStore.ts"
import { makeS3Store } from "../../../src/bucket/store/s3Store.ts"
import { sign } from "../../../src/bucket/store/sign.ts"

const works = (command: string): boolean => {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/** The command, where there is one; `go install github.com/versity/versitygw/cmd/versitygw@v1.8.0` installs it. */
export const gatewayCommand = process.env["OCILAYOUT_S3"] ??
  ["versitygw", join(homedir(), "go", "bin", "versitygw")].find(works)

export const gatewayKeys = { accessKeyId: "test", secretAccessKey: "testtest" }
/** The same, as requests are signed with them. */
const signing = { ...gatewayKeys, secretAccessKey: Redacted.make(gatewayKeys.secretAccessKey) }
export const bucketName = "layouts"

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

export interface Gateway {
  readonly endpoint: string
  /** The folder that has the bucket's objects. */
  readonly folder: string
  readonly storeAt: (prefix: string) => Effect.Effect<ObjectStore, never, HttpClient>
}

/** The store of the variable, with an empty bucket. */
const anotherStore = Effect.fnUntraced(function*(endpoint: string): Effect.fn.Return<Gateway, never, Scope.Scope> {
  const url = new URL(`/${bucketName}`, endpoint)
  const unsigned = { method: "PUT", url, headers: {}, body: new Uint8Array(), date: Date.now() }
  yield* Effect.promise(() => fetch(url, { method: "PUT", headers: sign(unsigned, signing, "us-east-1") }))
  const { storeAt } = reached(endpoint)
  const empty = withClient(Effect.gen(function*() {
    const store = yield* storeAt("")
    for (const { key } of (yield* store.list("")).value) yield* store.remove(key)
  }))
  yield* Effect.orDie(empty)
  return { endpoint, folder: "", storeAt }
})

const reached = (endpoint: string): Pick<Gateway, "storeAt"> => ({
  storeAt: (prefix) =>
    makeS3Store({ bucket: bucketName, prefix, region: "us-east-1", endpoint, keys: Effect.succeed(signing) })
})

const another = process.env["OCILAYOUT_S3"]

export const startGateway: Effect.Effect<Gateway, never, Scope.Scope> = Effect.gen(function*() {
  if (another !== undefined) return yield* anotherStore(another)
  const root = mkdtempSync(join(tmpdir(), "gateway-"))
  const folder = join(root, bucketName)
  mkdirSync(folder)
  const port = yield* Effect.promise(freePort)
  const child = spawn(gatewayCommand ?? "versitygw", ["--quiet", "--port", `127.0.0.1:${port}`, "posix", root], {
    env: { ...process.env, ROOT_ACCESS_KEY: gatewayKeys.accessKeyId, ROOT_SECRET_KEY: gatewayKeys.secretAccessKey },
    stdio: "ignore"
  })
  yield* Effect.addFinalizer(() =>
    Effect.promise(async () => {
      const over = new Promise((resolve) => child.once("exit", resolve))
      child.kill()
      await over
      rmSync(root, { recursive: true, force: true })
    })
  )
  const endpoint = `http://127.0.0.1:${port}`
  const { storeAt } = reached(endpoint)
  const isUp = Effect.flatMap(storeAt(""), (store) => store.head("nothing"))
  yield* withClient(Effect.orDie(Effect.retry(isUp, { times: 20 })))
  return { endpoint, folder, storeAt }
})

export const withClient = <A, E, R>(effect: Effect.Effect<A, E, R | HttpClient>) =>
  Effect.provide(effect, NodeHttpClient.layerUndici)
