/** How often each property runs in the long run, by the beginning of the name of its file, and of some by a part of its own. */
export const deepRuns: ReadonlyArray<readonly [file: string, times: number, test?: string]> = [
  ["promises/crash", 8500],
  ["promises/fault", 5000, "each of a history"],
  ["promises/fault", 120_000, "in many histories"],
  ["promises/collect", 5000],
  ["promises/linearizable", 50_000],
  ["hostile/hostile", 5100],
  ["hostile/hostileLayers", 200_000, "told or refused"],
  ["hostile/hostileLayers", 20_000, "is read as Go reads it"],
  ["hostile/hostileOwnTables", 20_000, "told or refused"],
  ["promises/layers", 20_000],
  ["promises/leases", 2000],
  ["promises/core", 5000],
  ["promises/sweep", 5000],
  ["promises/undo", 5000],
  ["promises/indexText", 5000],
  ["promises/hashing", 5000],
  ["promises/interleaving", 1000],
  ["promises/layoutModel", 1000]
]
