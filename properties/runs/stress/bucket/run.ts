/** `npm run stress -- --bucket`: many processes on one layout in a bucket; they and the gateway are killed at random. */
import { Effect, Stream } from "effect"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { numberOfRecord, readRecord, recordsFolder } from "../../../../src/bucket/layout/record.ts"
import { genesis } from "../../../../src/node/journal/journalRecord.ts"
import { gatewayCommand, gatewayKeys } from "../../../../test/bucket/support/gateway.ts"
import { chanceOf } from "../../../support/simulation/chance.ts"
import { checkAnswers, checkOrders, checkRevisions, checkWinners, type History, lostOf } from "../check.ts"
import { type Commits, lookInto } from "../folder.ts"
import { anchor, drawPlans, type Scale } from "../Plan.ts"
import { recordsIn } from "../record.ts"
import { anchorAll, live, lookAtAll, pushGarbage, type RoundOptions, withRegistry } from "../round.ts"
import { bucket, startGateway } from "./Gateway.ts"

export interface BucketStressOptions extends Scale {
  readonly rounds: number
}

const prefix = "layout"

/** Where the gateway was killed, an answer may say that it is not known what happened; any other has to be explained. */
const unknown = new Set(["OutcomeUnknown", "RemoteError"])

const withoutOutages = (history: History): History =>
  history.map((operation) =>
    unknown.has(operation.answer?.refused ?? "") ? { call: operation.call, asked: operation.asked } : operation
  )

/** The records, as the chain that they have to be; none of them is so old that it was removed. */
export const readCommits = (folder: string): Promise<Commits> => {
  const names = readdirSync(join(folder, recordsFolder))
  const numbers = names.map((name) => numberOfRecord(`${recordsFolder}${name}`) ?? 0)
  const order = names.map((name, place) => ({ name, number: numbers[place] ?? 0 })).toSorted((a, b) =>
    a.number - b.number
  )
  const violations: Array<string> = []
  const commits: Array<Commits["commits"][number]> = []
  let previous = genesis
  for (const [place, { name, number }] of order.entries()) {
    const read = readRecord(readFileSync(join(folder, recordsFolder, name)))
    if (read._tag === "Failure") {
      violations.push(`the record ${number} cannot be read: ${read.failure}`)
      break
    }
    const { hash, record } = read.success
    if (record.previous !== previous || number !== place + 1) violations.push(`the record ${number} does not follow`)
    previous = hash
    commits.push(...record.commits)
  }
  return Promise.resolve({ commits, violations })
}

export const runRound = async (options: Scale, root: string) => {
  const gateway = await startGateway(join(root, "gateway"))
  // The processes take their keys from here, as those of users do.
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: gatewayKeys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: gatewayKeys.secretAccessKey,
    AWS_REGION: "us-east-1",
    AWS_ENDPOINT_URL: gateway.endpoint
  })
  const round: RoundOptions = {
    ...options,
    directory: `s3://${bucket}/${prefix}`,
    notes: join(root, "notes"),
    durability: "power"
  }
  mkdirSync(round.notes, { recursive: true })
  await pushGarbage(round)
  await anchorAll(round, anchor)

  const plans = drawPlans(options)
  const over = new AbortController()
  const work = Promise.all(plans.map((plan, process) => live(round, plan, process))).finally(() => over.abort())
  const chance = chanceOf(options.seed)
  let outages = 0
  const killGateway = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, 500 + chance() * 2500))
      if (over.signal.aborted) return
      await gateway.kill(chance() * 500)
      outages++
    }
  }
  const [deaths] = await Promise.all([work, killGateway()])

  // The next writer publishes what a dead one has left.
  await anchorAll(round, "recovered")
  const history = withoutOutages(recordsIn(round.notes))
  const end = await lookAtAll(round, history)
  const damage = await withRegistry(
    round,
    (registry) =>
      Effect.map(
        Stream.runCollect(registry.verify()),
        (steps) =>
          steps.flatMap((step) =>
            step._tag === "Found" && step.finding.severity !== "info"
              ? [`verify found ${JSON.stringify(step.finding)}`]
              : []
          )
      )
  )
  await gateway.end()
  const all = [...history, ...end]
  const found = await lookInto(join(gateway.folder, prefix), readCommits)
  const orders = checkOrders(all)
  return {
    folder: join(gateway.folder, prefix),
    operations: history.length,
    acknowledged: history.filter(({ answer }) => answer !== undefined && answer.refused === undefined).length,
    unanswered: history.filter(({ answer }) => answer === undefined).length,
    kills: deaths.reduce((sum, died) => sum + died, 0),
    outages,
    commits: found.commits.size,
    histories: orders.histories,
    violations: [
      ...found.violations,
      ...damage,
      ...checkAnswers(all),
      ...lostOf(history, found),
      ...orders.violations,
      ...checkWinners(all),
      ...checkRevisions(all, found)
    ]
  }
}

export const stressBucket = async (options: BucketStressOptions): Promise<void> => {
  if (gatewayCommand === undefined) {
    console.log("SKIPPED: there is no versitygw; go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")
    return
  }
  for (let round = 0; round < options.rounds; round++) {
    const root = mkdtempSync(join(tmpdir(), "ocilayout-bucket-"))
    const report = await runRound({ ...options, seed: options.seed + round }, root)
    console.log(
      `round ${round}: ${report.operations} operations: ${report.acknowledged} acknowledged, ${report.unanswered} cut short; ` +
        `${report.kills} processes and ${report.outages} times the gateway killed; ${report.commits} commits; ` +
        `${report.histories} histories; ${report.violations.length} violations`
    )
    if (report.violations.length === 0) {
      rmSync(root, { recursive: true })
      continue
    }
    console.error(`it went wrong with --seed ${options.seed + round} --rounds 1; what there is is kept in ${root}`)
    for (const violation of report.violations.slice(0, 20)) console.error(`  ${violation}`)
    process.exitCode = 1
  }
}
