/** `npm run stress -- --http`: pushes through a server of several workers, by clients, skopeo and the command line, with kills. */
import { Effect } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Durability } from "../../../../src/node/index.ts"
import { fixturePath } from "../../../../test/support/folders.ts"
import { chanceOf } from "../../../support/simulation/chance.ts"
import { judge } from "./judge.ts"
import { type Client, newLane, work } from "./lane.ts"
import { copyBySkopeo, hasSkopeo, layoutToCopy, tagByCommand } from "./programs.ts"
import { startServer } from "./Server.ts"

export interface HttpStressOptions {
  readonly seed: number
  readonly rounds: number
  /** Of one round. */
  readonly seconds: number
  readonly durability: Durability
}

const repository = "team/app"
const clients = 4

/** What skopeo wrote, with the index under the tag `multi`. */
const fixture = fixturePath("skopeo-copy-all")
const fixtureDigest = "sha256:181e830771be36323334a6fe802833bc0c38d4865a11be90f66f01eda8835c3e"

const runRound = async ({ durability, seconds, seed }: HttpStressOptions, folder: string) => {
  const directory = join(folder, "images")
  const server = await startServer({ directory, durability, workers: 2 })
  const stopping = new AbortController()
  const make = (): Client => ({ host: server.host, repository, lane: newLane(), signal: stopping.signal })
  const lanes = Array.from({ length: clients }, make)
  const command = make()
  const skopeo = make()
  const works = lanes.map((client, at) => work(client, `client${at}`, chanceOf(seed + at)))
  const sources = lanes.map(({ lane }) => lane)
  works.push(tagByCommand(command, { directory, name: "command", sources }, chanceOf(seed + 100)))
  if (hasSkopeo()) works.push(copyBySkopeo(skopeo, layoutToCopy(folder, fixture), fixtureDigest, "skopeo"))

  const chance = chanceOf(seed + 200)
  let kills = 0
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 1500 + chance() * 3000))
    if (server.kill(chance() < 0.2, chance())) kills++
  }
  stopping.abort()
  await Promise.all(works)
  await server.end()
  const all = [...lanes, command, skopeo].map(({ lane }) => lane)
  const { commits, wrong } = await Effect.runPromise(judge(directory, repository, all))
  const sum = (field: "acknowledged" | "unanswered") => all.reduce((sum, lane) => sum + lane[field], 0)
  return { acknowledged: sum("acknowledged"), unanswered: sum("unanswered"), kills, commits, wrong }
}

export const stressHttp = async (options: HttpStressOptions): Promise<void> => {
  let lost = 0
  for (let round = 0; round < options.rounds; round++) {
    const folder = mkdtempSync(join(tmpdir(), "ocilayout-http-"))
    const { acknowledged, commits, kills, unanswered, wrong } = await runRound(
      { ...options, seed: options.seed + round },
      folder
    )
    console.log(
      `round ${round}: ${acknowledged} acknowledged, ${unanswered} without an answer, ${kills} kills, ${commits} commits, lost ${wrong.length}`
    )
    lost += wrong.length
    if (wrong.length === 0) rmSync(folder, { recursive: true })
    else {
      console.error(`what there is is kept in ${folder}`)
      for (const one of wrong.slice(0, 20)) console.error(`  ${one}`)
      process.exitCode = 1
    }
  }
  if (!hasSkopeo()) console.log("SKIPPED: skopeo is not installed, so it copied nothing")
  console.log(`${options.rounds} rounds, lost ${lost}`)
}
