/** The named worlds. Those that begin with `limit` lose something, and the rules say that they do. */
import {
  absent,
  adopted,
  collect,
  day,
  hour,
  look,
  minute,
  type Program,
  remove,
  set,
  type Tool,
  week,
  type World
} from "./World.ts"

const program = (...commands: Program["commands"]): Program => ({ commands })

/** Tools as they were traced: skopeo truncates and writes `oci-layout`, umoci and regctl rename, oras truncates. */
const sameTruncated: Tool = { kind: "rewrite", how: "truncate" }
const sameRenamed: Tool = { kind: "rewrite", how: "rename" }
const sameOwnHand: Tool = { kind: "rewrite", how: "truncate", ownHand: true }
const says = (name: string, to: string): Tool => ({ kind: "rewrite", how: "rename", name, to })
const saysInPlace = (name: string, to: string): Tool => ({ kind: "rewrite", how: "truncate", name, to })
const strips = (name: string, to: string): Tool => ({ kind: "rewrite", how: "rename", name, to, strips: true })
const collects: Tool = { kind: "collect" }
const collectsOneByOne: Tool = { kind: "collect", oneByOne: true }
const wipes = (builds: World["entries"]): Tool => ({ kind: "wipe", builds })

const one = { entries: { n: "a" }, history: adopted, fileSystem: "ordered" } as const
const bare = { entries: { n: "a" }, fileSystem: "ordered" } as const

/** c was taken away so long ago that nothing needs it. */
const unneeded = {
  entries: { n: "a", z: "c" },
  history: { commands: [look, remove("z")], age: 2 * week },
  fileSystem: "ordered"
} as const

const sameBytes: Readonly<Record<string, World>> = {
  same_bytes: { ...one, programs: [program(set("n", "b"), set("m", "c"))], tools: [sameOwnHand], ticks: [minute] },
  same_bytes_rename: {
    ...one,
    programs: [program(set("n", "b"), set("m", "c"))],
    tools: [sameRenamed],
    ticks: [minute]
  },
  same_bytes_crash: {
    ...one,
    programs: [program(set("n", "b")), program(set("m", "c"))],
    tools: [sameOwnHand],
    kills: 1
  },
  same_bytes_power: {
    ...one,
    programs: [program(set("n", "b")), program(set("m", "c"))],
    tools: [sameRenamed],
    powerCuts: 1,
    delays: [minute, day]
  },
  slow_same: { ...one, programs: [program(set("n", "b"), look)], tools: [sameOwnHand], ticks: [hour] },
  slow_same_no_layout: { ...one, programs: [program(set("n", "b"), look)], tools: [sameTruncated], ticks: [hour] },
  slow_same_over_a_day_own_hand: {
    ...one,
    programs: [program(set("n", "b"), look)],
    tools: [sameOwnHand],
    ticks: [day]
  },
  limit_slow_same_over_a_day: {
    ...one,
    programs: [program(set("n", "b"), look)],
    tools: [sameTruncated],
    ticks: [day]
  },
  idle_same: {
    ...one,
    history: { commands: [look], age: day },
    programs: [program(set("n", "b"))],
    tools: [sameTruncated],
    delays: [minute]
  },
  late_look: { ...one, programs: [program(set("n", "b"))], tools: [sameTruncated], delays: [hour, 5 * day] },
  restored_by_move: {
    ...one,
    programs: [program(set("n", "b"), look)],
    tools: [{ kind: "restore", how: "move" }],
    ticks: [5 * day]
  },
  restored_by_copy: {
    ...one,
    programs: [program(set("n", "b"), look)],
    tools: [{ kind: "restore", how: "copy" }],
    ticks: [5 * day]
  },
  restored_and_collected: {
    ...one,
    programs: [program(set("n", "b"), collect)],
    tools: [{ kind: "restore", how: "move" }],
    ticks: [2 * week]
  }
}

const twice = program(set("n", "b"), set("n", "c"))

const power: Readonly<Record<string, World>> = {
  power_ordered: {
    ...bare,
    programs: [twice, program(set("m", "d"))],
    powerCuts: 1,
    kills: 1,
    delays: [minute]
  },
  power_first: {
    ...bare,
    entries: {},
    programs: [program(look, set("n", "d"))],
    tools: [says("n", "c")],
    powerCuts: 1,
    delays: [minute]
  },
  power_by_folder: {
    ...bare,
    programs: [twice, program(set("m", "d"))],
    powerCuts: 1,
    kills: 1,
    fileSystem: "by folder",
    delays: [minute]
  },
  power_loose: {
    ...bare,
    programs: [twice],
    tools: [sameRenamed],
    powerCuts: 1,
    kills: 1,
    fileSystem: "loose",
    delays: [minute]
  },
  power_loose_no_change: {
    ...one,
    programs: [program(set("n", "b")), program(set("n", "b"))],
    tools: [{ kind: "restore", how: "move" }],
    powerCuts: 1,
    fileSystem: "loose",
    delays: [minute]
  },
  power_rename: {
    ...bare,
    programs: [twice, program(set("m", "d"))],
    powerCuts: 1,
    kills: 1,
    fileSystem: "by folder",
    noExchange: true,
    delays: [minute]
  },
  power_rename_loose: {
    ...bare,
    programs: [twice],
    tools: [sameRenamed],
    powerCuts: 1,
    kills: 1,
    fileSystem: "loose",
    noExchange: true,
    delays: [minute]
  },
  power_twice: {
    ...one,
    programs: [program(set("n", "b"), look, set("m", "c"))],
    powerCuts: 2,
    kills: 1,
    fileSystem: "by folder",
    delays: [minute]
  },
  refused: {
    ...one,
    programs: [program(set("n", "b"), set("m", "c"))],
    tools: [says("x", "d")],
    tries: 1,
    powerCuts: 1,
    kills: 1,
    fileSystem: "by folder",
    delays: [minute]
  },
  failed_exchange: {
    ...one,
    programs: [program(set("n", "b"))],
    tools: [says("x", "d")],
    readers: 1,
    tries: 1,
    failedExchanges: 1,
    delays: [minute]
  },
  sweep_small: {
    ...one,
    programs: [program(set("n", "b"), look, look)],
    kills: 1,
    ticks: [minute, minute],
    delays: [minute]
  },
  sweeping: {
    ...one,
    programs: [program(set("n", "b"), look, set("m", "c"))],
    tools: [sameRenamed],
    kills: 1,
    powerCuts: 1,
    ticks: [minute],
    fileSystem: "by folder",
    delays: [minute]
  }
}

const foreign: Readonly<Record<string, World>> = {
  foreign_set: {
    ...one,
    programs: [program(set("n", "b"), set("m", "c"))],
    tools: [saysInPlace("x", "d")],
    ticks: [minute],
    kills: 1
  },
  foreign_set_rename: {
    ...one,
    programs: [program(set("n", "b")), program(set("m", "c"))],
    tools: [says("x", "d")],
    kills: 1
  },
  foreign_delete: {
    ...one,
    entries: { n: "a", x: "d" },
    programs: [program(set("n", "b"), look)],
    tools: [says("x", absent)],
    kills: 1,
    ticks: [minute]
  },
  foreign_two: {
    ...one,
    entries: { n: "a", y: "a" },
    programs: [program(set("n", "b"), look)],
    tools: [says("x", "d"), saysInPlace("y", "c")]
  },
  foreign_read_foreign: {
    ...one,
    entries: { x: "a" },
    programs: [program(look, set("x", "c"))],
    tools: [says("x", "b"), says("y", "d")]
  },
  foreign_same_value: {
    ...one,
    programs: [program(set("n", "b"), look)],
    tools: [says("n", "b"), says("n", "a")]
  },
  renewed_generation: {
    ...one,
    programs: [program(set("n", "b"), look, look)],
    tools: [says("n", "b"), says("n", "a")]
  },
  strips: { ...one, programs: [twice], tools: [strips("x", "d")], ticks: [hour] },
  strips_twice: { ...one, programs: [program(set("n", "b"), look)], tools: [strips("x", "d"), strips("y", "c")] },
  strips_and_deletes: {
    ...one,
    entries: { n: "a", x: "d" },
    programs: [program(set("n", "b"), look)],
    tools: [strips("x", absent)],
    ticks: [day]
  },
  handle: { ...bare, programs: [program(look, set("n", "b"))], tools: [says("x", "d")], ticks: [hour, day] },
  handle_delete: {
    ...bare,
    entries: { n: "a", x: "c" },
    programs: [program(look, set("n", "b"))],
    tools: [says("x", absent)],
    ticks: [day]
  },
  handle_before: {
    ...bare,
    entries: {},
    programs: [program(set("n", "b"))],
    tools: [says("x", "d"), says("n", "a")],
    delays: [minute, day]
  },
  emptied: {
    ...bare,
    entries: {},
    programs: [program(set("n", "b"), remove("n"))],
    tools: [says("x", "d")],
    ticks: [day]
  },
  diverged: {
    ...one,
    entries: { n: "a", k: "a" },
    programs: [program(set("n", "b"), set("m", "c"))],
    tools: [{ kind: "diverge", name: "x", to: "d" }]
  },
  diverged_same: {
    ...one,
    programs: [program(set("n", "b"), set("m", "c"))],
    tools: [{ kind: "diverge", name: "n", to: "d" }]
  },
  old_and_new: {
    ...bare,
    programs: [program(look, set("n", "b")), { commands: [set("m", "c")], older: true }],
    tools: [sameRenamed],
    delays: [minute]
  },
  old_and_new_killed: {
    ...bare,
    programs: [program(set("n", "b"), look), { commands: [set("m", "c")], older: true }],
    kills: 1,
    powerCuts: 1,
    fileSystem: "by folder",
    delays: [minute]
  }
}

const content: Readonly<Record<string, World>> = {
  gc_old: { ...one, programs: [program(set("n", "b"), look)], tools: [collects], ticks: [day] },
  gc_stale: {
    ...one,
    entries: { k: "a" },
    programs: [program(set("n", "b"), set("m", "c"))],
    tools: [sameOwnHand, collects],
    ticks: [day]
  },
  gc_regctl: {
    ...one,
    programs: [program(set("n", "b"), collect)],
    tools: [{ kind: "add and collect", name: "x", to: "d" }],
    ticks: [day]
  },
  gc_undo: { ...one, programs: [program(set("n", "b"), collect)], tools: [collects, collects], ticks: [2 * day] },
  gc_twice: { ...one, programs: [program(set("n", "b"), look)], tools: [collects, collects], delays: [minute] },
  gc_foreign_delete: {
    ...one,
    entries: { n: "a", k: "b" },
    programs: [program(look, collect)],
    tools: [says("n", absent), collects],
    ticks: [2 * day]
  },
  gc_adoption: {
    ...bare,
    programs: [program(set("m", "c"), collect)],
    tools: [{ kind: "add and collect", name: "x", to: "d" }],
    ticks: [2 * day]
  },
  gc_handle_new: {
    ...bare,
    entries: {},
    programs: [program(set("n", "b"), look)],
    tools: [{ kind: "add and collect", name: "x", to: "d" }],
    ticks: [hour]
  },
  hold_found: {
    ...one,
    programs: [program(set("n", "b"), look)],
    tools: [says("n", "d"), collects],
    delays: [minute]
  },
  rely: {
    ...unneeded,
    programs: [program(collect, collect)],
    tools: [{ kind: "rewrite", how: "truncate", name: "x", to: "c", ownHand: true }],
    ticks: [minute]
  },
  rely_slow: {
    ...unneeded,
    programs: [program(collect, collect)],
    tools: [{ kind: "rewrite", how: "truncate", name: "x", to: "c", ownHand: true }],
    ticks: [hour]
  },
  rely_slow_temporary: {
    ...unneeded,
    programs: [program(collect, collect)],
    tools: [{ kind: "rewrite", how: "truncate", name: "x", to: "c", ownHand: true, temporary: true }],
    ticks: [hour, day]
  },
  limit_rely_over_a_day: {
    ...unneeded,
    programs: [program(collect, collect)],
    tools: [says("x", "c")],
    ticks: [day]
  },
  rely_gc: {
    ...unneeded,
    programs: [program(collect, look, collect)],
    tools: [says("x", "c"), collects],
    ticks: [hour]
  },
  rely_drop: {
    ...unneeded,
    programs: [program(collect, collect, collect)],
    tools: [says("x", "c"), says("x", absent)],
    ticks: [hour]
  }
}

const wiped: Readonly<Record<string, World>> = {
  wipe: { ...one, programs: [program(set("n", "b"), look)], tools: [wipes({ x: "d" })], ticks: [minute] },
  wipe_shared: { ...one, programs: [program(set("m", "b"), look)], tools: [wipes({ n: "a" })], ticks: [day] },
  wipe_same_image: { ...one, programs: [program(set("n", "b"), look)], tools: [wipes({ x: "b" })], ticks: [minute] },
  wipe_ours: { ...one, programs: [program(set("m", "b"), set("k", "c"))], tools: [wipes({ x: "d" })] },
  wipe_ours_same: { ...one, programs: [program(set("m", "b"), set("k", "b"))], tools: [wipes({ x: "d" })] },
  wipe_pushed_again: {
    ...bare,
    entries: {},
    programs: [program(set("m", "b"), set("k", "b"))],
    tools: [wipes({ x: "d" })]
  },
  wipe_displaced: {
    ...one,
    entries: { n: "a", k: "a" },
    programs: [program(set("n", "b"), remove("n"))],
    tools: [says("n", "d"), wipes({ x: "d" })],
    kills: 1,
    delays: [minute]
  },
  wipe_power: {
    ...one,
    programs: [program(set("n", "b"), set("m", "c"))],
    tools: [says("x", "d"), wipes({ y: "e" })],
    powerCuts: 1,
    fileSystem: "loose",
    delays: [minute, day]
  },
  limit_wipe_slowly: {
    ...one,
    programs: [program(set("n", "b"), look)],
    tools: [{ kind: "wipe", builds: { x: "d" }, slowly: true }],
    delays: [minute]
  },
  copied_wipe: {
    ...one,
    programs: [program(set("n", "b"), look)],
    tools: [{ kind: "copy" }, wipes({ x: "d" })]
  },
  copied_same: {
    ...one,
    history: { commands: [look], age: day },
    programs: [program(set("n", "b"))],
    tools: [sameOwnHand, { kind: "copy" }],
    ticks: [5 * day],
    delays: [minute]
  },
  copied_strips: {
    ...one,
    programs: [program(set("n", "b"), look)],
    tools: [{ kind: "copy" }, strips("x", "d")]
  },
  copied_strips_gc: {
    ...one,
    programs: [program(set("n", "b"))],
    tools: [strips("x", "d"), collects, { kind: "copy" }]
  },
  moved_strips: {
    ...one,
    programs: [program(set("n", "b"), look)],
    tools: [{ kind: "replace blobs" }, strips("x", "d")]
  },
  limit_moved_strips_gc: {
    ...one,
    programs: [program(set("n", "b"))],
    tools: [{ kind: "replace blobs" }, strips("x", "d"), collects]
  }
}

const readers: Readonly<Record<string, World>> = {
  reader_small: {
    ...one,
    programs: [program(set("n", "b"))],
    tools: [says("x", "d")],
    readers: 1,
    tries: 1,
    delays: [minute]
  },
  reader: {
    ...one,
    programs: [program(set("n", "b"), set("m", "c"))],
    tools: [says("x", "d")],
    readers: 1,
    tries: 1,
    kills: 1,
    delays: [minute]
  },
  reader_two: {
    ...one,
    programs: [program(set("n", "b")), program(set("m", "c"))],
    tools: [sameTruncated],
    readers: 1,
    kills: 1,
    delays: [minute]
  },
  reader_gc: {
    ...one,
    programs: [program(set("n", "b"))],
    tools: [sameTruncated, collects],
    readers: 1,
    delays: [minute]
  },
  reader_rely: { ...unneeded, programs: [program(collect)], tools: [says("x", "c")], readers: 1, delays: [minute] }
}

/** a and b share a layer; c has one of its own. */
const layers = { a: ["L"], b: ["L", "M"], c: ["N"], d: ["L", "O"] } as const

const layered: Readonly<Record<string, World>> = {
  layers_gc_old: { ...one, layers, programs: [program(set("n", "b"), look)], tools: [collectsOneByOne], ticks: [day] },
  layers_gc_twice: {
    ...one,
    layers,
    programs: [program(set("n", "b"))],
    tools: [collectsOneByOne, collects],
    delays: [minute, 2 * day]
  },
  layers_foreign: {
    ...one,
    layers,
    programs: [program(set("n", "b"), look)],
    tools: [says("x", "d"), collectsOneByOne],
    delays: [minute]
  },
  layers_found: {
    ...one,
    layers,
    programs: [program(set("n", "b"), look)],
    tools: [says("n", "d"), collects],
    delays: [minute, 2 * day]
  },
  layers_rely: {
    ...unneeded,
    layers,
    programs: [program(collect, collect)],
    tools: [{ kind: "rewrite", how: "truncate", name: "x", to: "c" }],
    ticks: [hour]
  },
  layers_rely_shared: {
    entries: { n: "c", z: "a" },
    layers,
    history: { commands: [look, remove("z")], age: 2 * week },
    fileSystem: "ordered",
    programs: [program(collect, look, collect)],
    tools: [says("x", "d")],
    ticks: [hour]
  },
  layers_wipe: {
    ...one,
    layers,
    programs: [program(set("n", "b"), look)],
    tools: [wipes({ x: "d" })],
    ticks: [minute]
  },
  layers_undo: {
    ...one,
    layers,
    programs: [program(set("n", "c"), collect)],
    tools: [collects, collects],
    ticks: [2 * day]
  },
  layers_unreadable: {
    ...one,
    entries: { n: "a", x: "d" },
    layers,
    programs: [program(look, collect, collect)],
    tools: [collects, says("x", "d")],
    ticks: [2 * day, 2 * day],
    delays: [minute]
  },
  young_stamp: {
    ...one,
    layers,
    programs: [program(set("n", "b"), look, look)],
    tools: [collectsOneByOne],
    ticks: [minute]
  }
}

const torn: Readonly<Record<string, World>> = {
  torn_found: {
    ...one,
    tears: true,
    programs: [program(look, set("n", "d"))],
    tools: [says("x", "d")],
    powerCuts: 1,
    delays: [minute]
  },
  torn_accepted: {
    ...one,
    layers,
    tears: true,
    programs: [program(look, set("m", "c"))],
    tools: [says("x", "d")],
    powerCuts: 1,
    delays: [minute]
  },
  torn_pushed_again: {
    ...one,
    tears: true,
    programs: [program(set("m", "c"), set("m", "d"))],
    tools: [says("x", "d")],
    powerCuts: 1,
    delays: [minute]
  },
  hold_lost: {
    ...one,
    tears: true,
    programs: [program(set("n", "b"), look)],
    tools: [says("n", "d"), collects],
    powerCuts: 1,
    delays: [minute]
  }
}

const clocks: Readonly<Record<string, World>> = {
  clock_back_same: {
    ...one,
    history: { commands: [look], age: week },
    programs: [program(set("n", "b"), look)],
    tools: [sameTruncated],
    ticks: [{ jump: -5 * day }]
  },
  clock_back_gc: {
    ...one,
    history: { commands: [look], age: week },
    programs: [program(set("n", "b"), collect)],
    tools: [collects],
    ticks: [{ jump: -5 * day }]
  },
  clock_back_rely: {
    ...unneeded,
    programs: [program(collect, collect)],
    tools: [says("x", "c")],
    ticks: [{ jump: -5 * day }]
  },
  clock_back_restored: {
    ...one,
    history: { commands: [look], age: week },
    programs: [program(set("n", "b"), look)],
    tools: [{ kind: "restore", how: "copy" }],
    ticks: [{ jump: -5 * day }]
  },
  clock_set_right: {
    ...one,
    history: { commands: [look, set("m", "c")], age: hour },
    programs: [program(set("n", "b"), look)],
    tools: [sameTruncated],
    ticks: [{ jump: -5 * day }, { jump: 5 * day }]
  },
  clock_forth_own_hand: {
    ...one,
    programs: [program(set("n", "b"), look)],
    tools: [sameOwnHand],
    ticks: [{ jump: 2 * day }]
  },
  clock_forth_gc: {
    ...one,
    programs: [program(set("n", "b"), collect)],
    tools: [collects],
    ticks: [{ jump: 2 * day }]
  },
  clock_forth_pushing: {
    ...one,
    programs: [program(set("n", "b"), collect)],
    tools: [says("x", "d")],
    ticks: [{ jump: 2 * day }]
  },
  limit_clock_forth_same: {
    ...one,
    programs: [program(set("n", "b"), look)],
    tools: [sameTruncated],
    ticks: [{ jump: 2 * day }]
  },
  limit_clock_forth_rely: {
    ...unneeded,
    programs: [program(collect, collect)],
    tools: [says("x", "c")],
    ticks: [{ jump: 2 * day }]
  },
  limit_clock_forth_undo: {
    ...one,
    programs: [program(set("n", "b"), collect, collect)],
    ticks: [{ jump: 2 * week }, { jump: 2 * day }],
    delays: [minute]
  },
  limit_clock_back_restored: {
    ...one,
    history: { commands: [look], age: week },
    programs: [program(set("n", "b"), look)],
    tools: [{ kind: "restore", how: "copy" }],
    ticks: [5 * day, { jump: -6 * day }]
  }
}

export const worlds: Readonly<Record<string, World>> = {
  ...sameBytes,
  ...power,
  ...foreign,
  ...content,
  ...wiped,
  ...readers,
  ...layered,
  ...torn,
  ...clocks
}
