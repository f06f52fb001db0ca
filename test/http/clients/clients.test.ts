/**
 * The clients that people use, against the server as they use it. Each that is installed pushes, pulls, lists, attaches
 * and deletes what it can; those that are not are skipped by name.
 */
import { assert, describe } from "@effect/vitest"
import { hashSync } from "bcryptjs"
import { Effect, Stream } from "effect"
import { createHash, randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { bench, digestAt, images, indexDigest, isGone, isThere, where } from "../support/clients.ts"
import { send } from "../support/serving.ts"

describe("clients", () => {
  where(
    "skopeo",
    "copies both ways, inspects, lists and deletes",
    Effect.gen(function*() {
      const { home, host, run, ...served } = yield* bench()
      const at = `docker://${host}/team/app`
      yield* run("skopeo", "copy", "--all", "--dest-tls-verify=false", `oci:${images}:multi`, `${at}:v1`)
      yield* isThere(served, "team/app", "v1")
      yield* run("skopeo", "copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", `${at}:v1`, `${at}:v2`)
      assert.include(yield* run("skopeo", "inspect", "--tls-verify=false", "--raw", `${at}:v2`), "manifests")
      assert.deepInclude(JSON.parse(yield* run("skopeo", "list-tags", "--tls-verify=false", at)), {
        Tags: ["v1", "v2"]
      })
      yield* run("skopeo", "copy", "--all", "--src-tls-verify=false", `${at}:v2`, `oci:${join(home, "back")}:v2`)
      assert.include(fs.readFileSync(join(home, "back", "index.json"), "utf8"), indexDigest)
      // It resolves the tag and deletes by digest.
      yield* run("skopeo", "delete", "--tls-verify=false", `${at}:v2`)
      yield* isGone(served, "team/app", "v1")
    })
  )

  where(
    "crane",
    "pushes, pulls, copies, lists and deletes",
    Effect.gen(function*() {
      const { home, host, run, ...served } = yield* bench()
      yield* run("crane", "push", images, `${host}/team/app:v1`)
      yield* isThere(served, "team/app", "v1")
      yield* run("crane", "copy", `${host}/team/app:v1`, `${host}/other/app:v1`)
      assert.strictEqual(yield* run("crane", "digest", `${host}/other/app:v1`), `${indexDigest}\n`)
      yield* run("crane", "tag", `${host}/team/app:v1`, "v2")
      assert.strictEqual(yield* run("crane", "ls", `${host}/team/app`), "v1\nv2\n")
      assert.strictEqual(yield* run("crane", "catalog", host), "other/app\nteam/app\n")
      yield* run("crane", "pull", "--format", "oci", `${host}/team/app:v2`, "back")
      assert.include(fs.readFileSync(join(home, "back", "index.json"), "utf8"), indexDigest)
      yield* run("crane", "delete", `${host}/team/app:v2`)
      yield* isGone(served, "team/app", "v2")
      yield* run("crane", "delete", `${host}/other/app@${indexDigest}`)
      yield* isGone(served, "other/app", "v1")
    })
  )

  where(
    "oras",
    "pushes, attaches, discovers, pulls, lists and deletes",
    Effect.gen(function*() {
      const { home, host, run, ...served } = yield* bench()
      const plain = "--plain-http"
      fs.writeFileSync(join(home, "notes.txt"), "notes")
      yield* run("oras", "push", plain, `${host}/team/notes:v1,latest`, "notes.txt:text/plain")
      const subject = yield* digestAt(served, "/v2/team/notes/manifests/v1")
      yield* run("oras", "attach", plain, "--artifact-type", "application/x-sbom", `${host}/team/notes:v1`, "notes.txt")
      const found = yield* run("oras", "discover", plain, "--format", "json", `${host}/team/notes:v1`)
      assert.include(found, "application/x-sbom")
      const referrers = yield* send(served, `/v2/team/notes/referrers/${String(subject)}`)
      assert.include(referrers.text, "application/x-sbom")
      assert.strictEqual(yield* run("oras", "repo", "tags", plain, `${host}/team/notes`), "latest\nv1\n")
      assert.strictEqual(yield* run("oras", "repo", "ls", plain, host), "team/notes\n")
      yield* run("oras", "cp", "--recursive", "--from-plain-http", "--to-oci-layout", `${host}/team/notes:v1`, "out:v1")
      assert.include(fs.readFileSync(join(home, "out", "index.json"), "utf8"), String(subject))
      fs.rmSync(join(home, "notes.txt"))
      yield* run("oras", "pull", plain, `${host}/team/notes:latest`)
      assert.strictEqual(fs.readFileSync(join(home, "notes.txt"), "utf8"), "notes")
      yield* run("oras", "manifest", "delete", plain, "--force", `${host}/team/notes:v1`)
      yield* isGone(served, "team/notes", "latest")
    })
  )

  where(
    "regctl",
    "copies both ways, puts artifacts, lists and deletes",
    Effect.gen(function*() {
      const { home, host, run, ...served } = yield* bench()
      yield* run("regctl", "registry", "set", host, "--tls", "disabled")
      yield* run("regctl", "image", "copy", `ocidir://${images}:multi`, `${host}/team/app:v1`)
      yield* isThere(served, "team/app", "v1")
      fs.writeFileSync(join(home, "sbom.json"), "{}")
      const put = `artifact put --artifact-type application/x-sbom --file sbom.json --subject ${host}/team/app:v1`
      yield* run("regctl", ...put.split(" "))
      assert.include(yield* run("regctl", "artifact", "list", `${host}/team/app:v1`), "application/x-sbom")
      yield* run("regctl", "image", "copy", `${host}/team/app:v1`, `${host}/team/app:v2`)
      assert.strictEqual(yield* run("regctl", "tag", "ls", `${host}/team/app`), "v1\nv2\n")
      assert.include(yield* run("regctl", "repo", "ls", host), "team/app")
      yield* run("regctl", "image", "copy", `${host}/team/app:v2`, `ocidir://${join(home, "back")}:v2`)
      assert.include(fs.readFileSync(join(home, "back", "index.json"), "utf8"), indexDigest)
      yield* run("regctl", "tag", "rm", `${host}/team/app:v2`)
      yield* isGone(served, "team/app", "v2")
      yield* isThere(served, "team/app", "v1")
      yield* run("regctl", "manifest", "delete", `${host}/team/app@${indexDigest}`)
      yield* isGone(served, "team/app", "v1")
    })
  )

  where(
    "podman",
    "pulls, pushes and searches",
    Effect.gen(function*() {
      const { home, host, run, ...served } = yield* bench()
      // Another tool's layout, put where ours is to be.
      fs.cpSync(images, join(home, "layout"), { recursive: true })
      const store = ["--root", join(home, "store"), "--runroot", join(home, "run"), "--storage-driver", "vfs"]
      yield* run("podman", ...store, "pull", "--tls-verify=false", `${host}/layout:multi`)
      yield* run("podman", ...store, "push", "--tls-verify=false", `${host}/layout:multi`, `${host}/again:v1`)
      assert.strictEqual((yield* send(served, "/v2/again/manifests/v1")).status, 200)
      assert.include(yield* run("podman", ...store, "search", "--tls-verify=false", `${host}/again`), "again")
    })
  )
})

describe("clients that log in", () => {
  const credentials = { users: new Map([["alice", hashSync("wonderland", 4)]]), tokens: [] }
  const logins: ReadonlyArray<readonly [tool: string, args: (host: string) => ReadonlyArray<string>]> = [
    ["skopeo", (host) => ["login", "--tls-verify=false", "-u", "alice", "-p", "wonderland", host]],
    ["crane", (host) => ["auth", "login", "-u", "alice", "-p", "wonderland", host]],
    ["oras", (host) => ["login", "--plain-http", "-u", "alice", "-p", "wonderland", host]],
    ["regctl", (host) => ["registry", "login", "-u", "alice", "-p", "wonderland", host]],
    ["podman", (host) => ["login", "--tls-verify=false", "-u", "alice", "-p", "wonderland", host]]
  ]
  /** How each pushes a small thing once it has logged in. */
  const pushes: Readonly<Record<string, (host: string) => ReadonlyArray<string>>> = {
    skopeo: (host) => ["copy", "--all", "--dest-tls-verify=false", `oci:${images}:multi`, `docker://${host}/app:v1`],
    crane: (host) => ["push", images, `${host}/app:v1`],
    oras: (host) => ["cp", "--to-plain-http", "--from-oci-layout", `${images}:multi`, `${host}/app:v1`],
    regctl: (host) => ["image", "copy", `ocidir://${images}:multi`, `${host}/app:v1`]
  }
  for (const anonymousPull of [false, true]) {
    for (const [tool, login] of logins) {
      where(
        tool,
        anonymousPull ? "where everybody may pull" : "on loopback",
        Effect.gen(function*() {
          const { host, run, ...served } = yield* bench({ credentials, anonymousPull })
          if (tool === "regctl") yield* run("regctl", "registry", "set", host, "--tls", "disabled", "--skip-check")
          const push = pushes[tool]
          if (push !== undefined) {
            assert.strictEqual((yield* Effect.exit(run(tool, ...push(host))))._tag, "Failure")
          }
          yield* run(tool, ...login(host))
          if (push === undefined) return
          yield* run(tool, ...push(host))
          assert.strictEqual(
            (yield* send(served, "/v2/app/manifests/v1", { method: "HEAD" })).status,
            anonymousPull ? 200 : 401
          )
          const [commit] = yield* Effect.orDie(Stream.runCollect(served.registry.history({ limit: 1 })))
          assert.strictEqual(commit?.actor, "http:alice")
        })
      )
    }
  }
})

describe("large content", () => {
  where(
    "skopeo",
    "pushes and pulls a layer of 64 MiB",
    Effect.gen(function*() {
      const { home, host, run, ...served } = yield* bench()
      const layer = randomBytes(64 * 1024 * 1024)
      const digest = createHash("sha256").update(layer).digest("hex")
      fs.mkdirSync(join(home, "dir"))
      const config = Buffer.from("{}")
      const configDigest = createHash("sha256").update(config).digest("hex")
      fs.writeFileSync(join(home, "dir", digest), layer)
      fs.writeFileSync(join(home, "dir", configDigest), config)
      fs.writeFileSync(join(home, "dir", "version"), "Directory Transport Version: 1.1\n")
      const part = (mediaType: string, hex: string, size: number) => ({ mediaType, digest: `sha256:${hex}`, size })
      const manifest = JSON.stringify({
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: part("application/vnd.oci.empty.v1+json", configDigest, 2),
        layers: [part("application/octet-stream", digest, layer.length)]
      })
      fs.writeFileSync(join(home, "dir", "manifest.json"), manifest)
      yield* run("skopeo", "copy", "--dest-tls-verify=false", `dir:${join(home, "dir")}`, `docker://${host}/large:v1`)
      yield* run("skopeo", "copy", "--src-tls-verify=false", `docker://${host}/large:v1`, `dir:${join(home, "back")}`)
      assert.isTrue(layer.equals(fs.readFileSync(join(home, "back", digest))))
      assert.strictEqual((yield* send(served, "/v2/large/manifests/v1")).text, manifest)
    })
  )
})
