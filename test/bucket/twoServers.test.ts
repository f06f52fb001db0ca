/** The program that kills one of two servers on one bucket; it is skipped where there is no gateway. */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import process from "node:process"
import { gatewayCommand } from "./support/gateway.ts"

describe("two servers on one bucket", () => {
  it.skipIf(gatewayCommand === undefined)("lose nothing when one is killed in the middle of pushes", () => {
    const args = ["test/bucket/twoServers.ts", "test/fixtures/layouts/t13-skopeo-copy:v1"]
    const { status, stderr, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" })
    assert.strictEqual(status, 0, stderr)
    assert.match(stdout, /one is killed while [1-4] pushes are under way/u)
    assert.match(stdout, /all that was answered for is there\n$/u)
  }, 180_000)
})
