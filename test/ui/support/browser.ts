/** A browser of this machine, where it has one: nothing is downloaded. */
import { Effect, type Scope } from "effect"
import { existsSync } from "node:fs"
import process from "node:process"
import { type Browser, chromium, type Page } from "playwright-core"
import type { ServeOptions, UiOptions } from "../../../src/http/index.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { shown } from "../../http/support/page.ts"
import type { Served } from "../../http/support/serving.ts"
import { builtPage } from "./built.ts"

const candidates = [
  process.env["CHROMIUM"] ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome"
]

/** Where the browser is; nothing where there is none. */
export const chromiumPath = candidates.find((path) => path !== "" && existsSync(path))

/** Why tests in a browser are skipped; nothing where they are not. */
export const noBrowser: string | undefined = chromiumPath === undefined
  ? "there is no chromium: CHROMIUM says where one is"
  : undefined

export const browser: Effect.Effect<Browser, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() =>
    chromium.launch({
      ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }),
      // Its sandbox takes rights that root in a container has not.
      args: process.getuid?.() === 0 ? ["--no-sandbox"] : []
    })
  ),
  (browser) => Effect.promise(() => browser.close())
)

/** The registry with the page that is built now. */
export const servedPage = (
  registry: LayoutRegistry,
  options: Partial<ServeOptions> = {},
  ui: Partial<UiOptions> = {}
): Effect.Effect<Served, never, Scope.Scope> =>
  Effect.flatMap(Effect.promise(builtPage), ({ assets }) => shown(registry, options, { assets, ...ui }))

export interface Opened {
  readonly page: Page
  /** What the browser has complained about. */
  readonly complaints: Array<string>
  /** Addresses that were asked for beyond the server. */
  readonly elsewhere: Array<string>
  readonly go: (hash: string) => Promise<void>
}

interface Look {
  readonly width?: number
  readonly height?: number
  readonly dark?: boolean
}

/** A page of the browser, at the server. */
export const openPage = (
  from: Browser,
  { url }: Pick<Served, "url">,
  { dark = false, height = 800, width = 1280 }: Look = {}
): Effect.Effect<Opened, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const page = await from.newPage({
        viewport: { width, height },
        colorScheme: dark ? "dark" : "light",
        reducedMotion: "reduce"
      })
      const complaints: Array<string> = []
      const elsewhere: Array<string> = []
      page.on("pageerror", ({ message }) => complaints.push(message))
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") complaints.push(message.text())
      })
      page.on("request", (request) => {
        if (!request.url().startsWith(`${url}/ui/`)) elsewhere.push(request.url())
      })
      const go = async (hash: string): Promise<void> => {
        await page.goto(`${url}/ui/#${hash}`)
        await page.waitForLoadState("load")
      }
      return { page, complaints, elsewhere, go }
    }),
    ({ page }) => Effect.promise(() => page.close())
  )
