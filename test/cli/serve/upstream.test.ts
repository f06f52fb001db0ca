/** `ocilayout serve --upstream`, as a process, with clients that people use. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { bench, images, indexDigest, where } from "../../http/support/clients.ts"
import { inMemory } from "../../http/support/serving.ts"
import { image, pushImage } from "../../support/images.ts"
import { json } from "../support/command.ts"
import { temporaryDirectory } from "../support/server.ts"
import { answered, serving } from "./support/serving.ts"

const one = image("one")

/** A server in front of another one; it asks for no login. */
const cacheOf = (layout: string, host: string) =>
  serving([layout, "--listen", "0", "--upstream", `docker://${host}`, "--durability", "none"], {
    REGISTRY_AUTH_FILE: "/dev/null"
  })

describe("ocilayout serve --upstream", () => {
  it.live("keeps what it fetched in a layout, and serves it when there is no upstream", () =>
    Effect.gen(function*() {
      const layout = join(yield* temporaryDirectory, "cache")
      const host = yield* Effect.scoped(Effect.gen(function*() {
        const upstream = yield* inMemory()
        yield* pushImage(upstream.registry, "app", one, ["v1"])
        const { host } = new URL(upstream.url)
        const { stderr, url } = yield* cacheOf(layout, host)
        assert.include(stderr(), `What is not there is fetched from ${host}, and kept.`)
        for (
          const path of [
            "manifests/v1",
            ...[one.config, ...one.layers].map((part) => `blobs/${part.descriptor.digest}`)
          ]
        ) {
          assert.strictEqual((yield* answered(`${url}/v2/app/${path}`)).status, 200)
        }
        return host
      }))
      assert.deepInclude(yield* json(["verify", layout, "--level", "content"]), { ok: true })
      assert.deepInclude(yield* json(["resolve", `${layout}/app:v1`]), { digest: one.descriptor.digest })
      const { url } = yield* cacheOf(layout, host)
      const kept = yield* answered(`${url}/v2/app/manifests/v1`)
      assert.strictEqual(kept.status, 200)
      assert.include(kept.headers.get("warning") ?? "", `${host} could not be asked`)
      const [layer = one] = one.layers
      assert.strictEqual((yield* answered(`${url}/v2/app/blobs/${layer.descriptor.digest}`)).status, 200)
    }), 60_000)

  const pulls: Readonly<Record<string, (cache: string, home: string) => ReadonlyArray<string>>> = {
    crane: (cache, home) => ["pull", "--insecure", "--format", "oci", `${cache}/layout:multi`, join(home, "out")],
    skopeo: (
      cache,
      home
    ) => ["copy", "--all", "--src-tls-verify=false", `docker://${cache}/layout:multi`, `oci:${home}/out:multi`],
    oras: (cache, home) => ["cp", "--from-plain-http", "--to-oci-layout", `${cache}/layout:multi`, `${home}/out:multi`],
    podman: (cache, home) => [
      "--root",
      join(home, "store"),
      "--runroot",
      join(home, "run"),
      "--storage-driver",
      "vfs",
      "pull",
      "--tls-verify=false",
      `${cache}/layout:multi`
    ]
  }

  for (const [tool, pull] of Object.entries(pulls)) {
    where(
      tool,
      "pulls through it",
      Effect.gen(function*() {
        const { home, host, run } = yield* bench()
        fs.cpSync(images, join(home, "layout"), { recursive: true })
        const { url } = yield* Effect.orDie(cacheOf(join(home, "cache"), host))
        yield* run(tool, ...pull(new URL(url).host, home))
        const kept = yield* Effect.orDie(json(["resolve", `${home}/cache/layout:multi`]))
        assert.deepInclude(kept, { digest: indexDigest })
        if (tool !== "podman") fs.statSync(join(home, "out", "blobs", "sha256", indexDigest.slice("sha256:".length)))
      })
    )
  }
})
