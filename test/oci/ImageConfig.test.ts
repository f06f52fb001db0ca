import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parseImageConfig } from "../../src/oci/ImageConfig.ts"

const parse = (document: unknown) =>
  parseImageConfig(new TextEncoder().encode(typeof document === "string" ? document : JSON.stringify(document)))

describe("parseImageConfig", () => {
  it("reads what an image says of itself, as it is written", () => {
    const read = Result.getOrThrow(parse({
      created: "2026-01-02T03:04:05Z",
      author: "Ada\u0007",
      os: "linux",
      architecture: "arm64",
      variant: "v8",
      config: {
        Entrypoint: ["/bin/app"],
        Cmd: ["a b"],
        Env: ["A=1", "B"],
        User: "app",
        WorkingDir: "/srv",
        ExposedPorts: { "80/tcp": {} },
        Volumes: { "/data": {} },
        Labels: { a: "1", __proto__: "no", n: 1 },
        StopSignal: "SIGINT"
      },
      history: [{ created_by: "ADD" }, { created_by: "ENV", empty_layer: true }, { comment: "c" }, {
        created_by: "RUN"
      }]
    }))
    assert.deepStrictEqual(read, {
      created: "2026-01-02T03:04:05Z",
      author: "Ada\u0007",
      platform: "linux/arm64/v8",
      settings: {
        entrypoint: ["/bin/app"],
        cmd: ["a b"],
        env: ["A=1", "B"],
        user: "app",
        workdir: "/srv",
        ports: ["80/tcp"],
        volumes: ["/data"],
        labels: new Map([["a", "1"]]),
        stopSignal: "SIGINT"
      },
      // The entry that does not say how it made its layer keeps its place.
      instructions: ["ADD", undefined, "RUN"],
      steps: [
        { createdBy: "ADD", hasLayer: true },
        { createdBy: "ENV", hasLayer: false },
        { hasLayer: true },
        { createdBy: "RUN", hasLayer: true }
      ]
    })
  })

  it("leaves out what is empty, and passes over what is of another type", () => {
    assert.deepStrictEqual(Result.getOrThrow(parse({})), { settings: {}, instructions: [], steps: [] })
    const odd = {
      created: 5,
      os: "linux",
      config: { Entrypoint: "sh", Cmd: null, Env: [1, "A=1"], User: "", Labels: [], ExposedPorts: {} },
      history: [null, "RUN", { created_by: 1 }]
    }
    assert.deepStrictEqual(Result.getOrThrow(parse(odd)), {
      settings: { env: ["A=1"] },
      instructions: [undefined],
      steps: [{ hasLayer: true }]
    })
    assert.deepStrictEqual(Result.getOrThrow(parse({ config: [], history: {} })), {
      settings: {},
      instructions: [],
      steps: []
    })
  })

  it("says why a document is none", () => {
    assert.strictEqual(Result.getOrThrow(Result.flip(parse("[]"))), "is not a JSON object")
    assert.isTrue(Result.isFailure(parse("{]")))
    assert.isTrue(Result.isFailure(parse("[".repeat(100) + "]".repeat(100))))
  })
})
