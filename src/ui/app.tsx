/** The page: where one is, who one is, and the view. */
import type { ComponentChildren, VNode } from "preact"
import { useEffect, useState } from "preact/hooks"
import type { Session } from "../http/ui/answers.ts"
import { counted } from "./data/format.ts"
import { listen, useLatest, useLiveState } from "./data/live.ts"
import { hrefOf, type Route, useRoute, type ViewName } from "./data/route.ts"
import { SessionContext } from "./data/session.ts"
import { useAnswer } from "./data/useAnswer.ts"
import { Icon, type IconName } from "./parts/Icon.tsx"
import { Failed, Waiting } from "./parts/Notice.tsx"
import { Text } from "./parts/Text.tsx"
import { DiffView } from "./views/DiffView.tsx"
import { HealthView } from "./views/HealthView.tsx"
import { HistoryView } from "./views/HistoryView.tsx"
import { Images } from "./views/Images.tsx"
import { ImageView } from "./views/ImageView.tsx"
import { SpaceView } from "./views/SpaceView.tsx"

const places: ReadonlyArray<readonly [ViewName, string, IconName]> = [
  ["images", "Images", "images"],
  ["history", "History", "history"],
  ["space", "Space", "space"],
  ["health", "Health", "health"]
]

/** The place that a view belongs to. */
const placeOf = (view: ViewName): ViewName => view === "image" || view === "diff" ? "images" : view

export const App = (): VNode => {
  const route = useRoute()
  const { failure, value: session } = useAnswer("session", {}, false)
  const { repository } = route.params
  const watched = session?.perRepository === true ? repository : undefined
  const isTold = session !== undefined && (!session.perRepository || watched !== undefined)
  useEffect(() => isTold ? listen(watched) : undefined, [isTold, watched])
  useEffect(() => {
    if (session !== undefined) document.title = `${session.title} · ocilayout`
  }, [session])
  if (failure !== undefined) {
    return (
      <main id="main">
        <Failed message={failure} />
      </main>
    )
  }
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>Skip to the content</a>
      <header class="top">
        <a class="brand" href={hrefOf("images")}>
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <path d="M16 3l12 6-12 6L4 9z" />
            <path d="M4 16l12 6 12-6" />
            <path d="M4 22.5l12 6 12-6" />
          </svg>
          <span>
            <Text>{session?.title ?? ""}</Text>
          </span>
        </a>
        <nav class="places" aria-label="Views">
          {places.map(([view, title, icon]) => (
            <a key={view} href={hrefOf(view)} aria-current={placeOf(route.view) === view ? "page" : undefined}>
              <Icon name={icon} /> <span>{title}</span>
            </a>
          ))}
        </nav>
        <span class="grow" />
        <Live />
        {session === undefined ? null : <Person session={session} />}
        <ThemeSwitch />
      </header>
      <main id="main" tabIndex={-1}>
        {session === undefined ?
          <Waiting what="asking who you are" /> :
          <SessionContext.Provider value={session}>{viewOf(route)}</SessionContext.Provider>}
      </main>
      <Toast />
    </>
  )
}

/** The part of the address behind `#` says where one is, so that it cannot lead to the content as well. */
const skip = (event: Event): void => {
  event.preventDefault()
  document.getElementById("main")?.focus()
}

const viewOf = ({ params, view }: Route): ComponentChildren => {
  switch (view) {
    case "images":
      return <Images repository={params["repository"]} />
    case "image":
      return <ImageView params={params} />
    case "diff":
      return <DiffView params={params} />
    case "history":
      return <HistoryView repository={params["repository"]} />
    case "space":
      return <SpaceView />
    case "health":
      return <HealthView />
  }
}

const liveWords = { live: "live", connecting: "connecting", off: "not live" } as const

const Live = (): VNode => {
  const state = useLiveState()
  return <span class={`live ${state}`} role="status" title="changes appear as they happen">{liveWords[state]}</span>
}

const rightsOf = ({ rights }: Session): string =>
  rights.push ? rights.delete ? "may change" : "may push" : rights.delete ? "may delete" : "read only"

const Person = ({ session }: { readonly session: Session }): VNode => (
  <span class="person">
    {session.user === "anonymous" ? null : (
      <strong>
        <Text>{session.user}</Text>
      </strong>
    )}
    <span class="dim">{rightsOf(session)}</span>
    {session.canLogIn ? <a class="button small" href="login">Log in</a> : null}
  </span>
)

const themeKey = "ocilayout-theme"

const isDark = (theme: string | undefined): boolean =>
  theme === undefined ? matchMedia("(prefers-color-scheme: dark)").matches : theme === "dark"

const ThemeSwitch = (): VNode => {
  const [theme, setTheme] = useState(() => localStorage.getItem(themeKey) ?? undefined)
  useEffect(() => {
    if (theme === undefined) return
    document.documentElement.dataset["theme"] = theme
    localStorage.setItem(themeKey, theme)
  }, [theme])
  const other = isDark(theme) ? "light" : "dark"
  return (
    <button
      type="button"
      class="quiet"
      aria-label={`${other} colours`}
      title={`${other} colours`}
      onClick={() => setTheme(other)}
    >
      <Icon name={other === "dark" ? "moon" : "sun"} />
    </button>
  )
}

const toastMillis = 6000

/** What has just been committed, by whomever. */
const Toast = (): VNode => {
  const commit = useLatest()
  const [gone, setGone] = useState<number>()
  useEffect(() => {
    if (commit === undefined) return undefined
    const timer = setTimeout(() => setGone(commit.revision), toastMillis)
    return () => clearTimeout(timer)
  }, [commit])
  const isShown = commit !== undefined && commit.revision !== gone && commit.changes.length > 0
  const named = commit?.changes.find(({ tag }) => tag !== undefined) ?? commit?.changes[0]
  return (
    <div class="toasts" role="status" aria-live="polite">
      {!isShown || named === undefined ? null : (
        <div class="toast">
          <Icon name="tag" />
          <span>
            <strong>
              <Text>
                {`${named.repository ?? named.name ?? "content"}${named.tag === undefined ? "" : `:${named.tag}`}`}
              </Text>
            </strong>{" "}
            {named.to === undefined ? "went away" : named.from === undefined ? "is new" : "has moved"}
            {commit.changes.length > 1 ? `, and ${counted(commit.changes.length - 1, "more change")}` : ""}
            <span class="dim">
              by <Text>{commit.actor}</Text>
            </span>
          </span>
          <a href={hrefOf("history")}>History</a>
        </div>
      )}
    </div>
  )
}
