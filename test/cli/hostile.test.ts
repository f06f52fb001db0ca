/** What other tools' layouts hold, made to move the cursor of its reader. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { ocl, temporaryDirectory } from "./support/command.ts"

const escape = "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}31m\u{202e}"
const named = "org.opencontainers.image.ref.name"
const manifestType = "application/vnd.oci.image.manifest.v1+json"

/** A layout whose index is all that is wrong with it. */
const hostile = Effect.gen(function*() {
  const layout = join(yield* temporaryDirectory, "images")
  const blobs = join(layout, "blobs", "sha256")
  yield* ocl(["init", layout])
  const pushed = yield* ocl(["blob", "push", `${layout}/a`, join(layout, "oci-layout")])
  const digest = pushed.out.trim()
  fs.rmSync(join(layout, ".ocilayout"), { recursive: true })
  fs.writeFileSync(
    join(layout, "index.json"),
    JSON.stringify({
      schemaVersion: 2,
      manifests: [
        { mediaType: manifestType, digest, size: 30, annotations: { [named]: `A${escape}` } },
        { mediaType: manifestType, digest: escape, size: 30, annotations: { [named]: "bad" } },
        { mediaType: manifestType, digest: `sha256:${escape}`, size: 30, annotations: { [named]: "worse" } }
      ]
    })
  )
  fs.writeFileSync(join(blobs, escape), "")
  return { layout, name: `A${escape}` }
})

/** What a terminal acts on; lines end with the one that is left. */
const acting = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/u

describe("hostile content", () => {
  it.live("moves no cursor, whichever command shows it", () =>
    Effect.gen(function*() {
      const { layout, name } = yield* hostile
      const commands = [
        ["repositories", layout, "--long"],
        ["history", layout],
        ["verify", layout],
        ["repair", layout, "--dry-run"],
        ["gc", layout],
        ["pins", layout],
        ["resolve", "--layout", layout, name],
        ["inspect", "--layout", layout, name],
        ["history", "--layout", layout, `${name}:${name}`],
        ["tag", "set", "--layout", layout, name, "v1"],
        ["tag", "delete", "--layout", layout, name]
      ]
      for (const args of commands) {
        const { err, out } = yield* ocl(args)
        assert.isNotEmpty(`${out}${err}${args[0] === "pins" ? "nothing" : ""}`)
        assert.notMatch(out, acting, args.join(" "))
        assert.notMatch(err, acting, args.join(" "))
        const json = yield* ocl([...args, "--json"])
        assert.notMatch(json.out + json.err, acting, `${args.join(" ")} --json`)
      }
    }))
})
