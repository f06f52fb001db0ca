/** What other tools once made of names that we had acknowledged. */
import { assert, describe, it } from "@effect/vitest"
import { Stage } from "../../properties/support/tools/Stage.ts"

describe("an acknowledged name is not lost", () => {
  it("where skopeo writes back the very bytes that it read", async () => {
    const stage = await Stage.set({ "app:t0": "a" })
    await stage.ours("push", "app:t1", "b")
    const skopeo = await stage.begin({ tool: "skopeo", name: "app:t0", note: "a" }, "read")
    await stage.ours("push", "app:t2", "c")
    await skopeo.goOn()
    assert.deepStrictEqual(await stage.findings(), [])
  })

  it("where a person puts back what was saved a minute before", async () => {
    const stage = await Stage.set({ "app:t0": "a" })
    await stage.ours("push", "app:t1", "b")
    const person = await stage.begin({ tool: "put back", by: "mv" }, "read")
    await stage.ours("push", "app:t1", "c")
    await person.goOn()
    assert.deepStrictEqual(await stage.findings(), [])
  })

  it("where a program of the Go package has had the layout open since before our first commit", async () => {
    const stage = await Stage.set({ "app:t0": "a" })
    const uses = [{ does: "push", name: "app:t2", note: "c" }] as const
    const handle = await stage.begin({ tool: "go handle", uses }, "read")
    await stage.ours("push", "app:t1", "b")
    stage.passes({ hours: 30 })
    await handle.goOn()
    assert.deepStrictEqual(await stage.findings(), [])
  })

  it("where a script drops the annotations of the index", async () => {
    const stage = await Stage.set({ "app:t0": "a" })
    await stage.ours("push", "app:t1", "b")
    const edit = { from: "app:t0", name: "app:t2" }
    const script = await stage.begin({ tool: "script", by: "mv", dropsAnnotations: true, edit }, "read")
    await stage.ours("push", "app:t1", "c")
    await script.goOn()
    assert.deepStrictEqual(await stage.findings(), [])
  })

  // Its record is written before the sleep, or has its time from before.
  it.each([["sync", "/journal/"], ["open(create)", "/replaced/"], ["rename", "/journal/"]])(
    "where the machine sleeps for two days in the middle of our commit, at a %s in %s",
    async (call, folder) => {
      const stage = await Stage.set({ "app:t0": "a" })
      for (const note of ["b", "c"]) await stage.ours("push", "app:t1", note)
      const person = await stage.begin({ tool: "put back", by: "cp" }, "read")
      let slept = false
      stage.cast.onCall = ({ operation, path }) => {
        if (operation !== call || !path.includes(folder)) return
        if (!slept) stage.passes({ hours: 48 })
        slept = true
      }
      await stage.ours("tag", "app:t1", "b")
      await person.goOn()
      assert.isTrue(slept)
      assert.deepStrictEqual(await stage.findings(), [])
    }
  )
})

describe("a deleted name does not come back", () => {
  it("into what is built after `rm -rf DIR/*`, where we had committed once", async () => {
    const stage = await Stage.set({ "app:t0": "a" })
    await stage.ours("push", "app:t1", "b")
    await stage.whole({ tool: "wipe", name: "app:t0", note: "c" })
    assert.deepStrictEqual(await stage.findings(), [])
  })

  it("into what is built after `rm -rf DIR/*`, where we have pushed a blob in between", async () => {
    const stage = await Stage.set({ "app:t0": "a" })
    await stage.ours("push", "app:t1", "b")
    await stage.ours("push", "app:t2", "b")
    const wipe = await stage.begin({ tool: "wipe", name: "app:t0", note: "c" }, "read")
    await stage.ours("push", "app:t1", "d")
    await wipe.goOn()
    assert.deepStrictEqual(await stage.findings(), [])
  })
})

describe("the layout can be read", () => {
  it("where skopeo and regctl have written oci-layout at once", async () => {
    const stage = await Stage.set({ "app:t0": "a" })
    await stage.ours("push", "app:t1", "b")
    const regctl = await stage.begin({ tool: "regctl copy", name: "x", note: "c" }, "emptied")
    const skopeo = await stage.begin({ tool: "skopeo", name: "app:t0", note: "a" }, "stored")
    await skopeo.goOn("emptied")
    await skopeo.goOn()
    await regctl.goOn()
    assert.deepStrictEqual(await stage.findings(), [])
  })

  it("where skopeo is killed while it writes oci-layout", async () => {
    const stage = await Stage.set({ "app:t0": "a" })
    await stage.ours("push", "app:t1", "b")
    const skopeo = await stage.begin({ tool: "skopeo", name: "app:t0", note: "a" }, "stored")
    await skopeo.goOn("emptied")
    stage.passes({ hours: 1 })
    assert.deepStrictEqual(await stage.findings(), [])
  })
})
