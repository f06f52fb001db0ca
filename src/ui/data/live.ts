/** Commits as they happen, from the server's events; what is shown is asked for anew after each. */
import { useEffect, useState } from "preact/hooks"
import type { Change } from "../../http/ui/answers.ts"
import { addressOf } from "./api.ts"

export interface LiveCommit {
  readonly revision: number
  readonly actor: string
  readonly changes: ReadonlyArray<Change>
}

export type LiveState = "connecting" | "live" | "off"

type Listener = () => void

let source: EventSource | undefined
let state: LiveState = "off"
/** How many commits have come. */
let beat = 0
let latest: LiveCommit | undefined
const listeners = new Set<Listener>()

const tell = (): void => {
  for (const listener of listeners) listener()
}

const isCommit = (value: unknown): value is { readonly data: LiveCommit } =>
  typeof value === "object" && value !== null && "data" in value

const setState = (next: LiveState): void => {
  if (state === next) return
  state = next
  tell()
}

/** Commits that come together are told once. */
let waiting: ReturnType<typeof setTimeout> | undefined

const came = (commit: LiveCommit): void => {
  latest = commit
  waiting ??= setTimeout(() => {
    waiting = undefined
    beat++
    tell()
  }, 150)
}

const open = (repository: string | undefined): void => {
  setState("connecting")
  source = new EventSource(addressOf("events", { repository }))
  source.addEventListener("open", () => setState("live"))
  source.addEventListener("commit", (event) => {
    const value: unknown = JSON.parse(String(event.data))
    if (isCommit(value)) came(value.data)
  })
  source.addEventListener("error", () => setState(source?.readyState === EventSource.CLOSED ? "off" : "connecting"))
}

const close = (): void => {
  source?.close()
  source = undefined
}

/** Listens while the page is seen; a page in the background takes none of the few listeners that a server has. */
export const listen = (repository: string | undefined): () => void => {
  const look = (): void => {
    if (document.visibilityState === "hidden") close()
    else if (source === undefined) {
      open(repository)
      // What has happened meanwhile was not told.
      if (beat > 0) came(latest ?? { revision: 0, actor: "", changes: [] })
    }
  }
  document.addEventListener("visibilitychange", look)
  look()
  return () => {
    document.removeEventListener("visibilitychange", look)
    close()
    setState("off")
  }
}

const useTold = <A>(read: () => A): A => {
  const [value, setValue] = useState(read)
  useEffect(() => {
    const listener = (): void => setValue(() => read())
    listeners.add(listener)
    listener()
    return () => void listeners.delete(listener)
  }, [])
  return value
}

export const useLiveState = (): LiveState => useTold(() => state)

/** Grows with every commit: what depends on it is asked for anew. */
export const useBeat = (): number => useTold(() => beat)

export const useLatest = (): LiveCommit | undefined => useTold(() => latest)
