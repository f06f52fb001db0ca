/** Every two tools, beside each of several shapes of ours. */
import { absent, collect, day, hour, look, minute, remove, set, type Tool, week, type World } from "./World.ts"

const tools: Readonly<Record<string, Tool>> = {
  same: { kind: "rewrite", how: "truncate" },
  adds: { kind: "rewrite", how: "truncate", name: "x", to: "d", ownHand: true },
  addsRenamed: { kind: "rewrite", how: "rename", name: "y", to: "e" },
  setsOurs: { kind: "rewrite", how: "rename", name: "n", to: "d" },
  deletes: { kind: "rewrite", how: "rename", name: "k", to: absent },
  strips: { kind: "rewrite", how: "rename", name: "x", to: "d", strips: true },
  setsBack: { kind: "rewrite", how: "rename", name: "n", to: "a" },
  collects: { kind: "collect" },
  addsAndCollects: { kind: "add and collect", name: "z", to: "f" },
  relies: { kind: "rewrite", how: "truncate", name: "x", to: "g" },
  restoresByMove: { kind: "restore", how: "move" },
  restoresByCopy: { kind: "restore", how: "copy" },
  wipes: { kind: "wipe", builds: { x: "d" } },
  diverges: { kind: "diverge", name: "x", to: "d" },
  copies: { kind: "copy" }
}

/** a and b share a layer, d and g another one. */
const layers = { a: ["L"], b: ["L"], d: ["M"], g: ["M"] } as const

const common = {
  entries: { n: "a", k: "a", g: "g" },
  history: { commands: [look, remove("g")], age: 0 },
  fileSystem: "ordered"
} as const

const shapes: Readonly<Record<string, Omit<World, "tools">>> = {
  two: { ...common, programs: [{ commands: [set("n", "b")] }, { commands: [set("m", "c")] }] },
  twoNew: {
    entries: { n: "a", k: "a" },
    fileSystem: "ordered",
    programs: [{ commands: [set("n", "b")] }, { commands: [set("m", "c")] }]
  },
  collections: {
    ...common,
    history: { ...common.history, age: 2 * week },
    programs: [{ commands: [set("n", "b"), collect] }, { commands: [collect] }]
  },
  killed: { ...common, programs: [{ commands: [set("n", "b"), remove("n")] }], kills: 1 },
  renamed: {
    ...common,
    programs: [{ commands: [set("n", "b"), set("m", "c")] }],
    kills: 1,
    noExchange: true,
    fileSystem: "by folder"
  },
  power: {
    ...common,
    programs: [{ commands: [set("n", "b"), set("m", "c")] }],
    powerCuts: 1,
    fileSystem: "loose"
  },
  late: { ...common, programs: [{ commands: [set("n", "b"), look] }], ticks: [hour] },
  layered: {
    ...common,
    layers,
    history: { ...common.history, age: 2 * week },
    programs: [{ commands: [set("n", "b"), collect] }],
    ticks: [hour]
  },
  torn: {
    ...common,
    layers,
    programs: [{ commands: [look, set("n", "d")] }],
    powerCuts: 1,
    tears: true
  }
}

/** Who removes everything removes what the other one would put back, and the other way round: not for us to judge. */
const excluded = (one: string, other: string): boolean =>
  [one, other].includes("wipes") && [one, other].some((each) => /^restores|^diverges/u.test(each))

interface Pair {
  readonly name: string
  readonly world: World
}

/** In an order that the seed decides, so that a run that is cut short has some of everything. */
export const pairs = (seed: number): ReadonlyArray<Pair> => {
  const names = Object.keys(tools)
  const all = names.flatMap((one, i) =>
    names.slice(i + 1).filter((other) => !excluded(one, other)).flatMap((other) =>
      Object.entries(shapes).map(([shape, world]): Pair => ({
        name: `${shape}: ${one} and ${other}`,
        world: {
          ...world,
          tools: [one, other].flatMap((name) => tools[name] ?? []),
          delays: [minute, 2 * day],
          reactive: false
        }
      }))
    )
  )
  let state = seed
  return all
    .map((pair) => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
      return { pair, at: state >>> 8 }
    })
    .toSorted((one, other) => one.at - other.at)
    .map(({ pair }) => pair)
}
