/** What tools and people do to a layout that know nothing of us; none of them syncs or takes our lock. */
import { push, reached, takeAll } from "./contents.ts"
import { at, type Bytes, entriesOf, parse, print, torn, withEntry } from "./indexes.ts"
import { committed } from "./journal.ts"
import { allowedOf, alsoAllow, ends, isTwofold, mayBeKept, writesAll, writesOver, writtenOver } from "./obligations.ts"
import {
  blobsChanged,
  createFile,
  ended,
  fileOf,
  nothing,
  readableIndex,
  replaceAt,
  replaceIndex,
  type State,
  type Step,
  step,
  type ToolState,
  writeInPlace
} from "./State.ts"
import { absent, type Content, day, type Tool, type World } from "./World.ts"

interface Turn {
  readonly state: State
  readonly world: World
  readonly k: number
  readonly self: ToolState
}

type Of<Kind extends Tool["kind"]> = Extract<Tool, { readonly kind: Kind }>

const over: ToolState = { step: ended }

/** One step; `change` gives what the tool is like afterwards. */
const does = (turn: Turn, label: string, change: (draft: State) => ToolState): ReadonlyArray<Step> =>
  step(turn.state, `tool ${turn.k}: ${label}`, (draft) => {
    const after = change(draft)
    draft.tools = replaceAt(draft.tools, turn.k, after)
  })

const read = (turn: Turn, more: (draft: State, bytes: Bytes) => Partial<ToolState>): ReadonlyArray<Step> => {
  const file = readableIndex(turn.state)
  if (file === undefined) return []
  const { bytes } = file
  return does(turn, "reads the index", (draft) => ({ step: 1, read: bytes, ...more(draft, bytes) }))
}

const readBytes = ({ self: { read } }: Turn): Bytes => {
  if (read === undefined) throw new Error("a tool writes what it has not read")
  return read
}

/** Who renames over a file into which another one writes takes that one's word away. */
const takesOver = (draft: State, k: number): void => {
  draft.tools = draft.tools.map((each, i) =>
    i !== k && each.open !== undefined && each.open === draft.index ? { ...each, lost: true } : each
  )
}

const rename = (draft: State, k: number, bytes: Bytes, mtime?: number): void => {
  takesOver(draft, k)
  replaceIndex(draft, createFile(draft, bytes, mtime))
}

/** What a collector that is not ours keeps: it reads the manifests that it finds. */
const keptBy = ({ state, world }: Turn, bytes: Bytes): ReadonlySet<Content> => {
  const named = Object.values(entriesOf(bytes))
  const readable = named.filter((each) => state.blobs.includes(each) && !state.torn.includes(each))
  return new Set([...named, ...reached(world, readable)])
}

const piecesOf = ({ world }: Turn, to: Content | undefined): ReadonlyArray<Content> =>
  to === undefined || to === absent ? [] : [...world.layers?.[to] ?? [], to]

const rewrite = (tool: Of<"rewrite">, turn: Turn): ReadonlyArray<Step> => {
  const { self, state } = turn
  const { name, to = absent } = tool
  const pieces = name === undefined ? [] : piecesOf(turn, to)
  if (self.step === 0) {
    return read(turn, (draft, bytes) =>
      name === undefined ? {} : {
        name,
        before: allowedOf(draft.allowed, name),
        strict: draft.leftIndex === bytes && tool.strips !== true
      })
  }
  const pushes = Math.max(1, pieces.length)
  const temporary = tool.temporary === true
  if (self.step <= pushes) {
    const piece = pieces[self.step - 1]
    const label = piece === undefined
      ? "thinks"
      : state.blobs.includes(piece)
      ? `relies on ${piece}`
      : `pushes ${piece}`
    return does(turn, label, (draft) => {
      if (piece !== undefined) push(draft, [piece], "a tool")
      return { ...self, step: self.step + 1, temporary }
    })
  }
  const { entries, generation } = parse(readBytes(turn))
  const kept = tool.strips === true ? undefined : generation
  const bytes = print(name === undefined ? entries : withEntry(entries, name, to), kept)
  const exits = (draft: State): ToolState => {
    if (tool.ownHand === true) draft.layoutWritten = draft.clock
    if (name === undefined) return over
    const strict = self.strict ?? false
    const twofold = self.lost === true || (!strict && isTwofold(draft, kept, name, to))
    if (twofold) alsoAllow(draft, name, to)
    else ends(draft, name, to, self.before ?? [])
    if (!strict || at(entries, name) === to) mayBeKept(draft, kept, name, to)
    return over
  }
  if (tool.how === "rename") {
    return does(turn, "renames over the index, exit 0", (draft) => {
      writesOver(draft, writtenOver(draft), bytes, name)
      rename(draft, turn.k, bytes)
      return exits(draft)
    })
  }
  if (self.open === undefined) {
    if (state.index === nothing) return []
    return does(turn, "truncates the index", (draft) => {
      const cut = writtenOver(draft)
      writeInPlace(draft, draft.index, torn)
      return { ...self, open: draft.index, cut }
    })
  }
  const { open } = self
  return does(turn, "writes the index, exit 0", (draft) => {
    const there = fileOf(draft, open).bytes
    writesOver(draft, there === torn ? self.cut ?? {} : entriesOf(there), bytes, name)
    writeInPlace(draft, open, bytes)
    return exits(draft)
  })
}

const collect = (tool: Of<"collect">, turn: Turn): ReadonlyArray<Step> => {
  const { self, state, world } = turn
  if (self.step === 0) return read(turn, () => ({}))
  const kept = new Set(self.kept ?? keptBy(turn, readBytes(turn)))
  const rest = state.blobs.filter((each) => !kept.has(each))
  if (tool.oneByOne === undefined) {
    return does(turn, "removes what it does not keep", (draft) => {
      takeAll(draft, world, rest)
      return over
    })
  }
  if (self.kept === undefined) return does(turn, "reads the manifests", () => ({ ...self, kept: [...kept] }))
  const [first] = rest
  return does(turn, first === undefined ? "exit 0" : `removes ${first}`, (draft) => {
    if (first !== undefined) takeAll(draft, world, [first])
    return first === undefined ? over : self
  })
}

const addAndCollect = ({ name, to }: Of<"add and collect">, turn: Turn): ReadonlyArray<Step> => {
  const { k, self, state, world } = turn
  if (self.step === 0) return read(turn, (draft) => ({ name, before: allowedOf(draft.allowed, name) }))
  const { entries, generation } = parse(readBytes(turn))
  const bytes = print(withEntry(entries, name, to), generation)
  if (self.step === 1) {
    return does(turn, "pushes, renames over the index", (draft) => {
      push(draft, piecesOf(turn, to), "a tool")
      writesOver(draft, writtenOver(draft), bytes, name)
      rename(draft, k, bytes)
      ends(draft, name, to, self.before ?? [])
      return { ...self, step: 2 }
    })
  }
  const kept = keptBy(turn, bytes)
  return does(turn, "removes what it does not keep, exit 0", (draft) => {
    takeAll(draft, world, state.blobs.filter((each) => !kept.has(each)))
    return over
  })
}

/** Since when, really, the index with these bytes has not been the latest, if it ever was. */
const supersededSince = ({ journal }: State, bytes: Bytes): number => {
  const groups = committed(journal)
  return Math.max(
    -1,
    ...groups.map(({ after, before, realTime }, i) =>
      after === bytes ? groups[i + 1]?.realTime ?? Infinity : before === bytes ? realTime : -1
    )
  )
}

const restore = ({ how }: Of<"restore">, turn: Turn): ReadonlyArray<Step> => {
  const { k, self } = turn
  if (self.step === 0) return read(turn, ({ clock }) => ({ readAt: clock }))
  const bytes = readBytes(turn)
  const { entries } = parse(bytes)
  return does(turn, `puts the index back (${how})`, (draft) => {
    const since = supersededSince(draft, bytes)
    if (since < 0) { for (const [name, to] of Object.entries(entries)) alsoAllow(draft, name, to) }
    if (since >= 0 && draft.realTime - since >= day) writesAll(draft, entries)
    else writesOver(draft, writtenOver(draft), bytes, undefined)
    if (how === "copy" && draft.index !== nothing) writeInPlace(draft, draft.index, bytes)
    else rename(draft, k, bytes, self.readAt)
    return over
  })
}

const allQuiet = ({ k, state }: Turn): boolean =>
  state.lock === -1 && state.index !== nothing && state.writers.every(({ phase }) => phase === "idle") &&
  state.tools.every((each, i) => i === k || each.step === 0 || each.step === ended)

const removeBlobs = (draft: State, world: World): void => {
  takeAll(draft, world, draft.blobs)
  draft.identities = { ...draft.identities, blobs: draft.identities.blobs + 1 }
}

const removeIndex = (draft: State): void => {
  replaceIndex(draft, nothing)
  draft.identities = { ...draft.identities, layoutFile: draft.identities.layoutFile + 1 }
  writesAll(draft, {})
  draft.wiped = true
}

const wipe = ({ builds, slowly }: Of<"wipe">, turn: Turn): ReadonlyArray<Step> => {
  const { self, state, world } = turn
  if (self.step === 0) {
    if (!allQuiet(turn)) return []
    return does(turn, slowly === true ? "rm -rf of blobs/" : "rm -rf", (draft) => {
      if (draft.newCopy) return over
      removeBlobs(draft, world)
      if (slowly === true) return { step: 1 }
      removeIndex(draft)
      return { step: 2 }
    })
  }
  if (self.step === 1) {
    if (!allQuiet(turn)) return []
    return does(turn, "rm -rf of the rest", (draft) => {
      removeIndex(draft)
      return { step: 2 }
    })
  }
  if (state.index !== nothing) return []
  return does(turn, "another tool builds anew", (draft) => {
    replaceIndex(draft, createFile(draft, print(builds)))
    draft.layoutWritten = draft.clock
    blobsChanged(draft, [...draft.blobs, ...reached(world, Object.values(builds))])
    writesAll(draft, builds)
    return over
  })
}

const copy = (turn: Turn): ReadonlyArray<Step> => {
  const { self, state } = turn
  if (self.step !== 0 || state.lock !== -1 || state.index === nothing || state.wiped) return []
  return does(turn, "cp -r of the whole layout, used from now on", (draft) => {
    const { blobs, layoutFile, own } = draft.identities
    draft.identities = { blobs: blobs + 1, layoutFile: layoutFile + 1, own: own + 1 }
    draft.newCopy = true
    const file = fileOf(draft, draft.index)
    draft.files = { ...draft.files, [draft.index]: { ...file, mtime: draft.clock, ctime: draft.clock } }
    return over
  })
}

const replaceBlobs = (turn: Turn): ReadonlyArray<Step> => {
  const { self, state } = turn
  if (self.step !== 0 || state.index === nothing || state.wiped) return []
  return does(turn, "blobs/ is replaced by a copy of itself", (draft) => {
    draft.identities = { ...draft.identities, blobs: draft.identities.blobs + 1 }
    return over
  })
}

const diverge = ({ name, to }: Of<"diverge">, turn: Turn): ReadonlyArray<Step> => {
  const { self, state, world } = turn
  if (self.step === 0) {
    const file = readableIndex(state)
    const generation = file === undefined ? undefined : parse(file.bytes).generation
    if (file === undefined || generation === undefined) return []
    const entries = withEntry(parse(file.bytes).entries, name, to)
    const bytes = print(entries, { ...generation, number: generation.number + 1, hash: "other" })
    return does(turn, "cp -r elsewhere, commit there", (draft) => ({
      step: 1,
      read: bytes,
      name,
      before: allowedOf(draft.allowed, name)
    }))
  }
  if (state.index === nothing) return []
  const bytes = readBytes(turn)
  return does(turn, "cp of that index over ours", (draft) => {
    push(draft, reached(world, [to]), "a tool")
    writesOver(draft, writtenOver(draft), bytes, name)
    writeInPlace(draft, draft.index, bytes)
    ends(draft, name, to, self.before ?? [])
    return over
  })
}

export const toolSteps = (state: State, world: World, k: number): ReadonlyArray<Step> => {
  const tool = world.tools?.[k]
  const self = state.tools[k]
  if (tool === undefined || self === undefined || self.step === ended) return []
  const turn: Turn = { state, world, k, self }
  switch (tool.kind) {
    case "rewrite":
      return rewrite(tool, turn)
    case "collect":
      return collect(tool, turn)
    case "add and collect":
      return addAndCollect(tool, turn)
    case "restore":
      return restore(tool, turn)
    case "wipe":
      return wipe(tool, turn)
    case "copy":
      return copy(turn)
    case "replace blobs":
      return replaceBlobs(turn)
    case "diverge":
      return diverge(tool, turn)
  }
}
