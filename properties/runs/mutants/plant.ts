/** `npm run mutants`: plants one bug after another in a copy of the project, and lets the property find it. */
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { type Check, literally, type Mutant, plant } from "./Mutant.ts"
import { mutants } from "./mutants.ts"
import { sources } from "./sources.ts"

const tablePath = "properties/planted-bugs.md"

const usage = `npm run mutants -- [options] [names]
Plants each bug (or those named) in a copy of the project and runs the property that is said to catch it. Before that,
all of these properties have to hold without any bug.

  --shrink N    how many seconds a property may take to find the bug and the smallest way to show it (0: do not shrink)
  --markdown    writes the table ${tablePath} after each bug; those that are not run keep their rows
  --help        prints this

PROPERTY_RUNS and PROPERTY_SEED are what every property is run with; without them each bug has its own.`

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    shrink: { type: "string", default: "0" },
    markdown: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})

const project = fileURLToPath(new URL("../../..", import.meta.url))

/** A property that never ends is not caught, it is stuck. */
const patienceMillis = 10 * 60 * 1000

/** A copy of the project, for as long as `use` takes. */
const inCopy = <A>(use: (copy: string) => A): A => {
  const copy = mkdtempSync(join(tmpdir(), "ocilayout-mutant-"))
  try {
    for (const name of ["src", "properties", "test", "docs", "package.json", "tsconfig.json", "vitest.config.ts"]) {
      cpSync(join(project, name), join(copy, name), { recursive: true })
    }
    symlinkSync(join(project, "node_modules"), join(copy, "node_modules"))
    return use(copy)
  } finally {
    rmSync(copy, { recursive: true })
  }
}

interface Run {
  readonly passed: boolean
  readonly seconds: number
  /** What vitest printed. */
  readonly output: string
}

const run = (
  copy: string,
  properties: ReadonlyArray<Check>,
  { runs = 100, seed = 1 }: { readonly runs?: number | undefined; readonly seed?: number | undefined }
): Run => {
  const began = performance.now()
  const files = new Set(properties.map(({ file }) => file))
  // Where the name of a group ends, vitest puts an arrow.
  const pattern = (test: string): string => literally(test).replaceAll(" ", "(?: > | )")
  const tests = properties.map(({ test }) => pattern(test)).join("|")
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["node_modules/vitest/vitest.mjs", "run", ...files, "-t", tests],
    {
      cwd: copy,
      encoding: "utf8",
      maxBuffer: 2 ** 30,
      timeout: patienceMillis,
      killSignal: "SIGKILL",
      env: {
        PROPERTY_RUNS: String(runs),
        PROPERTY_SEED: String(seed),
        PROPERTY_SHRINK: values.shrink,
        ...process.env,
        NO_COLOR: "1",
        FORCE_COLOR: "0"
      }
    }
  )
  return { passed: status === 0, seconds: Math.round((performance.now() - began) / 1000), output: stdout + stderr }
}

/** Every property has to hold, and to be there. */
const control = (list: ReadonlyArray<Mutant>): void => {
  const all = new Map(list.map(({ caughtBy }) => [`${caughtBy.file} ${caughtBy.test}`, caughtBy]))
  for (const property of all.values()) {
    const { output, passed, seconds } = inCopy((copy) => run(copy, [property], {}))
    const ran = Number(/Tests +(\d+) passed/u.exec(output)?.[1] ?? 0)
    console.error(`${passed && ran === 1 ? "holds" : "FAILS"} ${seconds} s  ${property.file}: ${property.test}`)
    if (!passed || ran !== 1) throw new Error(`without any bug, ${ran} such tests passed:\n${output}`)
  }
}

/** Digests and long texts shortened, and what every step has left out. */
const readable = (text: string): string =>
  text.replaceAll(/(sha(?:256|512):[0-9a-f]{6})[0-9a-f]+/gu, "$1").replaceAll(/[^\s"]*\/ocilayout-\w+-\w+/gu, "…")
    .replaceAll(/\s+/gu, " ").replaceAll("\"", "")

const cut = (text: string, length: number): string => text.length > length ? `${text.slice(0, length - 1)}…` : text

/** What fast-check found, and what the assertion said about it; nothing if the run failed in another way. */
const counterexample = (output: string): string | undefined => {
  const found = /^Counterexample: (.*(?:\n(?!Shrunk|Hint|$).*)*)/mu.exec(output)?.[1]
  if (found === undefined) {
    // Some promises are held to without fast-check.
    if (!/^ +Tests +1 failed/mu.test(output)) return undefined
    const [, told = ""] = /^(?:Assertion)?Error: (.*)$/mu.exec(output) ?? /^ FAIL .*\n(.*)$/mu.exec(output) ?? []
    return cut(readable(told), 400)
  }
  if (!/Property failed/u.test(output)) return undefined
  const causes = Array.from(output.matchAll(/^Caused by: (.*)$/gmu), ([, cause = ""]) => cause)
  return `${cut(readable(causes.join("; ")), 160)} ⇐ ${cut(readable(found), 240)}`
}

interface Verdict {
  readonly verdict: string
  readonly essence: string
  readonly seconds: number
  /** The file that it was planted in. */
  readonly path: string
}

const verdictOf = (mutant: Mutant): Verdict =>
  inCopy((copy) => {
    const { path, text } = plant(sources(), mutant)
    writeFileSync(join(copy, path), text)
    const { output, passed, seconds } = run(copy, [mutant.caughtBy], mutant)
    const essence = counterexample(output)
    if (passed) return { verdict: "SURVIVED", essence: "", seconds, path }
    return essence === undefined
      ? { verdict: "BROKEN", essence: output, seconds, path }
      : { verdict: "caught", essence, seconds, path }
  })

const heading = `# Planted bugs

Written by \`npm run mutants -- --markdown\`; without the option it prints how each was found. A run of some bugs keeps
the rows of the others.

| planted bug | file | property | found |
| --- | --- | --- | --- |`

/** The row of each bug, by its name, as far as it was ever run. */
const rowsIn = (text: string): Map<string, string> =>
  new Map(Array.from(text.matchAll(/^\| \*\*(.+?)\*\*: .*$/gmu), ([row, name = ""]) => [name, row]))

const tableOf = (rows: ReadonlyMap<string, string>): string => {
  const rowOf = ({ breaks, caughtBy, name }: Mutant): string =>
    rows.get(name) ?? `| **${name}**: ${breaks} | | \`${caughtBy.file}\` | not run |`
  return `${[heading, ...mutants.map(rowOf)].join("\n")}\n`
}

const main = (): void => {
  for (const name of positionals) {
    if (!mutants.some((mutant) => mutant.name === name)) throw new Error(`there is no bug called ${name}`)
  }
  const list = mutants.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  control(list)
  let caught = 0
  const table = join(project, tablePath)
  const rows = rowsIn(existsSync(table) ? readFileSync(table, "utf8") : "")
  for (const mutant of list) {
    const { essence, path, seconds, verdict } = verdictOf(mutant)
    if (verdict === "caught") caught++
    const { breaks, caughtBy, name } = mutant
    console.log(`${verdict.padEnd(8)} ${String(seconds).padStart(3)} s  ${name}: ${essence}`)
    if (!values.markdown) continue
    const found = verdict === "caught" ? "yes" : "**no**"
    rows.set(name, `| ${[`**${name}**: ${breaks}`, `\`${path}\``, `\`${caughtBy.file}\``, found].join(" | ")} |`)
    writeFileSync(table, tableOf(rows))
  }
  console.error(`${caught} of ${list.length} planted bugs caught`)
  if (caught < list.length) process.exitCode = 1
}

if (values.help) console.log(usage)
else main()
