/** Places in a bucket on the command line: each command that takes the path of a layout takes `s3://BUCKET/PREFIX` as well. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, type Scope } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { json, ocl, temporaryDirectory } from "../cli/support/command.ts"
import { bucketName, gatewayCommand, gatewayKeys, startGateway } from "./support/gateway.ts"

const live = gatewayCommand === undefined ? it.live.skip : it.live

/** The command line with the keys of a gateway in the environment; the bucket in front of each path. */
const withGateway = <A, E>(
  test: (at: (path: string) => string, endpoint: string) => Effect.Effect<A, E, Scope.Scope>
): Effect.Effect<A, E> =>
  Effect.scoped(Effect.gen(function*() {
    const { endpoint } = yield* startGateway
    const work = test((path) => `s3://${bucketName}/${path}`, endpoint)
    return yield* Effect.provideService(
      work,
      ConfigProvider.ConfigProvider,
      environment({ AWS_ENDPOINT_URL: endpoint })
    )
  }))

const environment = (variables: Readonly<Record<string, string>>) =>
  ConfigProvider.fromEnv({
    env: {
      AWS_ACCESS_KEY_ID: gatewayKeys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: gatewayKeys.secretAccessKey,
      AWS_REGION: "us-east-1",
      ...variables
    }
  })

const fine = (args: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.map(ocl(args), ({ code, err, out }) => {
    assert.deepStrictEqual([code, err], [0, ""], args.join(" "))
    return out.trim()
  })

/** An image of one small file on this machine, as `DIR/app:v1`. */
const image = Effect.gen(function*() {
  const root = yield* temporaryDirectory
  writeFileSync(join(root, "hello"), "hello")
  const layout = join(root, "images")
  yield* fine(["init", layout])
  yield* fine(["artifact", "push", `${layout}/app:v1`, join(root, "hello"), "--type", "application/x-test"])
  return { root, layout }
})

describe("a place in a bucket", () => {
  it.live("is refused without keys, with the variables that name them", () =>
    Effect.gen(function*() {
      const nowhere = join(yield* temporaryDirectory, "none")
      const env = {
        AWS_CONFIG_FILE: nowhere,
        AWS_SHARED_CREDENTIALS_FILE: nowhere,
        AWS_EC2_METADATA_DISABLED: "true",
        AWS_ENDPOINT_URL: "http://127.0.0.1:1"
      }
      const asked = ocl(["tags", "s3://bucket/images/app"])
      const { code, err } = yield* Effect.provideService(
        asked,
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromEnv({ env })
      )
      assert.notStrictEqual(code, 0)
      assert.match(err, /no keys[^]*AWS_PROFILE/u)
      assert.notInclude(err, "ocilayout login")
    }))

  live(
    "is copied to and from, listed, tagged, verified and taken back",
    () =>
      withGateway((at) =>
        Effect.gen(function*() {
          const { layout, root } = yield* image
          assert.include(yield* fine(["init", at("team/images")]), "made a layout")
          assert.include(yield* fine(["init", at("team/images")]), "already")
          yield* fine(["copy", `${layout}/app:v1`, at("team/images/app:v1")])
          const digest = yield* fine(["resolve", `${layout}/app:v1`])
          assert.strictEqual(yield* fine(["resolve", at("team/images/app:v1")]), digest)
          assert.strictEqual(yield* fine(["resolve", at(`team/images/app@${digest}`)]), digest)
          yield* fine(["tag", "set", at("team/images/app:v1"), "v2", "v3"])
          assert.deepStrictEqual((yield* fine(["tags", at("team/images/app")])).split("\n"), ["v1", "v2", "v3"])
          assert.deepStrictEqual((yield* fine(["tags", "app", "--layout", at("team/images")])).split("\n"), [
            "v1",
            "v2",
            "v3"
          ])
          assert.strictEqual(yield* fine(["repositories", at("team/images")]), "app")
          assert.include(yield* fine(["manifest", "get", at("team/images/app:v1")]), "schemaVersion")
          const { layers } = JSON.parse(yield* fine(["manifest", "get", at("team/images/app:v1")])) as {
            readonly layers: ReadonlyArray<{ readonly digest: string }>
          }
          assert.strictEqual(
            yield* fine(["blob", "get", at(`team/images/app@${layers[0]?.digest ?? ""}`)]),
            "hello"
          )
          assert.strictEqual((yield* json(["verify", at("team/images")]))["ok"], true)
          yield* fine(["tag", "delete", at("team/images/app:v3")])
          assert.include(yield* fine(["history", at("team/images")]), "v3")
          yield* fine(["restore", at("team/images"), "--to", "2"])
          assert.deepStrictEqual((yield* fine(["tags", at("team/images/app")])).split("\n"), ["v1", "v2", "v3"])
          const tar = join(root, "saved.tar")
          yield* fine(["save", tar, at("team/images/app:v1")])
          yield* fine(["load", tar, "--layout", at("other")])
          assert.strictEqual(yield* fine(["resolve", at("other/app:v1")]), digest)
          const back = join(root, "back")
          yield* fine(["copy", at("other/app:v1"), `${back}/app:v1`])
          assert.strictEqual(yield* fine(["resolve", `${back}/app:v1`]), digest)
        })
      ),
    60_000
  )

  live("is set up as the page says", () =>
    withGateway((at) =>
      Effect.gen(function*() {
        const { layout } = yield* image
        const [, block = ""] = /```sh\n(.*?)```/su.exec(readFileSync("docs/bucket.md", "utf8")) ?? []
        const lines = block.trim().split("\n").map((line) => line.replace(/ +#.*$/u, "").split(" ").slice(1))
        assert.deepStrictEqual(lines.map(([command]) => command), ["init", "copy", "serve"])
        const here = (word: string): string =>
          word.startsWith("s3://") ? at(word.replace(/^s3:\/\/[^/]+\//u, "")) : word.replace("./images", layout)
        for (const line of lines.filter(([command]) => command !== "serve")) yield* fine(line.map(here))
        assert.strictEqual(yield* fine(["tags", at("images/app")]), "v1")
        const source = readFileSync("src/cli/commands/serve.ts", "utf8")
        for (const flag of lines.flat().filter((word) => word.startsWith("--"))) {
          assert.include(source, `"${flag.slice(2)}"`)
        }
      })
    ), 60_000)

  live("is a tree of layouts, where that is asked for", () =>
    withGateway((at) =>
      Effect.gen(function*() {
        const { layout } = yield* image
        const tree = ["--layout", at("tree"), "--per-repository"]
        for (const name of ["team/app:v1", "team:v2"]) {
          yield* fine(["copy", `${layout}/app:v1`, name, "--to-layout", at("tree"), "--to-per-repository"])
        }
        assert.strictEqual(yield* fine(["repositories", ...tree]), "team\nteam/app")
        assert.strictEqual(yield* fine(["tags", "team/app", ...tree]), "v1")
        assert.strictEqual(yield* fine(["tags", at("tree/team")]), "v2")
        assert.include(yield* fine(["verify", ...tree]), "ok: 2 manifests")
        const { code, err } = yield* ocl(["repositories", "--layout", at("tree/team"), "--per-repository"])
        assert.deepStrictEqual([code, err.includes("is one layout, not a tree of layouts")], [3, true], err)
      })
    ), 60_000)

  live(
    "of which nothing is there, or that is not reached, is told as that",
    () =>
      withGateway((at, endpoint) =>
        Effect.gen(function*() {
          const { layout } = yield* image
          const refused: ReadonlyArray<readonly [args: ReadonlyArray<string>, code: number, message: string]> = [
            [["tags", at("nothing/app")], 3, "ocilayout init s3://BUCKET/PREFIX"],
            [["copy", `${layout}/app:v1`, at("nothing/app:v1")], 3, "ocilayout init s3://BUCKET/PREFIX"],
            [["resolve", "s3://no-such-bucket/app:v1"], 7, "NoSuchBucket"],
            [["init", "s3://no-such-bucket/app"], 7, "NoSuchBucket"],
            [["tags", "app", "--layout", at("nothing"), "--per-repository"], 3, "has no layouts"],
            [["tags", "s3:///app"], 2, "names no bucket"],
            [["tags", "s3://bucket/app", "--endpoint", "nowhere"], 7, "nowhere, as an endpoint: it is no URL"],
            [["tags", at("a//b")], 2, "empty part"]
          ]
          for (const [args, code, message] of refused) {
            const found = yield* ocl(args)
            assert.deepStrictEqual([found.code, found.out], [code, ""], `${args.join(" ")}: ${found.err}`)
            assert.include(found.err, message)
          }
          const elsewhere = ["--endpoint", endpoint]
          yield* Effect.gen(function*() {
            assert.include(yield* fine(["init", at("elsewhere"), ...elsewhere]), "made a layout")
            assert.strictEqual(yield* fine(["repositories", at("elsewhere"), ...elsewhere]), "")
          }).pipe(
            Effect.provideService(
              ConfigProvider.ConfigProvider,
              environment({ AWS_ENDPOINT_URL: "http://127.0.0.1:9" })
            )
          )
        })
      ),
    60_000
  )
})
