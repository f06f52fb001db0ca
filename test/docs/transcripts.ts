/** Pages whose console blocks are run, and written again with what is printed now. */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { mainPath } from "../cli/support/server.ts"

const block = /```console\n(.*?)```/gsu

/** A command with its further lines, which a shell would ask for with `>`. */
const commandsIn = (text: string): ReadonlyArray<string> => {
  const commands: Array<string> = []
  for (const line of text.split("\n")) {
    if (line.startsWith("$ ")) commands.push(line.slice(2))
    else if (line.startsWith("> ") && commands.length > 0) commands.push(`${commands.pop() ?? ""}\n${line.slice(2)}`)
  }
  return commands
}

/** Random ids, each replaced by one that says only which of them it is. */
export const withSteadyIds = (text: string): string => {
  const ids = new Map<string, string>()
  return text.replaceAll(/(?<![0-9a-f:/])[0-9a-f]{32}(?![0-9a-f])/gu, (id) => {
    const known = ids.get(id) ?? `${ids.size + 1}`.padStart(2, "0").repeat(16)
    ids.set(id, known)
    return known
  })
}

/** What differs from run to run is replaced by something that does not. */
const steady = (root: string, text: string): string =>
  withSteadyIds(
    text
      .replaceAll(root, "/home/ada")
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/gu, "2026-11-25T20:15:00.000Z")
      .replaceAll(/cli:\w+/gu, "cli:ada")
  )

export const hasShell = (): boolean => {
  const found = spawnSync("bash", ["-c", "sha256sum --version"])
  return found.status === 0
}

export interface Surroundings {
  /** Puts into the directory what the page starts with. */
  readonly prepare?: (directory: string) => void
  readonly environment?: Readonly<Record<string, string>>
}

/** The page with the answers that its commands give, one after the other in one shell and one directory. */
export const rerun = (page: string, { environment, prepare }: Surroundings = {}): string => {
  const root = mkdtempSync(join(tmpdir(), "ocilayout-docs-"))
  try {
    mkdirSync(join(root, "work"))
    prepare?.(join(root, "work"))
    mkdirSync(join(root, "bin"))
    writeFileSync(join(root, "bin/ocilayout"), `#!/bin/sh\nexec "${process.execPath}" "${mainPath}" "$@"\n`, {
      mode: 0o755
    })
    const commands = Array.from(page.matchAll(block), ([, text = ""]) => commandsIn(text)).flat()
    const mark = "\u0001"
    const script = commands.map((command) =>
      `${command}\nocilayout_status=$?; printf '${mark}'; (exit $ocilayout_status)`
    )
    const printed = execFileSync("bash", ["-c", `exec 2>&1\n${script.join("\n")}`], {
      cwd: join(root, "work"),
      env: {
        ...process.env,
        PATH: `${join(root, "bin")}:${process.env["PATH"] ?? ""}`,
        NO_COLOR: "1",
        OCILAYOUT_LAYOUT: undefined,
        ...environment
      },
      encoding: "utf8"
    })
    const answers = steady(join(root, "work"), printed).split(mark)
    let at = 0
    return page.replaceAll(block, (_, text: string) => {
      const lines = commandsIn(text).map((command) => {
        const answer = answers[at++] ?? ""
        const shown = `$ ${command.split("\n").join("\n> ")}\n`
        return answer === "" || answer.endsWith("\n") ? shown + answer : `${shown}${answer}\n`
      })
      return `\`\`\`console\n${lines.join("")}\`\`\``
    })
  } finally {
    rmSync(root, { recursive: true })
  }
}
