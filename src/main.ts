#!/usr/bin/env node
/** Starts the command line, once it is known that layouts can be opened here. */
import { keepCompiled } from "./cli/compileCache.ts"
import { version } from "./cli/version.ts"
import { refusalOf } from "./node/fs/runtime.ts"

const refused = refusalOf(process)

if (refused !== undefined) {
  console.error(`ocilayout: ${refused.operation} is not supported: ${refused.reason}`)
  process.exitCode = 1
} else if (process.argv.length === 3 && process.argv[2] === "--version") {
  console.log(version)
} else {
  keepCompiled()
  const { run } = await import("./cli/run.ts")
  run()
}
