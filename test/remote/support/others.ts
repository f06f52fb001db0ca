/** Other registries, where they are installed. */
import { Effect, type Scope } from "effect"
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { homedir, tmpdir } from "node:os"
import { join } from "node:path"
import { freePort } from "../../support/freePort.ts"

/** Where a tool is; nothing where it is not installed. */
export const toolPath = (name: string): string | undefined =>
  [name, join(homedir(), "go/bin", name)].find((path) => spawnSync(path, ["--version"]).error === undefined)

const configuration = (folder: string, port: number): string =>
  [
    "version: 0.1",
    "log: { level: error, accesslog: { disabled: true } }",
    `storage: { filesystem: { rootdirectory: ${join(folder, "data")} }, delete: { enabled: true } }`,
    `http: { addr: "127.0.0.1:${port}" }`
  ].join("\n")

const commands: Readonly<Record<string, (folder: string, port: number) => ReadonlyArray<string>>> = {
  "docker-registry": (folder, port) => {
    writeFileSync(join(folder, "config.yml"), configuration(folder, port))
    return ["serve", join(folder, "config.yml")]
  },
  crane: (folder, port) => ["registry", "serve", "--address", `127.0.0.1:${port}`, "--disk", folder]
}

/** A registry of another maker on a free port; it ends with the scope. */
export const otherRegistry = (
  name: string,
  path: string
): Effect.Effect<{ readonly url: string }, never, Scope.Scope> =>
  Effect.gen(function*() {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "ocilayout-registry-"))),
      (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
    )
    const port = yield* Effect.promise(freePort)
    yield* Effect.acquireRelease(
      Effect.sync(() => spawn(path, commands[name]?.(folder, port) ?? [], { stdio: "ignore" })),
      (child) =>
        Effect.promise(() =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null) return resolve()
            child.once("exit", () => resolve())
            child.kill("SIGKILL")
          })
        )
    )
    const url = `http://127.0.0.1:${port}`
    yield* Effect.tryPromise(() => fetch(`${url}/v2/`)).pipe(
      Effect.tapError(() => Effect.sleep("50 millis")),
      Effect.eventually
    )
    return { url }
  })
