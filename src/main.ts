#!/usr/bin/env node
/** Starts the command line, once it is known that this Node can run it. */
import { version } from "./cli/version.ts"

const oldest = [22, 19] as const
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)

if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  console.error(`ocilayout needs Node.js ${oldest.join(".")} or newer, and this is ${process.versions.node}.`)
  process.exitCode = 1
} else if (process.argv.length === 3 && process.argv[2] === "--version") {
  console.log(version)
} else {
  const { run } = await import("./cli/run.ts")
  run()
}
