/** `npm run powercut`: cuts the power of a real ext4 under load, and proves that nothing acknowledged is lost. */
import { parseArgs } from "node:util"
import { type Mode, modes, whyNot } from "./ext4.ts"
import { type Aftermath, controlRound, type CutOptions, cutRound } from "./round.ts"

const usage = `npm run powercut -- [options]
Lets processes work on a layout on a real ext4 (in a file, mounted as a loop device), shuts it down at a random moment so
that nothing in memory reaches the device, mounts it again, and proves that everything acknowledged is there and that the
layout works. Controls without any syncs have to lose something. Needs root, loop devices, mkfs.ext4 and perl; without
them it says so and ends.

  --rounds N      cuts (6)
  --controls N    cuts of what is not synced (2)
  --processes N   how many work at the same time (4)
  --seed N        draws the same plans and moments again (random)
  --help          prints this`

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "6" },
    controls: { type: "string", default: "2" },
    processes: { type: "string", default: "4" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    help: { type: "boolean", default: false }
  }
})

const whole = (name: "rounds" | "controls" | "processes" | "seed", least: number): number => {
  const number = Number(values[name])
  if (!Number.isSafeInteger(number) || number < least) {
    throw new RangeError(`--${name} must be a whole number of at least ${least}`)
  }
  return number
}

const names: ReadonlyArray<Mode> = ["ordered", "writeback"]

const main = async (): Promise<void> => {
  const seed = whole("seed", 0)
  const processes = whole("processes", 1)
  const reason = await whyNot()
  if (reason !== undefined) return console.log(`powercut: skipped, since no power can be cut here: ${reason}`)

  console.log(`powercut: --seed ${seed} --processes ${processes}`)
  const began = performance.now()
  /** The options of a round; every second one is on a file system that keeps less order. */
  const cutOf = (round: number): CutOptions => ({
    seed: seed + round,
    processes,
    durability: "power",
    mode: names[round % names.length] ?? "ordered",
    afterMillis: 1000 + (seed + round) * 7919 % 2000
  })
  const aftermaths: Array<Aftermath> = []
  for (let round = 0; round < whole("rounds", 1); round++) {
    const aftermath = await cutRound(cutOf(round))
    aftermaths.push(aftermath)
    for (const violation of aftermath.violations.slice(0, 20)) {
      console.error(`round ${round} (--seed ${seed + round}, ${modes[cutOf(round).mode]}): ${violation}`)
      process.exitCode = 1
    }
  }
  const controls: Array<{ readonly acknowledged: number; readonly lost: number }> = []
  for (let round = 0; round < whole("controls", 0); round++) controls.push(await controlRound(cutOf(round)))

  const sum = (field: "acknowledged" | "unanswered" | "histories" | "lost"): number =>
    aftermaths.reduce((sum, aftermath) => sum + aftermath[field], 0)
  const lost = controls.reduce((sum, control) => sum + control.lost, 0)
  console.log(
    [
      `${aftermaths.length} cuts under ${processes} processes in ${Math.round((performance.now() - began) / 1000)} s`,
      `${sum("acknowledged")} operations acknowledged, ${sum("unanswered")} cut short`,
      `${sum("histories")} histories linearizable but for ${
        aftermaths.reduce((sum, { violations }) => sum + violations.length, 0)
      } violations`,
      `lost ${sum("lost")}`,
      `controls lost ${lost} of ${controls.reduce((sum, { acknowledged }) => sum + acknowledged, 0)} acknowledged`
    ].join("\n")
  )
  if (controls.some((control) => control.lost === 0)) {
    console.error("a control lost nothing: what was cut was not the power")
    process.exitCode = 1
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))

if (values.help) console.log(usage)
else await main()
