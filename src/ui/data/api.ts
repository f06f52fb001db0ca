/** Questions to the server that the page came from, and to no other. */
import type * as answers from "../../http/ui/answers.ts"

/** What each address answers. */
export interface Answers {
  readonly session: answers.Session
  readonly repositories: answers.Repositories
  readonly tags: answers.Tags
  readonly details: answers.Details
  readonly moves: answers.Moves
  readonly history: answers.History
  readonly image: answers.Image
  readonly layers: answers.Layers
  readonly document: answers.Document
  readonly files: answers.Files
  readonly find: answers.Files
  readonly file: answers.FileText
  readonly diff: answers.Diff
  readonly "text-diff": answers.TextDiff
  readonly space: answers.Space
  readonly garbage: answers.Garbage
}

/** What is sent to be changed, and what it is answered with. */
export interface Changes {
  readonly "POST tag": readonly [answers.TagAsked, answers.Changed]
  readonly "DELETE tag": readonly [answers.UntagAsked, answers.Changed]
  readonly "POST restore": readonly [answers.RestoreAsked, answers.Changed]
  readonly "POST undo": readonly [answers.UndoAsked, answers.Changed]
  readonly "POST plan": readonly [Record<string, never>, answers.Garbage]
  readonly "POST collect": readonly [answers.CollectAsked, answers.Collected]
  readonly "POST repair": readonly [answers.RepairAsked, answers.Repaired]
}

export type Query = Readonly<Record<string, string | number | undefined | ReadonlyArray<string>>>

/** What a failed question was answered. */
class Failure extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Relative to the page, so that a proxy may serve it below any path. */
export const addressOf = (name: string, query: Query = {}): string => {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === "") continue
    if (typeof value === "object") { for (const one of value) search.append(key, one) }
    else search.append(key, String(value))
  }
  const text = search.toString()
  return `api/${name}${text === "" ? "" : `?${text}`}`
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined

/** The message of the distribution-spec's body of errors. */
const failureOf = async (response: Response): Promise<Failure> => {
  const text = await response.text()
  let message = `${response.status} ${response.statusText}`
  try {
    const errors = fieldOf(JSON.parse(text), "errors")
    const said = fieldOf(Array.isArray(errors) ? errors[0] : undefined, "message")
    if (typeof said === "string" && said !== "") message = said
  } catch {
    // A proxy answers in its own words, and its status says enough.
  }
  return new Failure(response.status, message)
}

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null

/** The server describes its answers by the schemas whose types these are, and its tests hold it to them. */
export const isAnswer = <Name extends keyof Answers>(_name: Name, value: unknown): value is Answers[Name] =>
  isObject(value)

const isChanged = <What extends keyof Changes>(_what: What, value: unknown): value is Changes[What][1] =>
  isObject(value)

const isVerifyLine = (value: unknown): value is answers.VerifyLine => isObject(value)

const unreadable = (status: number): Failure => new Failure(status, "the server's answer cannot be read")

const jsonOf = async (response: Response): Promise<unknown> => {
  if (!response.ok) throw await failureOf(response)
  return response.json()
}

/** Questions whose answers are under way before anything that shows them is. */
const early = new Map<string, Promise<Response>>()

/** Asks what will be asked for in a moment. */
export const askEarly = (name: keyof Answers, query: Query = {}): void => {
  const address = addressOf(name, query)
  const asked = fetch(address)
  // A failure is told where the answer is waited for.
  asked.catch(() => undefined)
  early.set(address, asked)
}

export const ask = async <Name extends keyof Answers>(
  name: Name,
  query: Query = {},
  signal: AbortSignal | null = null
): Promise<Answers[Name]> => {
  const address = addressOf(name, query)
  const asked = early.get(address) ?? fetch(address, { signal })
  early.delete(address)
  const value = await jsonOf(await asked)
  if (!isAnswer(name, value)) throw unreadable(200)
  return value
}

/** What only the page sends: see `guard.ts` of the server. */
export const change = async <What extends keyof Changes>(
  what: What,
  body: Changes[What][0],
  query: Query = {}
): Promise<Changes[What][1]> => {
  const [method = "POST", name = ""] = what.split(" ")
  const response = await fetch(addressOf(name, query), {
    method,
    headers: { "content-type": "application/json", "x-ocilayout-page": "1" },
    body: JSON.stringify(body)
  })
  const value = await jsonOf(response)
  if (!isChanged(what, value)) throw unreadable(response.status)
  return value
}

/** What is found while the layout is verified, as it is found. */
export async function* verifying(level: "links" | "content", signal: AbortSignal): AsyncGenerator<answers.VerifyLine> {
  const response = await fetch(addressOf("verify", { level }), { signal })
  if (!response.ok || response.body === null) throw await failureOf(response)
  const decoder = new TextDecoder()
  let rest = ""
  for await (const piece of response.body) {
    const parts = (rest + decoder.decode(piece, { stream: true })).split("\n")
    rest = parts.pop() ?? ""
    for (const part of parts) {
      const value: unknown = JSON.parse(part)
      if (isVerifyLine(value)) yield value
    }
  }
}

export const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)
