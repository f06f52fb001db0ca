import { assert, describe, it } from "@effect/vitest"
import type { Schema } from "effect"
import { readEntry } from "../../src/layout/Entry.ts"
import { containerdKey, descriptor, digest, entry, refNameKey, repository, tag } from "../support/entries.ts"

describe("readEntry", () => {
  it("keeps the element as it was read", () => {
    const value = entry("a", "app:v1", { note: "kept" }, { "x-unknown": { deep: [null] } })
    const read = readEntry(value, undefined)
    assert.strictEqual(read.value, value)
    assert.strictEqual(read.descriptor, value)
  })

  it("keeps optional fields of the wrong shape in the element, and out of the descriptor", () => {
    const wrong = { artifactType: 1, data: null, platform: [], urls: [1] }
    const value = { ...entry("a", "app:v1"), ...wrong, note: null }
    const read = readEntry(value, undefined)
    assert.strictEqual(read.value, value)
    assert.deepStrictEqual<unknown>(read.descriptor, { ...entry("a", "app:v1"), note: null })
  })

  it("reads digest and name as written", () => {
    const { digest: written, name, refName } = readEntry(entry("a", "app:v1"), undefined)
    assert.strictEqual(written, digest("a"))
    assert.strictEqual(refName, "app:v1")
    assert.deepStrictEqual(name, { _tag: "Tagged", repository: repository("app"), tag: tag("v1"), dialect: "full" })
  })

  it("takes the repository of a bare tag from containerd's annotation, else from the default", () => {
    const named = entry("a", "v1", { [containerdKey]: "docker.io/library/app:v1" })
    assert.deepStrictEqual(readEntry(named, repository("def")).name, {
      _tag: "Tagged",
      repository: repository("docker.io/library/app"),
      tag: tag("v1"),
      dialect: "containerd"
    })
    assert.deepStrictEqual(readEntry(entry("a", "v1"), repository("def")).name, {
      _tag: "Tagged",
      repository: repository("def"),
      tag: tag("v1"),
      dialect: "bare"
    })
  })

  it("takes an entry without a name for an untagged one of the default repository", () => {
    const { name, refName } = readEntry(descriptor("a"), repository("def"))
    assert.isUndefined(refName)
    assert.deepStrictEqual(name, { _tag: "Untagged", repository: repository("def"), dialect: "bare" })
    assert.strictEqual(readEntry(descriptor("a"), undefined).name._tag, "Raw")
  })

  it("keeps a raw name with its descriptor, so that the entry can be read by both", () => {
    const read = readEntry(entry("a", "localhost:5000/app:v1"), undefined)
    assert.deepStrictEqual(read.name, {
      _tag: "Raw",
      reason: "has a host with a port, which no repository name can hold"
    })
    assert.strictEqual(read.refName, "localhost:5000/app:v1")
    assert.strictEqual(read.descriptor?.digest, digest("a"))
  })

  const strangers = [
    [null, "is not an object"],
    ["text", "is not an object"],
    [[], "is not an object"],
    [{}, "has no valid digest"],
    [{ ...descriptor("a"), digest: "sha256:beef" }, "has no valid digest"],
    [{ ...descriptor("a"), size: -1 }, "has no valid size"],
    [{ ...descriptor("a"), mediaType: null }, "has no mediaType"],
    [{ ...descriptor("a"), annotations: { [refNameKey]: 7 } }, "has an annotation that is no string"]
  ] as const

  it.each(strangers)("never fails: %j is an entry that %s", (value, reason) => {
    const read = readEntry(value, repository("def"))
    assert.deepStrictEqual(read.name, { _tag: "Raw", reason })
    assert.isUndefined(read.descriptor)
  })

  it("tells what it can of an element that is no descriptor", () => {
    const read = readEntry({ digest: "sha256:beef", annotations: { [refNameKey]: "app:v1", other: 1 } }, undefined)
    assert.strictEqual(read.digest, "sha256:beef")
    assert.strictEqual(read.refName, "app:v1")
    assert.strictEqual(readEntry({ digest: 7 }, undefined).digest, "")
    assert.isUndefined(readEntry({ annotations: { [refNameKey]: 1 } }, undefined).refName)
  })

  it("takes nothing from a prototype", () => {
    const text = `{"__proto__":{"digest":"${digest("a")}","annotations":{"${refNameKey}":"app:v1"}}}`
    const read = readEntry(JSON.parse(text) as Schema.Json, undefined)
    assert.strictEqual(read.digest, "")
    assert.isUndefined(read.refName)
  })
})
