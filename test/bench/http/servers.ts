/** Registries on this machine, each over a folder of its own, as their users start them. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { freePort } from "../../support/freePort.ts"

export interface Contender {
  readonly name: string
  /** Whether what it was given is still there when it starts again. */
  readonly keeps: boolean
  readonly command: (folder: string, port: number) => readonly [program: string, ...args: Array<string>]
}

export interface Running {
  readonly name: string
  readonly keeps: boolean
  readonly port: number
  /** From the start of the process to its first answer. */
  readonly startMillis: number
  /** Resident memory of the process and those it has started, in MiB; what it was at most, where Linux tells. */
  readonly memory: () => { readonly now: number; readonly most: number }
  readonly stop: () => Promise<void>
}

const built = fileURLToPath(new URL("../../../dist/bin/ocilayout.js", import.meta.url))

const ours = (...args: ReadonlyArray<string>): Contender => ({
  name: `ocilayout ${args.join(" ")}`.replaceAll("--", "").trim(),
  keeps: true,
  command: (
    folder,
    port
  ) => [process.execPath, built, "serve", join(folder, "layout"), "--listen", String(port), ...args]
})

/** Where Go installs programs, and where the system has them. */
export const found = (program: string): string | undefined =>
  [join(homedir(), "go/bin", program), program].find((path) =>
    path.includes("/") ? existsSync(path) : spawnSync(path, ["--version"]).error === undefined
  )

/**
 * Both generations of the same registry take this.
 *
 * @param storage the lines of its config below `storage`, for the folder that it is started in
 */
export const withConfig =
  (program: string, storage: (folder: string) => string): Contender["command"] => (folder, port) => {
    const config = join(folder, "config.yml")
    writeFileSync(
      config,
      `version: 0.1
log:
  level: error
  accesslog:
    disabled: true
storage:
${storage(folder)}
http:
  addr: 127.0.0.1:${port}
`
    )
    return [program, "serve", config]
  }

const onDisk = (folder: string): string =>
  `  filesystem:
    rootdirectory: ${join(folder, "storage")}
  delete:
    enabled: true`

/**
 * Those that are here, and the names of those that are not.
 *
 * @param peer the Go package's own server over its layout, if it could be built
 */
export const contenders = (
  peer: string | undefined
): { readonly here: ReadonlyArray<Contender>; readonly missing: ReadonlyArray<string> } => {
  const here = [
    ours("--workers", "1"),
    ours("--workers", "2"),
    ours("--workers", "1", "--durability", "none")
  ]
  const missing: Array<string> = []
  const add = (
    name: string,
    program: string,
    keeps: boolean,
    command: (path: string) => Contender["command"]
  ): void => {
    const path = found(program)
    if (path === undefined) missing.push(name)
    else here.push({ name, keeps, command: command(path) })
  }
  add("docker-registry (Debian)", "docker-registry", true, (path) => withConfig(path, onDisk))
  add("distribution v3", "registry", true, (path) => withConfig(path, onDisk))
  add("crane registry serve", "crane", false, (path) => (_, port) => [
    path,
    "registry",
    "serve",
    "--address",
    `127.0.0.1:${port}`
  ])
  const goServer = "the Go module's server over its layout"
  if (peer === undefined) missing.push(goServer)
  else {
    here.push({
      name: goServer,
      keeps: true,
      command: (folder, port) => [peer, "serve", join(folder, "layout"), `127.0.0.1:${port}`]
    })
  }
  return { here, missing }
}

const answers = async (port: number): Promise<boolean> => {
  try {
    return (await fetch(`http://127.0.0.1:${port}/v2/`)).status === 200
  } catch {
    return false
  }
}

const statusOf = (pid: number, field: string): number => {
  try {
    const text = readFileSync(`/proc/${pid}/status`, "utf8")
    return Number(new RegExp(`^${field}:\\s+(\\d+)`, "mu").exec(text)?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

const family = (pid: number): ReadonlyArray<number> => {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number)
    return [pid, ...children]
  } catch {
    return [pid]
  }
}

export const start = async ({ command, keeps, name }: Contender, folder: string): Promise<Running> => {
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const [program, ...args] = command(folder, port)
  const began = performance.now()
  const child: ChildProcess = spawn(program, args, { stdio: "ignore" })
  const gone = once(child, "exit")
  while (!await answers(port)) {
    if (child.exitCode !== null) throw new Error(`${name} did not start`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const startMillis = performance.now() - began
  const sum = (field: string) => family(child.pid ?? 0).reduce((total, pid) => total + statusOf(pid, field), 0)
  return {
    name,
    keeps,
    port,
    startMillis,
    memory: () => ({ now: sum("VmRSS"), most: sum("VmHWM") }),
    stop: async () => {
      child.kill("SIGTERM")
      await gone
    }
  }
}
