/**
 * Patterns of code: TypeScript in which `$name` stands for any piece, and `...$$name` for any number of them. A pattern
 * matches whatever comments, spaces and brackets the code has, and whatever the pieces are called that it leaves open.
 */
import { parseAst } from "rolldown/parseAst"

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

export interface Source {
  readonly path: string
  readonly text: string
}

type Holes = ReadonlyMap<string, string>

interface Match {
  /** From where to where in the text. */
  readonly start: number
  readonly end: number
  /** The code that each `$name` stands for. */
  readonly holes: Holes
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value

const parse = (text: string): Node => {
  const program: unknown = parseAst(text, { lang: "ts" })
  if (!isNode(program)) throw new Error("the parser gives no program")
  return program
}

/** Throws if it is no TypeScript. */
export const requireCode = (text: string): void => void parse(text)

const nodesIn = (value: unknown): ReadonlyArray<Node> =>
  Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : []

const childrenOf = (node: Node): ReadonlyArray<Node> => Object.values(node).flatMap(nodesIn)

const within = (node: Node): ReadonlyArray<Node> => [node, ...childrenOf(node).flatMap(within)]

const statementsOf = (body: unknown): ReadonlyArray<Node> => nodesIn(isNode(body) ? body["body"] : body)

/** As statements of a generator. */
const parsePattern = (pattern: string): ReadonlyArray<Node> => {
  const [generator] = statementsOf(parse(`function* pattern() {\n${pattern}\n}`))
  return statementsOf(generator?.["body"])
}

/** The strings in a file, each as the pieces that are written out. */
export const stringsIn = (text: string): ReadonlyArray<ReadonlyArray<string>> =>
  within(parse(text)).flatMap((node) => {
    if (node.type === "Literal" && typeof node["value"] === "string") return [[node["value"]]]
    if (node.type !== "TemplateLiteral") return []
    return [nodesIn(node["quasis"]).map(({ value }) => String(Reflect.get(Object(value), "cooked")))]
  })

/** What a piece of a pattern stands for: `$one` of something, `$$any` number of them. */
const holeOf = (node: unknown): string | undefined => {
  if (!isNode(node)) return undefined
  if (node.type === "ExpressionStatement") return holeOf(node["expression"])
  if (node.type === "TSTypeReference" && node["typeArguments"] === null) return holeOf(node["typeName"])
  if (node.type !== "Identifier") return undefined
  const { name } = node
  return typeof name === "string" && name.startsWith("$") ? name : undefined
}

const spreadHoleOf = (node: unknown): string | undefined => {
  if (!isNode(node)) return undefined
  const hole = holeOf(node.type === "SpreadElement" ? node["argument"] : node)
  return hole?.startsWith("$$") === true ? hole : undefined
}

/** Where code stands, and how its literals are written, says nothing of what it means. */
const isMeaning = (field: string): boolean => !["start", "end", "raw"].includes(field)

const matcher = (text: string) => {
  const filled = (holes: Holes, hole: string, code: string): Holes | undefined => {
    const known = holes.get(hole)
    if (known === undefined) return new Map([...holes, [hole, code]])
    return known.replaceAll(/\s/gu, "") === code.replaceAll(/\s/gu, "") ? holes : undefined
  }

  const codeOf = (nodes: ReadonlyArray<unknown>): string => {
    const [first, last] = [nodes[0], nodes.at(-1)]
    return isNode(first) && isNode(last) ? text.slice(first.start, last.end) : ""
  }

  const matchAll = (
    patterns: ReadonlyArray<unknown>,
    values: ReadonlyArray<unknown>,
    holes: Holes
  ): Holes | undefined => {
    const [pattern, ...patternsAfter] = patterns
    if (patterns.length === 0) return values.length === 0 ? holes : undefined
    const spread = spreadHoleOf(pattern)
    if (spread === undefined) {
      const next = values.length === 0 ? undefined : match(pattern, values[0], holes)
      return next === undefined ? undefined : matchAll(patternsAfter, values.slice(1), next)
    }
    for (let count = 0; count <= values.length; count++) {
      const next = filled(holes, spread, codeOf(values.slice(0, count)))
      const result = next === undefined ? undefined : matchAll(patternsAfter, values.slice(count), next)
      if (result !== undefined) return result
    }
    return undefined
  }

  const match = (pattern: unknown, value: unknown, holes: Holes): Holes | undefined => {
    const hole = holeOf(pattern)
    if (hole !== undefined && isNode(value)) return filled(holes, hole, text.slice(value.start, value.end))
    if (Array.isArray(pattern)) return Array.isArray(value) ? matchAll(pattern, value, holes) : undefined
    if (typeof pattern !== "object" || pattern === null) return pattern === value ? holes : undefined
    if (typeof value !== "object" || value === null) return undefined
    const fields = new Set([...Object.keys(pattern), ...Object.keys(value)].filter(isMeaning))
    let result: Holes | undefined = holes
    for (const field of fields) {
      result = match(Reflect.get(pattern, field), Reflect.get(value, field), result)
      if (result === undefined) return undefined
    }
    return result
  }

  return { match, matchAll }
}

/** All places in a piece of code that have the form of a pattern: an expression, or statements in a row. */
const matchesIn = (code: Node, text: string, pattern: ReadonlyArray<Node>): ReadonlyArray<Match> => {
  const { match, matchAll } = matcher(text)
  const [first] = pattern
  const empty: Holes = new Map()
  if (pattern.length === 1 && first !== undefined) {
    const one = first.type === "ExpressionStatement" ? first["expression"] : first
    return within(code).flatMap((node) => {
      const holes = match(one, node, empty)
      return holes === undefined ? [] : [{ start: node.start, end: node.end, holes }]
    })
  }
  return within(code).flatMap(Object.values).filter((value): value is ReadonlyArray<unknown> => Array.isArray(value))
    .flatMap((list) =>
      list.flatMap((_, from) => {
        const row = list.slice(from, from + pattern.length)
        const [begin, end] = [row[0], row.at(-1)]
        const holes = row.length < pattern.length ? undefined : matchAll(pattern, row, empty)
        return holes === undefined || !isNode(begin) || !isNode(end)
          ? []
          : [{ start: begin.start, end: end.end, holes }]
      })
    )
}

/** The statements at the top of a module that declare a name. */
const declarationsOf = (program: Node, name: string): ReadonlyArray<Node> =>
  statementsOf(program).filter((statement) => {
    const [declaration] = nodesIn(statement["declaration"])
    const declared = declaration ?? statement
    const ids = [declared, ...nodesIn(declared["declarations"])].flatMap((each) => nodesIn(each["id"]))
    return ids.some((id) => id["name"] === name)
  })

export interface Place extends Match {
  readonly source: Source
}

/** Every place in what is declared under a name, in any file, that has the form of a pattern. */
export const placesOf = (
  sources: ReadonlyArray<Source>,
  name: string,
  pattern: string
): { readonly declarations: number; readonly places: ReadonlyArray<Place> } => {
  const parsed = parsePattern(pattern)
  const word = new RegExp(`\\b${name}\\b`, "u")
  const declared = sources.filter(({ text }) => word.test(text)).flatMap((source) =>
    declarationsOf(parse(source.text), name).map((code) => ({ code, source }))
  )
  return {
    declarations: declared.length,
    places: declared.flatMap(({ code, source }) =>
      matchesIn(code, source.text, parsed).map((match) => ({ ...match, source }))
    )
  }
}

/** Code in which each `$name` is what it stood for where the pattern matched. */
export const fillHoles = (replacement: string, holes: Holes): string =>
  replacement.replaceAll(/(?:\.\.\.)?\$\$\w+|\$\w+/gu, (written) => {
    const code = holes.get(written.replace(/^\.\.\./u, ""))
    if (code === undefined) throw new Error(`the pattern has no ${written}`)
    return code
  })
