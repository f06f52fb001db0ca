/** Why a path leads to no layout. */
import { Effect } from "effect"
import { existsSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { whyNoLayout } from "../node/index.ts"
import { LayoutNotFound } from "../oci/OciError.ts"
import { quoted } from "../oci/quoted.ts"
import type { Failure } from "./Failure.ts"
import { transportOf } from "./transports.ts"

/** Tells of what was most likely meant to be the layout: what is there, or has no directory to be in. */
export const noLayout = Effect.fnUntraced(function*(path: string): Effect.fn.Return<never, Failure> {
  const known = transportOf(path)
  if (known !== undefined) return yield* new LayoutNotFound({ path, ...known })
  const [, bare = path] = /^(.+?)(?:[:@][^/]*)?$/su.exec(path) ?? []
  const there = [path, bare].find((one) => existsSync(one))
  const parent = dirname(resolve(bare))
  if (there !== undefined || parent === dirname(parent) || !bare.includes("/")) {
    return yield* Effect.flatMap(whyNoLayout(there ?? bare), Effect.fail)
  }
  if (!existsSync(parent)) return yield* Effect.flatMap(whyNoLayout(parent), Effect.fail)
  return yield* new LayoutNotFound({
    path: resolve(bare),
    reason: `does not exist, and ${quoted(parent)} is no layout`,
    advice: "check the path; ocilayout init DIR makes a new layout"
  })
})
