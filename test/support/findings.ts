/** What a verification finds, short enough to be compared. */
import { Effect, Stream } from "effect"
import type { Finding } from "../../src/ops/api/findings.ts"
import type { LayoutRegistry } from "../../src/ops/api/Layout.ts"
import type { Checked, VerifyOptions } from "../../src/ops/api/Maintenance.ts"

interface Verified {
  readonly findings: ReadonlyArray<Finding>
  /** `error BLOB_MISSING blobs/sha256/…`, one for each finding. */
  readonly lines: ReadonlyArray<string>
  readonly checked: Checked
}

/** Everything that is found. */
export const verified = Effect.fnUntraced(function*(
  registry: Pick<LayoutRegistry, "verify">,
  options?: VerifyOptions
) {
  const findings: Array<Finding> = []
  let checked: Checked = { manifests: 0, blobs: 0, bytes: 0 }
  yield* Stream.runForEach(registry.verify(options), (step) =>
    Effect.sync(() => {
      if (step._tag === "Found") findings.push(step.finding)
      else checked = step
    }))
  const lines = findings.map(({ code, path, severity }) => `${severity} ${code} ${path}`)
  const verified: Verified = { findings, lines, checked }
  return verified
})
