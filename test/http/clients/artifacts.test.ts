/** Builders, charts and signatures: what people put beside images, by the tools they do it with. */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { bench, digestAt, images, indexDigest, isThere, where } from "../support/clients.ts"
import { send } from "../support/serving.ts"

describe("clients that make things", () => {
  where(
    "buildah",
    "builds from nothing, pushes, and pulls it again",
    Effect.gen(function*() {
      const { home, host, run, ...served } = yield* bench()
      const store = ["--root", join(home, "store"), "--runroot", join(home, "run"), "--storage-driver", "vfs"]
      fs.writeFileSync(join(home, "hello.txt"), "hello")
      fs.writeFileSync(join(home, "Containerfile"), "FROM scratch\nCOPY hello.txt /hello.txt\nLABEL made=here\n")
      yield* run("buildah", ...store, "build", "--isolation", "chroot", "--tag", `${host}/team/built:v1`, home)
      yield* run("buildah", ...store, "push", "--tls-verify=false", `${host}/team/built:v1`)
      const digest = yield* digestAt(served, "/v2/team/built/manifests/v1")
      assert.match(String(digest), /^sha256:/u)
      yield* run("buildah", ...store, "rmi", "--all")
      yield* run("buildah", ...store, "pull", "--tls-verify=false", `${host}/team/built@${String(digest)}`)
      const told = yield* run("buildah", ...store, "inspect", "--type", "image", `${host}/team/built@${String(digest)}`)
      assert.include(told, "\"made\": \"here\"")
    })
  )

  where(
    "helm",
    "pushes a chart, shows it, and pulls it again",
    Effect.gen(function*() {
      const { home, host, run, ...served } = yield* bench()
      fs.mkdirSync(join(home, "web", "templates"), { recursive: true })
      fs.writeFileSync(join(home, "web", "Chart.yaml"), "apiVersion: v2\nname: web\nversion: 1.2.3\n")
      yield* run("helm", "package", "web")
      yield* run("helm", "push", "--plain-http", "web-1.2.3.tgz", `oci://${host}/charts`)
      assert.include((yield* send(served, "/v2/charts/web/tags/list")).text, "1.2.3")
      assert.include(yield* run("helm", "show", "chart", "--plain-http", `oci://${host}/charts/web`), "version: 1.2.3")
      const packed = fs.readFileSync(join(home, "web-1.2.3.tgz"))
      fs.rmSync(join(home, "web-1.2.3.tgz"))
      yield* run("helm", "pull", "--plain-http", `oci://${host}/charts/web`, "--version", "1.2.3")
      assert.isTrue(packed.equals(fs.readFileSync(join(home, "web-1.2.3.tgz"))))
    })
  )

  where(
    "cosign",
    "signs, verifies, attaches, and shows what belongs together",
    Effect.gen(function*() {
      const { home, host, run, ...served } = yield* bench({}, { COSIGN_PASSWORD: "" })
      yield* run("cosign", "generate-key-pair")
      yield* run("crane", "push", images, `${host}/team/app:v1`)
      const image = `${host}/team/app@${indexDigest}`
      const local = ["--allow-http-registry", "--allow-insecure-registry"]
      yield* run("cosign", "sign", ...local, "--tlog-upload=false", "--yes", "--key", "cosign.key", image)
      yield* run("cosign", "verify", ...local, "--insecure-ignore-tlog", "--key", "cosign.pub", image)
      fs.writeFileSync(join(home, "sbom.json"), "{}")
      yield* run("cosign", "attach", "sbom", ...local, "--sbom", "sbom.json", image)
      assert.include(yield* run("cosign", "tree", ...local, image), "Signatures")
      yield* isThere(served, "team/app", "v1")
    }),
    "crane"
  )

  where(
    "notation",
    "signs, lists and verifies",
    Effect.gen(function*() {
      const { home, host, run } = yield* bench()
      yield* run("notation", "cert", "generate-test", "--default", "example.com")
      yield* run("crane", "push", images, `${host}/team/app:v1`)
      const image = `${host}/team/app@${indexDigest}`
      yield* run("notation", "sign", "--insecure-registry", image)
      assert.include(
        yield* run("notation", "ls", "--insecure-registry", image),
        "application/vnd.cncf.notary.signature"
      )
      const policy = {
        version: "1.0",
        trustPolicies: [{
          name: "all",
          registryScopes: ["*"],
          signatureVerification: { level: "strict" },
          trustStores: ["ca:example.com"],
          trustedIdentities: ["*"]
        }]
      }
      fs.mkdirSync(join(home, ".config", "notation"), { recursive: true })
      fs.writeFileSync(join(home, ".config", "notation", "trustpolicy.json"), JSON.stringify(policy))
      assert.include(
        yield* run("notation", "verify", "--insecure-registry", image),
        "Successfully verified signature"
      )
    }),
    "crane"
  )
})
