/** A list that is asked for page by page, newest first, and from its beginning after every commit. */
import { useEffect, useState } from "preact/hooks"
import type { Commit, History } from "../../http/ui/answers.ts"
import { ask, messageOf, type Query } from "./api.ts"
import { useBeat } from "./live.ts"

export interface Pages {
  readonly commits: ReadonlyArray<Commit>
  readonly next: number | undefined
  readonly incomplete: string | undefined
  readonly failure: string | undefined
  readonly isLoading: boolean
  readonly more: () => void
}

const empty = { commits: [], next: undefined, incomplete: undefined, failure: undefined, isLoading: true }

export const useHistory = (query: Query): Pages => {
  const beat = useBeat()
  const key = JSON.stringify(query)
  const [pages, setPages] = useState<Omit<Pages, "more"> & { readonly key: string }>({ ...empty, key })
  const load = (before: number | undefined, signal: AbortSignal | null): void => {
    ask("history", { ...query, before }, signal).then(
      ({ commits, incomplete, next }: History) =>
        setPages((had) => ({
          key,
          commits: before === undefined ? commits : [...had.commits, ...commits],
          next,
          incomplete,
          failure: undefined,
          isLoading: false
        })),
      (error: unknown) => {
        if (signal?.aborted !== true) setPages({ ...empty, key, isLoading: false, failure: messageOf(error) })
      }
    )
  }
  useEffect(() => {
    const control = new AbortController()
    load(undefined, control.signal)
    return () => control.abort()
  }, [key, beat])
  const shown = pages.key === key ? pages : { ...empty, key }
  return { ...shown, more: () => load(shown.next, null) }
}
