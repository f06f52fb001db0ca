/** What other tools once made of content that we had acknowledged. */
import { assert, describe, it } from "@effect/vitest"
import { Stage } from "../../properties/support/tools/Stage.ts"

describe("acknowledged content is not lost", () => {
  it.each(["umoci gc", "crane gc"] as const)("where %s has read the index before our push", async (tool) => {
    const stage = await Stage.set({ "app:t0": "a" })
    await stage.ours("push", "app:t1", "b")
    const collector = await stage.begin({ tool }, "read")
    await stage.ours("push", "app:t2", "c")
    await collector.goOn()
    assert.deepStrictEqual(await stage.findings(), [])
    stage.passes({ hours: 30 })
    assert.deepStrictEqual(await stage.findings({ collects: true }), [])
  })

  it("where regctl collects after a write of its own", async () => {
    const stage = await Stage.set({ "app:t0": "a" })
    await stage.ours("push", "app:t1", "b")
    const regctl = await stage.begin({ tool: "regctl copy", name: "x", note: "d" }, "listed")
    await stage.ours("push", "app:t2", "c")
    await regctl.goOn()
    assert.deepStrictEqual(await stage.findings(), [])
  })

  it("where skopeo relies on a layer that we collect meanwhile", async () => {
    const stage = await Stage.set({ "app:t0": "a", "app:t1": "b" })
    await stage.ours("untag", "app:t1")
    stage.passes({ hours: 15 * 24 })
    const skopeo = await stage.begin({ tool: "skopeo", name: "app:t2", note: "b" }, "stored")
    await stage.ours("collect", "app:t1")
    await skopeo.goOn()
    assert.deepStrictEqual(await stage.findings(), [])
  })

  it("where skopeo is killed while it writes a manifest that was there", async () => {
    const stage = await Stage.set({ "app:t0": "a" })
    await stage.ours("push", "app:t1", "b")
    await stage.begin({ tool: "skopeo", name: "app:t2", note: "b" }, "emptied")
    assert.deepStrictEqual(await stage.findings(), [])
  })

  it("where a person puts back an index of days ago with its time, and we collect", async () => {
    const stage = await Stage.set({ "app:t0": "a" })
    await stage.ours("push", "app:t1", "b")
    const person = await stage.begin({ tool: "put back", by: "cp -p" }, "read")
    await stage.ours("push", "app:t2", "c")
    stage.passes({ hours: 30 })
    await person.goOn()
    assert.deepStrictEqual(await stage.findings({ collects: true }), [])
  })
})
