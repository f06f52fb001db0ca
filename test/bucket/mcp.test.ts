/** Agents on a layout in a bucket: the same tools, and two servers see what each other does at once. */
import { assert, describe, it } from "@effect/vitest"
import { Client } from "@modelcontextprotocol/client"
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio"
import { Effect } from "effect"
import { compiled, mainPath } from "../cli/support/server.ts"
import { bucketName, gatewayCommand, gatewayKeys, startGateway } from "./support/gateway.ts"

const live = gatewayCommand === undefined ? it.live.skip : it.live

/** Calls tools of a server that was started on `s3://…/agents`. */
const server = Effect.fnUntraced(function*(endpoint: string) {
  const client = new Client({ name: "bucket", version: "0" })
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [mainPath, "mcp", "--create", "--allow-delete", `s3://${bucketName}/agents`],
    env: {
      ...compiled,
      AWS_ACCESS_KEY_ID: gatewayKeys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: gatewayKeys.secretAccessKey,
      AWS_REGION: "us-east-1",
      AWS_ENDPOINT_URL: endpoint
    },
    stderr: "ignore"
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => client.connect(transport)),
    () => Effect.promise(() => client.close())
  )
  return (name: string, args: Record<string, unknown> = {}) =>
    Effect.map(Effect.promise(() => client.callTool({ name, arguments: args })), (answer) => {
      assert.notStrictEqual(answer.isError, true, JSON.stringify(answer.content))
      return JSON.stringify(answer.structuredContent)
    })
})

describe("ocilayout mcp on a bucket", () => {
  live("pushes, tags, deletes, takes back and verifies", () =>
    Effect.gen(function*() {
      const { endpoint } = yield* startGateway
      const [one, two] = [yield* server(endpoint), yield* server(endpoint)]
      const repository = "app"
      const [digest = ""] = /sha256:[a-f0-9]{64}/u.exec(yield* one("oci_push_blob", { repository, text: "{}" })) ?? []
      const config = { mediaType: "application/vnd.oci.empty.v1+json", digest, size: 2 }
      const mediaType = "application/vnd.oci.image.manifest.v1+json"
      const manifest = { schemaVersion: 2, mediaType, config, layers: [] }
      yield* one("oci_push_manifest", { repository, manifest, tags: ["v1"] })
      yield* two("oci_tag", { ref: "app:v1", tags: ["v2"] })
      assert.match(yield* one("oci_list_tags", { repository }), /"v1".*"v2"/u)
      yield* one("oci_delete", { kind: "tag", ref: "app:v1" })
      const tags = yield* two("oci_list_tags", { repository })
      assert.notInclude(tags, "\"v1\"")
      assert.include(yield* two("oci_history", { repository }), "v1")
      assert.include(yield* two("oci_verify"), "\"ok\":true")
    }), 60_000)
})
