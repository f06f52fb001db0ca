/** `npm run stress`: many processes on one layout, killed at random, and a proof that nothing went wrong. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import type { Durability } from "../../../src/node/index.ts"
import { stressBucket } from "./bucket/run.ts"
import { stressHttp } from "./http/run.ts"
import { type Report, runRound } from "./round.ts"
import { stressTools } from "./tools/run.ts"

const usage = `npm run stress -- [options]
Starts processes that push, tag, delete, upload and read in one layout at the same time, kills some of them with SIGKILL
at random moments and starts them again, and then proves of every tag, blob and upload that one order of operations
explains every answer, that nothing acknowledged is lost, and that no reader saw anything torn.

  --processes N    how many at the same time (4)
  --operations N   steps of each process (100)
  --kills N        deaths in each round, of all processes together (20)
  --rounds N       each on a layout of its own (2)
  --durability D   power, process or none (power)
  --foreign        a tool that takes no lock rewrites index.json all the while; what it adds may not be lost either
  --tools          instead, rounds with real tools: skopeo, oras, regctl, umoci and crane, as far as they are installed, in
                   turns and at once, beside 2 to 4 processes of ours, all of them killed at random
  --control        instead, two of these tools without us: they lose entries, which shows that the judge notices
  --http           instead, clients, skopeo and the command line push through ocilayout serve with two workers, which are
                   killed at random
  --bucket         instead, the processes work on a layout in a bucket of versitygw, which is killed at random as well
  --minutes N      with --tools: rounds begin for so long (1)
  --seconds N      with --tools and --http: how long each round works (15)
  --seed N         draws the same plans again (random)
  --help           prints this`

const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "4" },
    operations: { type: "string", default: "100" },
    kills: { type: "string", default: "20" },
    rounds: { type: "string", default: "2" },
    durability: { type: "string", default: "power" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    foreign: { type: "boolean", default: false },
    tools: { type: "boolean", default: false },
    control: { type: "boolean", default: false },
    http: { type: "boolean", default: false },
    bucket: { type: "boolean", default: false },
    minutes: { type: "string", default: "1" },
    seconds: { type: "string", default: "15" },
    help: { type: "boolean", default: false }
  }
})

type Whole = "processes" | "operations" | "kills" | "rounds" | "seed" | "minutes" | "seconds"

const whole = (name: Whole, least: number): number => {
  const number = Number(values[name])
  if (!Number.isSafeInteger(number) || number < least) {
    throw new RangeError(`--${name} must be a whole number of at least ${least}`)
  }
  return number
}

const durabilities: ReadonlyArray<Durability> = ["power", "process", "none"]

const durabilityAsked = (): Durability => {
  const durability = durabilities.find((one) => one === values.durability)
  if (durability === undefined) throw new RangeError(`--durability must be one of ${durabilities.join(", ")}`)
  return durability
}

const main = async (): Promise<void> => {
  const processes = whole("processes", 1)
  const operations = whole("operations", 1)
  const kills = whole("kills", 0)
  const rounds = whole("rounds", 1)
  const seed = whole("seed", 0)
  const durability = durabilityAsked()
  if (kills > processes * operations) throw new RangeError("--kills must be at most one for each step")

  console.log(`stress: --seed ${seed} --processes ${processes} --operations ${operations} --kills ${kills}`)
  const began = performance.now()
  const reports: Array<Report> = []
  for (let round = 0; round < rounds; round++) {
    const folder = mkdtempSync(join(tmpdir(), "ocilayout-stress-"))
    const report = await runRound({
      seed: seed + round,
      processes,
      operations,
      kills,
      durability,
      foreign: values.foreign,
      directory: join(folder, "layout"),
      notes: join(folder, "notes")
    })
    reports.push(report)
    if (rounds > 2) console.log(`round ${round}: ${report.kills} kills, ${report.acknowledged} acknowledged`)
    if (report.violations.length > 0) {
      console.error(`round ${round} (--seed ${seed + round} --rounds 1) went wrong; what there is is kept in ${folder}`)
      for (const violation of report.violations.slice(0, 20)) console.error(`  ${violation}`)
      process.exitCode = 1
    } else rmSync(folder, { recursive: true })
  }

  const sum = (
    field: "operations" | "acknowledged" | "unanswered" | "kills" | "reads" | "foreign" | "histories" | "lost"
  ) => reports.reduce((sum, report) => sum + report[field], 0)
  console.log(
    [
      `${rounds} rounds of ${processes} processes in ${Math.round((performance.now() - began) / 1000)} s`,
      `${sum("operations")} operations: ${sum("acknowledged")} acknowledged, ${sum("unanswered")} cut short`,
      `${sum("kills")} kills`,
      `${sum("reads")} reads meanwhile`,
      ...(values.foreign ? [`${sum("foreign")} entries added without a lock`] : []),
      `${sum("histories")} histories linearizable but for ${
        reports.reduce((sum, { violations }) => sum + violations.length, 0)
      } violations`,
      `lost ${sum("lost")}`
    ].join("\n")
  )
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))

if (values.help) console.log(usage)
else if (values.http) {
  const options = { seed: whole("seed", 0), rounds: whole("rounds", 1), seconds: whole("seconds", 1) }
  console.log(`stress: --http --seed ${options.seed}`)
  await stressHttp({ ...options, durability: durabilityAsked() })
} else if (values.bucket) {
  const scale = {
    seed: whole("seed", 0),
    processes: whole("processes", 1),
    operations: whole("operations", 1),
    kills: whole("kills", 0)
  }
  console.log(`stress: --bucket --seed ${scale.seed}`)
  await stressBucket({ ...scale, rounds: whole("rounds", 1) })
} else if (values.tools || values.control) {
  const seed = whole("seed", 0)
  console.log(`stress: --tools --seed ${seed}`)
  await stressTools({ seed, minutes: whole("minutes", 1), seconds: whole("seconds", 1), control: values.control })
} else await main()
