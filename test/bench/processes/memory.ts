/** `memory.ts <layout> <source> pushBlob|chunked|getBlob|getBlobKept`: the most memory that took over what the process had before. */
import { Effect, Stream } from "effect"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import process from "node:process"
import { localFiles } from "../../../src/node/index.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { opened, repository } from "../support/load.ts"
import { uploadFile } from "../support/uploadFile.ts"

const [, , layout = "", source = "", way] = process.argv

/** In MiB, of `VmRSS` (now) or `VmHWM` (the most). */
const resident = (field: string): number =>
  Number(new RegExp(`${field}:\\s+(\\d+)`, "u").exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1024

/** From here on the most is what there is now (proc(5), `clear_refs`). */
const forgetPeak = (): void => writeFileSync("/proc/self/clear_refs", "5")

const push = Effect.fnUntraced(function*(registry: LayoutRegistry) {
  const { content } = yield* localFiles([dirname(source)]).read(source)
  yield* registry.pushBlob(repository, content)
})

const get = Effect.fnUntraced(function*(registry: LayoutRegistry) {
  const [name] = readdirSync(join(layout, "blobs", "sha256"))
  const { stream } = yield* registry.getBlob(repository, `sha256:${name}`, { passing: way === "getBlob" })
  yield* Stream.runDrain(stream)
})

const carried = { pushBlob: push, chunked: uploadFile(source), getBlob: get, getBlobKept: get }

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const registry = yield* opened(layout)
  forgetPeak()
  const idle = resident("VmRSS")
  yield* carried[way as keyof typeof carried](registry)
  console.log(JSON.stringify({ mebibytes: resident("VmHWM") - idle }))
})))
