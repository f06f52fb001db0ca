/** What each process of a stress run sets out to do, drawn from a seed before it begins. */
import fc from "fast-check"

interface OfTag {
  readonly repository: string
  readonly tag: string
}

/** `note`: of the manifest concerned; `unless`: what may forbid it, `moved` meaning since a look at the tag just before. */
export type Step =
  | { readonly does: "push"; readonly note: string; readonly unless: "nothing" | "exists" | "moved" } & OfTag
  | { readonly does: "pushUntagged"; readonly note: string } & OfTag
  /** Pushes for a tag that no other process has, and takes that back. */
  | { readonly does: "undo"; readonly note: string } & OfTag
  | { readonly does: "collect"; readonly repository: string }
  | { readonly does: "retag"; readonly note: string; readonly unless: "nothing" | "exists" | "moved" } & OfTag
  | { readonly does: "untag"; readonly unless: "nothing" | "moved" } & OfTag
  | { readonly does: "deleteManifest"; readonly note: string } & OfTag
  | { readonly does: "getTag" } & OfTag
  | { readonly does: "getManifest"; readonly note: string } & OfTag
  | { readonly does: "list"; readonly repository: string }
  | { readonly does: "pushBlob"; readonly blob: string; readonly repository: string }
  | { readonly does: "mountBlob"; readonly blob: string; readonly repository: string; readonly to: string }
  | { readonly does: "getBlob"; readonly blob: string; readonly repository: string }
  | { readonly does: "startUpload"; readonly repository: string; readonly length: number }
  /** `pick`: which of the sessions there are. */
  | { readonly does: "continueUpload"; readonly repository: string; readonly pick: number; readonly length: number }
  | { readonly does: "finishUpload"; readonly repository: string; readonly pick: number }

export interface Plan {
  readonly steps: ReadonlyArray<Step>
  /** Once this step has begun, the process is killed after so long. */
  readonly deaths: ReadonlyArray<{ readonly step: number; readonly afterMillis: number }>
}

export interface Scale {
  readonly seed: number
  readonly processes: number
  /** Steps of each process. */
  readonly operations: number
  /** Deaths of all of them together. */
  readonly kills: number
}

export const repositories = ["app", "lib/base"] as const

/** A manifest that no step deletes keeps each repository in being. */
export const anchor = "anchor"

/** Blobs that are there before, and have been for so long that they may be collected unless they are pushed again. */
export const garbage = Array.from({ length: 40 }, (_, at) => `garbage ${at} 700`)

/** Every so many steps all processes fight for a new tag, which no step moves or deletes. */
const contestEvery = 10
export const contested = "once-"

/** A step before it is known what the others do. */
interface Draw {
  readonly does: Step["does"]
  readonly repository: (typeof repositories)[number]
  readonly tag: number
  readonly unless: "nothing" | "exists" | "moved"
  readonly pick: number
  readonly length: number
}

const weights: ReadonlyArray<readonly [Step["does"], number]> = [
  ["push", 20],
  ["pushUntagged", 4],
  ["retag", 10],
  ["untag", 7],
  ["deleteManifest", 5],
  ["undo", 4],
  ["collect", 4],
  ["getTag", 12],
  ["getManifest", 6],
  ["list", 4],
  ["pushBlob", 6],
  ["mountBlob", 4],
  ["getBlob", 4],
  ["startUpload", 4],
  ["continueUpload", 8],
  ["finishUpload", 4]
]

const draw: fc.Arbitrary<Draw> = fc.record({
  does: fc.oneof(...weights.map(([does, weight]) => ({ weight, arbitrary: fc.constant(does) }))),
  repository: fc.constantFrom(...repositories),
  tag: fc.nat(),
  unless: fc.constantFrom("nothing", "nothing", "exists", "moved"),
  pick: fc.nat(),
  length: fc.nat({ max: 100_000 })
})

const several = <A>(arbitrary: fc.Arbitrary<A>, length: number): fc.Arbitrary<Array<A>> =>
  fc.noBias(fc.array(arbitrary, { minLength: length, maxLength: length, size: "max" }))

/** Deaths at different steps, and as many in the first half of a plan as in the second. */
const deaths = (operations: number, length: number): fc.Arbitrary<Plan["deaths"]> =>
  fc.noBias(fc.uniqueArray(
    fc.record({ step: fc.nat({ max: operations - 1 }), afterMillis: fc.nat({ max: 40 }) }),
    { minLength: length, maxLength: length, size: "max", selector: ({ step }) => step }
  )).map((deaths) => deaths.toSorted((a, b) => a.step - b.step))

/** The same seed and scale, the same plans. */
export const drawPlans = ({ kills, operations, processes, seed }: Scale): ReadonlyArray<Plan> => {
  const all = fc.tuple(
    several(several(draw, operations), processes),
    fc.tuple(
      ...Array.from(
        { length: processes },
        (_, process) => deaths(operations, Math.floor((kills + process) / processes))
      )
    )
  )
  const [draws, deathsOf] = fc.sample(all, { seed, numRuns: 1 })[0] ?? [[], []]
  // So many that about a hundred steps meet in each.
  const tags = Math.max(2, Math.ceil(processes * operations / 100))
  const settled = new Settling(tags)
  const steps = draws.map((): Array<Step> => [])
  for (let at = 0; at < operations; at++) {
    draws.forEach((own, process) => {
      const drawn = own[at]
      if (drawn !== undefined) steps[process]?.push(settled.settle(drawn, `${process}/${at}`, at))
    })
  }
  return steps.map((own, process) => ({ steps: own, deaths: deathsOf[process] ?? [] }))
}

/** Makes draws into steps: what one process pushes is what others retag, read and delete. */
class Settling {
  readonly #tags: number
  readonly #notes = new Map<string, Array<string>>()
  readonly #blobs: Array<string> = []

  constructor(tags: number) {
    this.#tags = tags
  }

  settle({ does, length, pick, repository, tag: drawn, unless }: Draw, name: string, at: number): Step {
    const tag = `moving-${drawn % this.#tags}`
    const of = { repository, tag }
    if (at % contestEvery === 0) {
      return { does: "push", note: name, repository: repositories[0], tag: `${contested}${at}`, unless: "exists" }
    }
    switch (does) {
      case "push":
        return { does, note: this.#push(of, name), ...of, unless }
      case "pushUntagged":
        return { does, note: this.#push(of, name), ...of }
      case "retag":
        return { does, note: this.#pushed(of, pick), ...of, unless }
      case "untag":
        return { does, ...of, unless: unless === "moved" ? "moved" : "nothing" }
      case "deleteManifest":
      case "getManifest":
        return { does, note: this.#pushed(of, pick), ...of }
      case "getTag":
        return { does, ...of }
      case "list":
        return { does, repository }
      case "undo":
        return { does, note: name, repository, tag: `undone-${name.replace("/", "-")}` }
      case "collect":
        return { does, repository }
      case "pushBlob": {
        if (pick % 3 === 0) return { does, blob: this.#blob(pick), repository }
        const blob = `pushed ${name} ${length}`
        this.#blobs.push(blob)
        return { does, blob, repository }
      }
      case "mountBlob":
        return { does, blob: this.#blob(pick), repository, to: repositories[pick % repositories.length] ?? repository }
      case "getBlob":
        return { does, blob: this.#blob(pick), repository }
      case "startUpload":
        return { does, repository, length }
      case "continueUpload":
        return { does, repository, length, pick }
      case "finishUpload":
        return { does, repository, pick }
    }
  }

  #push({ repository, tag }: OfTag, note: string): string {
    const key = `${repository}:${tag}`
    this.#notes.set(key, [...this.#notes.get(key) ?? [], note])
    return note
  }

  /** One of the latest pushed for a tag, or one that no step pushes. */
  #pushed({ repository, tag }: OfTag, pick: number): string {
    const notes = this.#notes.get(`${repository}:${tag}`) ?? []
    return notes.at(-1 - pick % 6) ?? `never pushed ${repository}:${tag}`
  }

  #blob(pick: number): string {
    if (pick % 3 === 0) return garbage[(pick / 3) % garbage.length] ?? ""
    return this.#blobs.at(-1 - pick % 6) ?? "never pushed 10"
  }
}
