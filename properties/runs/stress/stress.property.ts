/** A short round of `npm run stress`, and a proof that what it would find, it does find. */
import { assert, describe, it } from "@effect/vitest"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { keyOfRecord } from "../../../src/bucket/layout/record.ts"
import { gatewayCommand } from "../../../test/bucket/support/gateway.ts"
import type { Operation } from "../../support/linearize.ts"
import { readCommits, runRound as runBucketRound } from "./bucket/run.ts"
import type { Answer, Call, Condition, TagCall } from "./Call.ts"
import { checkAnswers, checkOrders, checkWinners, type History } from "./check.ts"
import { manifestDigest, uploadDigest } from "./contents.ts"
import { lookInto } from "./folder.ts"
import { drawPlans } from "./Plan.ts"
import { recordsIn } from "./record.ts"
import { conclude, type RoundOptions, runRound } from "./round.ts"

const scale = { seed: 42, processes: 3, operations: 40, kills: 4 }

/** One after the other, unless times are given; without an answer it was cut short. */
const told = (
  call: Call,
  answer: Answer | undefined,
  asked: number,
  answered = asked + 5
): Operation<Call, Answer> => ({
  call,
  asked: BigInt(asked),
  ...(answer === undefined ? {} : { answer, answered: BigInt(answered) })
})

const of = { repository: "app", tag: "v1" }
const manifest = (note: string) => ({ ...of, note, digest: manifestDigest(note) })
const push = (note: string, condition: Condition = { kind: "none" }): TagCall => ({
  op: "pushManifest",
  tagged: true,
  condition,
  ...manifest(note)
})
const getTag: TagCall = { op: "getTag", ...of }
const at = (note: string): Answer => ({ digest: manifestDigest(note) })

const refuted: Record<string, History> = {
  "a lost update": [
    told(push("one"), at("one"), 0),
    told(push("two"), at("two"), 10),
    told(getTag, at("one"), 20)
  ],
  "a lost update that only those saw who were there": [
    told(push("one"), at("one"), 0, 30),
    told(push("two"), at("two"), 1, 31),
    told(getTag, at("one"), 40),
    told(getTag, at("two"), 50)
  ],
  "two winners of one condition": [
    told(push("one"), at("one"), 0),
    told(push("two", { kind: "digest", digest: manifestDigest("one") }), at("two"), 10, 30),
    told(push("three", { kind: "digest", digest: manifestDigest("one") }), at("three"), 11, 31)
  ],
  "two who both set what did not exist": [
    told(push("one", { kind: "absent" }), at("one"), 0, 30),
    told(push("two", { kind: "absent" }), at("two"), 1, 31)
  ],
  "a read of what was overwritten before it began": [
    told(push("one"), at("one"), 0),
    told(push("two"), at("two"), 10, 20),
    told(getTag, at("two"), 12, 15),
    told(getTag, at("one"), 16, 18)
  ],
  "a change that was refused and happened": [
    told(push("one"), at("one"), 0),
    told(push("two", { kind: "absent" }), { refused: "TagExists" }, 10),
    told(getTag, at("two"), 20)
  ],
  "a refusal without a reason": [told(push("one", { kind: "absent" }), { refused: "TagExists" }, 0)],
  "a tag that came back": [
    told(push("one"), at("one"), 0),
    told({ op: "deleteTag", ...of, condition: { kind: "none" } }, at("one"), 10),
    told({ op: "tags", repository: "app" }, { names: ["v1"] }, 20)
  ],
  "a manifest that went with its tag": [
    told(push("one"), at("one"), 0),
    told({ op: "deleteTag", ...of, condition: { kind: "none" } }, at("one"), 10),
    told({ op: "getManifest", ...manifest("one") }, { refused: "ManifestUnknown" }, 20)
  ],
  "a blob that was forgotten": [
    told({ op: "pushBlob", repository: "app", blob: "b 1", digest: "d" }, { digest: "d" }, 0),
    told({ op: "getBlob", repository: "app", blob: "b 1", digest: "d" }, { refused: "BlobUnknown" }, 10)
  ],
  "an upload that lost acknowledged bytes": [
    told({ op: "append", repository: "app", id: "u", offset: 0, length: 10 }, { size: 10 }, 0),
    told({ op: "append", repository: "app", id: "u", offset: 10, length: 5 }, { refused: "RangeInvalid", size: 4 }, 10)
  ],
  "an upload that two appended to at once": [
    told({ op: "append", repository: "app", id: "u", offset: 0, length: 10 }, { size: 10 }, 0, 20),
    told({ op: "append", repository: "app", id: "u", offset: 0, length: 5 }, { size: 5 }, 1, 21)
  ],
  "an upload that was committed twice as different things": [
    told({ op: "append", repository: "app", id: "u", offset: 0, length: 10 }, { size: 10 }, 0),
    told({ op: "commit", repository: "app", id: "u", size: 10 }, { digest: uploadDigest("u", 10) }, 10),
    told({ op: "commit", repository: "app", id: "u", size: 9 }, { digest: uploadDigest("u", 9) }, 20)
  ]
}

const explained: Record<string, History> = {
  "a change that was cut short and happened": [
    told(push("one"), undefined, 0),
    told(getTag, at("one"), 10)
  ],
  "a change that was cut short and did not happen": [
    told(push("one"), undefined, 0),
    told(getTag, { refused: "ManifestUnknown" }, 10)
  ],
  "an append that was cut short in its middle": [
    told({ op: "append", repository: "app", id: "u", offset: 0, length: 10 }, undefined, 0),
    told({ op: "append", repository: "app", id: "u", offset: 0, length: 1 }, { refused: "RangeInvalid", size: 7 }, 10),
    told({ op: "append", repository: "app", id: "u", offset: 7, length: 1 }, { size: 8 }, 20)
  ],
  "two who want the same": [
    told(push("one", { kind: "absent" }), at("one"), 0, 30),
    told(push("one", { kind: "absent" }), at("one"), 1, 31)
  ]
}

describe("the proof after a stress run", () => {
  it.each(Object.entries(refuted))("refutes %s", (_name, history) => {
    assert.lengthOf(checkOrders(history).violations, 1)
  })

  it.each(Object.entries(explained))("explains %s", (_name, history) => {
    assert.deepStrictEqual(checkOrders(history).violations, [])
  })

  it("counts the winners of a contest", () => {
    const contest = (note: string, answer: Answer | undefined) =>
      told({ ...push(note, { kind: "absent" }), tag: "once-0" }, answer, 0)
    const won = (revision: number) => ({ revision, digest: "d" })
    const lost = { refused: "TagExists" }
    assert.deepStrictEqual(checkWinners([contest("a", won(1)), contest("b", lost)]), [])
    assert.deepStrictEqual(checkWinners([contest("a", undefined), contest("b", lost)]), [])
    assert.lengthOf(checkWinners([contest("a", won(1)), contest("b", won(2))]), 1)
    assert.lengthOf(checkWinners([contest("a", lost), contest("b", lost)]), 1)
  })

  it("takes no other failure for an answer", () => {
    assert.lengthOf(checkAnswers([told(getTag, { refused: "IndexInvalid", message: "torn" }, 0)]), 1)
  })
})

describe("a stress run", () => {
  it("draws the same plans from the same seed", () => {
    assert.deepStrictEqual(drawPlans(scale), drawPlans(scale))
    assert.notDeepEqual(drawPlans(scale), drawPlans({ ...scale, seed: 43 }))
  })

  it("finds nothing wrong, and all that is made wrong afterwards", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ocilayout-stress-"))
    const directory = join(folder, "layout")
    const options: RoundOptions = { ...scale, directory, notes: join(folder, "notes"), durability: "power" }
    try {
      const report = await runRound(options)
      assert.deepStrictEqual(report.violations, [])
      assert.isAtLeast(report.kills, 1)
      assert.isAtLeast(report.reads, 1)
      assert.isAtLeast(report.histories, 20)

      const history = recordsIn(options.notes)
      assert.deepStrictEqual((await conclude(options, history)).violations, [])
      const index = join(directory, "index.json")
      const text = readFileSync(index, "utf8")
      const { manifests, ...rest } = JSON.parse(text) as { readonly manifests: ReadonlyArray<unknown> }
      // As if a process had overwritten the last entry and no other had noticed.
      writeFileSync(index, JSON.stringify({ ...rest, manifests: manifests.slice(0, -1) }))
      assert.include((await conclude(options, history)).violations.join("\n"), "leads to something else")
      writeFileSync(index, text)
      const journal = join(directory, ".ocilayout", "journal", "2", "current.ndjson")
      const lines = readFileSync(journal, "utf8").split("\n")
      writeFileSync(journal, lines.toSpliced(3, 1).join("\n"))
      assert.include((await conclude(options, history)).violations.join("\n"), "are a chain")
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it.skipIf(gatewayCommand === undefined)(
    "in a bucket finds nothing wrong, and a record that is made away with",
    async () => {
      const root = mkdtempSync(join(tmpdir(), "ocilayout-bucket-"))
      try {
        const report = await runBucketRound({ seed: 5, processes: 2, operations: 15, kills: 2 }, root)
        assert.deepStrictEqual(report.violations, [])
        assert.isAtLeast(report.kills, 1)
        assert.isAtLeast(report.acknowledged, 10)
        rmSync(join(report.folder, keyOfRecord(3)))
        const { violations } = await lookInto(report.folder, readCommits)
        assert.include(violations.join("\n"), "does not follow")
      } finally {
        rmSync(root, { recursive: true })
      }
    },
    120_000
  )
})
