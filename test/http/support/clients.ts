/** Clients that people use, run against a server of the test's own, each where it is installed. */
import { assert, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { execFile, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import type { ServeOptions } from "../../../src/http/index.ts"
import { makeDisk } from "../../../src/node/index.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { fixturePath, temporaryFolder } from "../../support/folders.ts"
import { send, type Served, serving } from "./serving.ts"

/** How each says that it is there and can work at all. */
const probes: Readonly<Record<string, ReadonlyArray<string>>> = {
  skopeo: ["--version"],
  crane: ["version"],
  oras: ["version"],
  regctl: ["version"],
  podman: ["info"],
  buildah: ["--version"],
  helm: ["version"],
  cosign: ["version"],
  notation: ["version"]
}

const missing = (tool: string): string | undefined => {
  const { error, status } = spawnSync(tool, probes[tool] ?? [], { timeout: 30_000 })
  if (error !== undefined) return `${tool} is not installed`
  return status === 0 ? undefined : `${tool} does not run here`
}

/** An index of two platforms, as skopeo wrote it, under the tag `multi`. */
export const images = fixturePath("skopeo-copy-all")
export const indexDigest = "sha256:181e830771be36323334a6fe802833bc0c38d4865a11be90f66f01eda8835c3e"

export interface Bench extends Served {
  readonly host: string
  /** Where clients keep what they keep. */
  readonly home: string
  /** What the client prints; a defect with what it said where it failed. */
  readonly run: (tool: string, ...args: ReadonlyArray<string>) => Effect.Effect<string>
}

export const bench = (
  options: Partial<ServeOptions> = {},
  environment: Readonly<Record<string, string>> = {}
): Effect.Effect<Bench, never, Scope.Scope> =>
  Effect.gen(function*() {
    const home = yield* temporaryFolder
    // Podman wants the file that it is told of to be there.
    fs.writeFileSync(join(home, "config.json"), "{}")
    const registry: LayoutRegistry = yield* Effect.orDie(
      makeDisk({ directory: join(home, "layout"), durability: "none" })
    )
    const served = yield* serving(registry, options)
    const env = { PATH: process.env["PATH"], HOME: home, DOCKER_CONFIG: home, TMPDIR: home, ...environment }
    const run: Bench["run"] = (tool, ...args) =>
      Effect.callback((resume) => {
        execFile(tool, args, { cwd: home, env, timeout: 600_000 }, (error, stdout, stderr) =>
          resume(
            error === null
              ? Effect.succeed(stdout)
              : Effect.die(new Error(`${tool} ${args.join(" ")}: ${stdout}${stderr}`))
          ))
      })
    return { ...served, host: `127.0.0.1:${served.port}`, home, run }
  })

export const digestAt = (served: Served, path: string) =>
  Effect.map(
    send(served, path, { method: "HEAD" }),
    ({ headers, status }) => status === 200 ? headers.get("docker-content-digest") : null
  )

/** What the registry has by this tag is what skopeo has put into the fixture. */
export const isThere = (served: Served, name: string, tag: string) =>
  Effect.map(
    digestAt(served, `/v2/${name}/manifests/${tag}`),
    (digest) => assert.strictEqual(digest, indexDigest)
  )

export const isGone = (served: Served, name: string, tag: string) =>
  Effect.map(digestAt(served, `/v2/${name}/manifests/${tag}`), (digest) => assert.isNull(digest))

/** A test where the client is. */
export const where = (
  tool: string,
  does: string,
  test: Effect.Effect<void, never, Scope.Scope>,
  beside?: string
) => {
  const why = missing(tool) ?? (beside === undefined ? undefined : missing(beside))
  it.live(
    why === undefined ? `${tool} ${does}` : `${tool} ${does} (skipped: ${why})`,
    ({ skip }) =>
      Effect.suspend(() => {
        skip(why !== undefined, why)
        return test
      })
  )
}
