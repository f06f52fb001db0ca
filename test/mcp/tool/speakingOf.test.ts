import { assert, describe, it } from "@effect/vitest"
import { speakingOf } from "../../../src/mcp/tool/speakingOf.ts"

describe("text for models", () => {
  const text = "Look with oci_resolve; move it with oci_tag. Nothing was changed. See oci_history, or oci_resolve."

  it("keeps what names no tool, or one that is offered", () => {
    assert.strictEqual(speakingOf(text, new Set(["oci_resolve", "oci_tag", "oci_history"])), text)
    assert.strictEqual(speakingOf(text, new Set(["oci_resolve"])), "Look with oci_resolve; Nothing was changed.")
    assert.strictEqual(speakingOf(text, new Set()), "Nothing was changed.")
  })

  it("ends as a text does, and is empty when nothing is left", () => {
    assert.strictEqual(speakingOf("One of oci_a; then oci_b.", new Set(["oci_a"])), "One of oci_a.")
    assert.strictEqual(speakingOf("oci_a shows them.", new Set()), "")
  })
})
