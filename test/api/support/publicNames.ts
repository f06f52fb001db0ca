/** What the entry points of the package export, read from the source: names, declarations, docstrings, types named. */
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path/posix"
import { parseAst } from "rolldown/parseAst"

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

/** A name and what it stands for. */
export interface Declared {
  readonly file: string
  readonly name: string
  /** The declaration without comments and without what a function does. */
  readonly text: string
  readonly isDocumented: boolean
  /** Names of types in the declaration, as the file has them. */
  readonly types: ReadonlySet<string>
}

interface Source {
  readonly text: string
  readonly body: ReadonlyArray<Node>
  readonly comments: ReadonlyArray<readonly [number, number]>
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"

const nodes = (value: unknown): ReadonlyArray<Node> => Array.isArray(value) ? value.filter(isNode) : []

const nameOf = (value: unknown): string => {
  const name = isNode(value) ? value["name"] ?? value["value"] : undefined
  return typeof name === "string" ? name : ""
}

const sources = new Map<string, Source>()

const sourceOf = (file: string): Source => {
  const known = sources.get(file)
  if (known !== undefined) return known
  const text = readFileSync(file, "utf8")
  const program: unknown = parseAst(text, { lang: "ts" }, file)
  const comments = Array.from(
    text.matchAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/gu),
    (match): readonly [number, number] => [match.index, match.index + match[0].length]
  )
  const source = { text, body: isNode(program) ? nodes(program["body"]) : [], comments }
  sources.set(file, source)
  return source
}

const targetOf = (file: string, { source }: Node): string | undefined => {
  const specifier = nameOf(source)
  return specifier.startsWith(".") ? join(dirname(file), specifier) : undefined
}

/** The names that a statement declares. */
const declares = (statement: Node): ReadonlyArray<string> =>
  statement.type === "VariableDeclaration"
    ? nodes(statement["declarations"]).map(({ id }) => nameOf(id))
    : [nameOf(statement["id"])]

const bodies = new Set(["BlockStatement", "ClassBody"])

/** Where in a declaration the values begin, which are no part of what is promised. */
const endOf = (statement: Node): number => {
  if (statement.type === "TSInterfaceDeclaration" || statement.type === "TSTypeAliasDeclaration") return statement.end
  if (statement.type === "VariableDeclaration") {
    const [first] = nodes(statement["declarations"])
    const init = first?.["init"]
    if (!isNode(init)) return statement.end
    return init.type === "ArrowFunctionExpression" && isNode(init["body"]) ? init["body"].start : init.start
  }
  const body = statement["body"]
  return isNode(body) && bodies.has(body.type) ? body.start : statement.end
}

const typesIn = (value: unknown, until: number, found: Set<string>): void => {
  if (Array.isArray(value)) {
    for (const item of value) typesIn(item, until, found)
    return
  }
  if (!isNode(value) || value.start >= until) return
  const head = value.type === "TSTypeReference"
    ? value["typeName"]
    : value.type === "TSInterfaceHeritage"
    ? value["expression"]
    : undefined
  if (isNode(head) && head.type === "Identifier") found.add(nameOf(head))
  for (const [key, child] of Object.entries(value)) if (key !== "loc" && key !== "range") typesIn(child, until, found)
}

const declaredBy = (file: string, name: string, exported: Node, statement: Node): Declared => {
  const { comments, text } = sourceOf(file)
  const end = endOf(statement)
  const before = comments.findLast(([, last]) => last <= exported.start)
  const doc = before !== undefined && /^\s*$/u.test(text.slice(before[1], exported.start)) ? text.slice(...before) : ""
  const inside = comments.filter(([first, last]) => first >= statement.start && last <= end)
  let code = ""
  let at = statement.start
  for (const [first, last] of inside) {
    code += text.slice(at, first)
    at = last
  }
  code += text.slice(at, end)
  const types = new Set<string>()
  typesIn(statement, end, types)
  return {
    file,
    name,
    text: code.replaceAll(/[ \t]*\n(?:[ \t]*\n)*/gu, "\n").replace(/\s*=>?\s*$/u, "").trim(),
    isDocumented: doc.startsWith("/**"),
    types
  }
}

/** What a name of a file stands for, in whichever file that is declared. */
export const resolveName = (file: string, name: string): Declared | undefined => {
  const { body } = sourceOf(file)
  for (const statement of body) {
    const inner = statement.type === "ExportNamedDeclaration" && isNode(statement["declaration"])
      ? statement["declaration"]
      : statement
    const isDeclaration = inner.type.endsWith("Declaration") && !/^(?:Import|Export)/u.test(inner.type)
    // Where a schema and its type have one name, the schema comes first and has the docstring.
    if (isDeclaration && declares(inner).includes(name)) return declaredBy(file, name, statement, inner)
    const target = targetOf(file, statement)
    if (target === undefined) continue
    for (const specifier of nodes(statement["specifiers"])) {
      const isImport = specifier.type === "ImportSpecifier"
      const outer = isImport ? specifier["local"] : specifier["exported"]
      const original = isImport ? specifier["imported"] : specifier["local"]
      if (nameOf(outer) === name && nameOf(original) !== "") return resolveName(target, nameOf(original))
    }
  }
  return undefined
}

/** Everything that a file exports, by name. */
export const exportsOf = (file: string): ReadonlyMap<string, Declared | { readonly namespace: string }> => {
  const found = new Map<string, Declared | { readonly namespace: string }>()
  const add = (name: string, declared: Declared | undefined): void => {
    if (declared !== undefined && !found.has(name)) found.set(name, declared)
  }
  for (const statement of sourceOf(file).body) {
    const target = targetOf(file, statement)
    if (statement.type === "ExportAllDeclaration" && target !== undefined) {
      const alias = nameOf(statement["exported"])
      if (alias !== "") found.set(alias, { namespace: target })
      else for (const [name, declared] of exportsOf(target)) if (!found.has(name)) found.set(name, declared)
    }
    if (statement.type !== "ExportNamedDeclaration") continue
    if (isNode(statement["declaration"])) {
      for (const name of declares(statement["declaration"])) add(name, resolveName(file, name))
    }
    for (const specifier of nodes(statement["specifiers"])) {
      const name = nameOf(specifier["exported"])
      add(
        name,
        target === undefined
          ? resolveName(file, nameOf(specifier["local"]))
          : resolveName(target, nameOf(specifier["local"]))
      )
    }
  }
  return found
}
