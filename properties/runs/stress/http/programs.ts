/** The command line and skopeo beside the server, on the same layout and through it. */
import { execFile, spawnSync } from "node:child_process"
import { cpSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Client, type Lane, settle } from "./lane.ts"

const main = fileURLToPath(new URL("../../../../src/main.ts", import.meta.url))

const ran = (program: string, args: ReadonlyArray<string>): Promise<boolean> =>
  new Promise((resolve) => {
    execFile(program, args, { timeout: 60_000 }, (error) => resolve(error === null))
  })

const answered = new Response(undefined, { status: 200 })

/** Tags what clients have pushed, by a process of our own on the same directory. */
export const tagByCommand = async (
  client: Client,
  { directory, name, sources }: {
    readonly directory: string
    readonly name: string
    readonly sources: ReadonlyArray<Lane>
  },
  chance: () => number
): Promise<void> => {
  while (!client.signal.aborted) {
    const there = sources.flatMap(({ tags }) =>
      Array.from(tags.values()).flatMap(([digest, ...others]) =>
        digest === undefined || others.length > 0 ? [] : [digest]
      )
    )
    const digest = there[Math.floor(chance() * there.length)]
    if (digest === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      continue
    }
    const tag = `${name}-${Math.floor(chance() * 6)}`
    const done = await ran(process.execPath, [main, "tag", "set", `${directory}/${client.repository}@${digest}`, tag])
    settle(client.lane, tag, done ? answered : undefined, digest)
  }
}

export const hasSkopeo = (): boolean => spawnSync("skopeo", ["--version"]).error === undefined

/** Copies images of a layout through the server, each under a tag of its own. */
export const copyBySkopeo = async (client: Client, layout: string, digest: string, name: string): Promise<void> => {
  for (let step = 0; !client.signal.aborted; step++) {
    const tag = `${name}-${step}`
    const to = `docker://${client.host}/${client.repository}:${tag}`
    const done = await ran("skopeo", ["copy", "--all", "--dest-tls-verify=false", `oci:${layout}:multi`, to])
    settle(client.lane, tag, done ? answered : undefined, digest)
  }
}

/** A copy of a layout that skopeo has written, to copy from. */
export const layoutToCopy = (folder: string, fixture: string): string => {
  const layout = join(folder, "source")
  cpSync(fixture, layout, { recursive: true })
  return layout
}
