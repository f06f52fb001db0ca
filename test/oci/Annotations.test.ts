import { assert, it } from "@effect/vitest"
import * as Annotations from "../../src/oci/Annotations.ts"

it("annotation keys are what other tools read and write, and ours stays out of the reserved names", () => {
  assert.strictEqual(Annotations.refName, "org.opencontainers.image.ref.name")
  assert.strictEqual(Annotations.containerdName, "io.containerd.image.name")
  assert.strictEqual(Annotations.generation, "dev.ocilayout.generation")
})
