/**
 * What importing the library costs beside importing only the modules of `effect` that it imports: processes of both kinds in
 * turn. 1.1 says that the library takes a tenth longer. `npm run bench:imports`.
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { importsOf } from "../../rolldown.config.ts"

const rounds = 31
const dist = fileURLToPath(new URL("../../dist/", import.meta.url))
const entries = { "ocilayout": "index.js", "ocilayout/node": "node/index.js", "ocilayout/memory": "memory/index.js" }

/** The packages' modules that an entry point imports, itself or by modules of ours. */
const importedBy = (entry: string): ReadonlyArray<string> => {
  const seen = new Set<string>()
  const found = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    for (const id of importsOf(path)) {
      if (id.startsWith(".")) visit(resolve(dirname(path), id))
      else found.add(id)
    }
  }
  visit(entry)
  return Array.from(found)
}

const median = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

/** How long a process takes to import modules, in milliseconds, its start not counted. */
const importing = (modules: ReadonlyArray<string>): number => {
  const program = [
    "const began = performance.now()",
    `for (const id of ${JSON.stringify(modules)}) await import(id)`,
    "console.log(performance.now() - began)"
  ].join("\n")
  return Number(
    execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8", cwd: dist })
  )
}

console.log(
  `Node ${process.version}, ${rounds} rounds, ${readFileSync(join(dist, "index.js")).length} bytes of dist/index.js`
)
for (const [name, file] of Object.entries(entries)) {
  const path = join(dist, file)
  const alone = importedBy(path)
  const ours = new Array<number>()
  const theirs = new Array<number>()
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) ours.push(importing([path]))
    theirs.push(importing(alone))
    if (round % 2 === 1) ours.push(importing([path]))
  }
  console.log(
    `${name}  ${(median(ours) / median(theirs)).toFixed(2)} times the ${alone.length} modules that it imports`
  )
}
