/** The tags of a repository, however many: the first at once, the rest while they are looked at. */
import { useEffect, useLayoutEffect, useState } from "preact/hooks"
import type { Detail, Moves } from "../../http/ui/answers.ts"
import { ask, messageOf, type Query } from "./api.ts"
import { useBeat } from "./live.ts"

export interface Tag {
  readonly tag: string
  readonly digest: string
}

interface Listed {
  readonly repository: string
  readonly tags: ReadonlyArray<Tag>
  readonly isComplete: boolean
  readonly failure: string | undefined
}

/** Tags of the first page, which is painted before the rest has come. */
const firstPage = 60

/** The question for them. */
export const firstTags = (repository: string): Query => ({ repository, limit: firstPage })

const drawn = (): Promise<void> => new Promise((resolve) => void requestAnimationFrame(() => void setTimeout(resolve)))

const notListed = (repository: string): Listed => ({ repository, tags: [], isComplete: false, failure: undefined })

/** All tags in lexical order; what was there stays until what is there now has come. */
export const useTags = (repository: string): Listed => {
  const beat = useBeat()
  const [listed, setListed] = useState(() => notListed(repository))
  useLayoutEffect(() => {
    const control = new AbortController()
    const load = async (): Promise<void> => {
      const tags: Array<Tag> = []
      let after: string | undefined
      do {
        const query = after === undefined ? firstTags(repository) : { repository, after }
        const page = await ask("tags", query, control.signal)
        tags.push(...page.tags)
        after = page.next
        const isComplete = after === undefined
        const so = tags.slice()
        setListed((before) =>
          isComplete || before.repository !== repository || !before.isComplete
            ? { repository, tags: so, isComplete, failure: undefined }
            : before
        )
        // What is seen first is drawn first.
        if (!isComplete) await drawn()
      } while (after !== undefined)
    }
    load().catch((error: unknown) => {
      if (!control.signal.aborted) setListed({ ...notListed(repository), isComplete: true, failure: messageOf(error) })
    })
    return () => control.abort()
  }, [repository, beat])
  return listed.repository === repository ? listed : notListed(repository)
}

/** What is known of manifests; content of one digest never changes. */
const known = new Map<string, Detail>()
const asked = new Set<string>()
const listeners = new Set<() => void>()
let queue: Array<readonly [repository: string, digest: string]> = []
let running = 0

const batch = 50
const atOnce = 2

const keyOf = (repository: string, digest: string): string => `${repository} ${digest}`

const run = (): void => {
  while (running < atOnce && queue.length > 0) {
    const repository = queue.at(-1)?.[0] ?? ""
    const digests: Array<string> = []
    const rest: typeof queue = []
    // What was asked for last is seen now.
    for (const one of queue.toReversed()) {
      if (one[0] === repository && digests.length < batch) digests.push(one[1])
      else rest.push(one)
    }
    queue = rest.toReversed()
    running++
    ask("details", { repository, digest: digests }).then(({ details }) => {
      for (const detail of details) known.set(keyOf(repository, detail.digest), detail)
      return undefined
    }, () => {
      // They are asked for anew when they are seen the next time.
      for (const digest of digests) asked.delete(keyOf(repository, digest))
    }).finally(() => {
      running--
      for (const listener of listeners) listener()
      run()
    })
  }
}

/** Asks for what is not known yet, the first of the list first. */
export const wantDetails = (repository: string, digests: ReadonlyArray<string>): void => {
  const missing = new Set(digests.filter((digest) => !known.has(keyOf(repository, digest))))
  const fresh = Array.from(missing).filter((digest) => !asked.has(keyOf(repository, digest)))
  for (const digest of fresh) asked.add(keyOf(repository, digest))
  // What is seen now goes before what is waiting for it already.
  const waits = queue.filter(([of, digest]) => of !== repository || !missing.has(digest))
  const again = queue.filter(([of, digest]) => of === repository && missing.has(digest)).map(([, digest]) => digest)
  queue = [
    ...waits,
    ...Array.from(new Set([...fresh, ...again]), (digest) => [repository, digest] as const).toReversed()
  ]
  run()
}

export const detailOf = (repository: string, digest: string): Detail | undefined => known.get(keyOf(repository, digest))

/** Grows as details come. */
export const useDetailBeat = (): number => {
  const [beat, setBeat] = useState(0)
  useEffect(() => {
    const listener = (): void => setBeat((before) => before + 1)
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }, [])
  return beat
}

export type Move = Moves["moves"][number]
