/**
 * How fast the page is over large layouts, in a browser of this machine: `npm run bench:ui`. What is painted first is told
 * by the browser's own entries, and what is seen while a list scrolls by its tracing.
 */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { type Browser, chromium } from "playwright-core"
import { imageFiles, layerTar, type Written } from "../image/support/layers.ts"
import { put } from "../image/support/opened.ts"
import { chromiumPath } from "../ui/support/browser.ts"

const command = fileURLToPath(new URL("../../dist/bin/ocilayout.js", import.meta.url))
const turns = 7
const scratch = fs.mkdtempSync(join(tmpdir(), "ocilayout-bench-"))

const median = (all: ReadonlyArray<number>): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0

/** A layout of so many tags, each of an image of its own, by many builds of one program. */
const manyTags = (count: number): string => {
  const folder = join(scratch, "tags")
  const blobs = join(folder, "blobs/sha256")
  fs.mkdirSync(blobs, { recursive: true })
  const blob = (content: string, mediaType: string) => {
    const hex = createHash("sha256").update(content).digest("hex")
    fs.writeFileSync(join(blobs, hex), content)
    return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(content) }
  }
  const layer = blob("layer", "application/vnd.oci.image.layer.v1.tar")
  const manifests = Array.from({ length: count }, (_, at) => {
    const created = new Date(Date.UTC(2024, 0, 1) + at * 600_000).toISOString()
    const config = blob(
      JSON.stringify({
        os: "linux",
        architecture: at % 2 === 0 ? "amd64" : "arm64",
        created,
        rootfs: { type: "layers", diff_ids: [] }
      }),
      "application/vnd.oci.image.config.v1+json"
    )
    const mediaType = "application/vnd.oci.image.manifest.v1+json"
    const manifest = blob(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] }), mediaType)
    return { ...manifest, annotations: { "org.opencontainers.image.ref.name": `app:1.0.${at}` } }
  })
  fs.writeFileSync(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }))
  fs.writeFileSync(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }))
  return folder
}

/** An image with so many files in one folder. */
const manyFiles = (count: number): string => {
  const folder = join(scratch, "files")
  const entries = Array.from(
    { length: count },
    (_, at): Written => [`data/file-${String(at).padStart(6, "0")}.txt`, "f", "x".repeat(at % 50)]
  )
  put(folder, imageFiles({ "app:v1": [layerTar(entries)] }, (bytes) => gzipSync(bytes, { level: 1 })))
  return folder
}

/** Programs that are stopped at the end of the test in any case. */
const shown = new Set<() => void>()

const show = (directory: string): Promise<{ readonly url: string; readonly stop: () => void }> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, "ui", directory, "--no-open"], {
      stdio: ["ignore", "ignore", "pipe"]
    })
    shown.add(() => void child.kill())
    let said = ""
    child.stderr.on("data", (chunk) => {
      said += String(chunk)
      const url = /In a browser: (\S+)/u.exec(said)?.[1]
      if (url !== undefined) resolve({ url, stop: () => void child.kill() })
    })
    child.once("exit", () => reject(new Error(said)))
  })

interface Paint {
  /** All in milliseconds after the navigation began. */
  readonly first: number
  readonly rows: number
  readonly all: number
}

/** In a browser that has nothing of the page yet. */
const paint = async (browser: Browser, url: string, count: number): Promise<Paint> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  await page.addInitScript(`
    window.seen = {}
    const look = () => {
      if (window.seen.rows === undefined && document.querySelector("[role=grid] [role=gridcell] a") !== null) {
        requestAnimationFrame(() => setTimeout(() => { window.seen.rows = performance.now() }))
      }
      if ((document.querySelector(".pane-head .dim")?.textContent ?? "").includes("${
    count.toLocaleString("en")
  } tags")) {
        window.seen.all ??= performance.now()
      } else requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  `)
  await page.goto(`${url}#/images?repository=app`)
  // The page's policy lets nothing be evaluated inside of it, so that this waits by itself.
  const found: Paint = await page.evaluate(`new Promise((resolve) => {
    const wait = () => {
      if (window.seen.all === undefined || window.seen.rows === undefined) setTimeout(wait, 20)
      else resolve({ ...window.seen, first: performance.getEntriesByName("first-contentful-paint")[0].startTime })
    }
    wait()
  })`)
  await context.close()
  return found
}

/** A file of text from the same server, for comparison: how long this browser takes on this machine for a page at all. */
const paintText = async (browser: Browser, url: string): Promise<number> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  await page.goto(`${url}THIRD-PARTY-NOTICES.txt`)
  const found: number = await page.evaluate(`new Promise((resolve) => {
    const wait = () => {
      const [paint] = performance.getEntriesByName("first-contentful-paint")
      if (paint === undefined) setTimeout(wait, 20)
      else resolve(paint.startTime)
    }
    wait()
  })`)
  await context.close()
  return found
}

interface Traced {
  readonly name: string
  readonly ts: number
}

/** Scrolls for some seconds, a screen in every five frames, and reads from the trace when frames were drawn. */
const scroll = async (browser: Browser, url: string, count: number) => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  const began = performance.now()
  await page.goto(`${url}#/image?repository=app&reference=v1&tab=files&path=%2Fdata%2Ffile-000000.txt`)
  await page.locator(`text=${(count + 1).toLocaleString("en")} rows`).waitFor({ timeout: 120_000 })
  const ready = performance.now() - began
  await browser.startTracing(page, { categories: ["devtools.timeline", "disabled-by-default-devtools.timeline.frame"] })
  const gaps: ReadonlyArray<number> = await page.evaluate(`new Promise((resolve) => {
    const box = document.querySelector("[role=tree]")
    const gaps = []
    let last
    const step = (now) => {
      if (last !== undefined) gaps.push(now - last)
      last = now
      box.scrollTop += 120
      if (gaps.length < 300) requestAnimationFrame(step)
      else resolve(gaps)
    }
    requestAnimationFrame(step)
  })`)
  const trace = JSON.parse((await browser.stopTracing()).toString()) as { readonly traceEvents: ReadonlyArray<Traced> }
  const drawn = trace.traceEvents.filter(({ name }) => name === "DrawFrame").map(({ ts }) => ts / 1000).toSorted((
    a,
    b
  ) => a - b)
  const dropped = trace.traceEvents.filter(({ name }) => name === "DroppedFrame").length
  const seconds = ((drawn.at(-1) ?? 0) - (drawn[0] ?? 0)) / 1000
  await page.close()
  return {
    ready,
    frames: drawn.length / seconds,
    dropped,
    median: median(gaps),
    longest: Math.max(...gaps),
    slow: gaps.filter((gap) => gap > 20).length,
    of: gaps.length
  }
}

if (chromiumPath === undefined) {
  console.error("There is no chromium: CHROMIUM says where one is")
  process.exitCode = 1
} else {
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : []
  })
  try {
    const tags = await show(manyTags(10_000))
    const paints: Array<Paint> = []
    const texts: Array<number> = []
    for (let turn = 0; turn < turns; turn++) {
      texts.push(await paintText(browser, tags.url))
      paints.push(await paint(browser, tags.url, 10_000))
    }
    tags.stop()
    const told = (all: ReadonlyArray<number>) => `${Math.round(median(all))} ms (${all.map(Math.round).join(", ")})`
    console.log(`a text: first paint          ${told(texts)}`)
    console.log(`10,000 tags: first paint     ${told(paints.map(({ first }) => first))}`)
    console.log(`10,000 tags: first rows      ${told(paints.map(({ rows }) => rows))}`)
    console.log(`10,000 tags: all of them     ${told(paints.map(({ all }) => all))}`)
    const files = await show(manyFiles(100_000))
    const found = await scroll(browser, files.url, 100_000)
    files.stop()
    console.log(`100,000 files: in the tree after ${Math.round(found.ready)} ms`)
    console.log(
      `100,000 files: ${found.frames.toFixed(1)} frames a second by the trace, ${found.dropped} dropped; ` +
        `${found.median.toFixed(1)} ms from frame to frame, ${
          found.longest.toFixed(1)
        } at most, ${found.slow} of ${found.of} over 20 ms`
    )
  } finally {
    for (const stop of shown) stop()
    await browser.close()
    fs.rmSync(scratch, { recursive: true, force: true })
  }
}
