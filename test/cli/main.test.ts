import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parseDirectory } from "../../src/cli/directories.ts"
import { notice } from "../../src/cli/mcp/notice.ts"
import { version } from "../../src/cli/version.ts"
import { makeMemory } from "../../src/memory/index.ts"
import { memoryFiles } from "../mcp/support/memoryFiles.ts"
import { mainPath, temporaryDirectory } from "./support/server.ts"

interface Outcome {
  readonly code: unknown
  readonly stdout: string
  readonly stderr: string
}

const main = (...args: ReadonlyArray<string>): Effect.Effect<Outcome> =>
  Effect.callback((resume) => {
    execFile(process.execPath, [mainPath, ...args], (error, stdout, stderr) =>
      resume(Effect.succeed({ code: error?.code ?? 0, stdout, stderr })))
  })

describe("ocilayout", () => {
  it("has the version of its package", () => {
    const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8")
    assert.strictEqual(version, /"version": "([^"]+)"/u.exec(manifest)?.[1])
  })

  it.live("says its version and what it can do", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* main("--version"), { code: 0, stdout: `${version}\n`, stderr: "" })
      const help = yield* main("mcp", "--help")
      assert.strictEqual(help.code, 0)
      for (
        const part of [
          "[ID=]DIR",
          "--per-repository",
          "--default-repository",
          "--read-only",
          "--allow-delete",
          "--allowed-dir",
          "--toolsets",
          "--tools",
          "--exclude-tools",
          "--durability",
          "--symlinks",
          "--http",
          "--token-env",
          "--allowed-host",
          "--allowed-origin",
          "EXAMPLES"
        ]
      ) {
        assert.include(help.stdout, part)
      }
    }))

  it.live("says of each command which references it takes, and of completions which shells", () =>
    Effect.gen(function*() {
      const told: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [["tag", "delete"], "PATH/repository:tag\n"],
        [["blob", "get"], "PATH/repository@digest; "],
        [["blob", "mount"], "PATH/repository@digest, with the digest in full"],
        [["manifest", "delete"], "PATH/repository@digest, with the digest in full"],
        [["manifest", "push"], "PATH/repository[:tag][@digest]; "],
        [["upload", "start"], "for a day after the last append"],
        [["completions"], "bash, zsh or fish"]
      ]
      for (const [command, expected] of told) {
        assert.include((yield* main(...command, "--help")).stdout, expected, command.join(" "))
      }
    }))

  it.live("answers a mistake on standard error, with where help is", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const mistakes: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [["mcp"], "is missing"],
        [["mcp", "--create", root, "--durability", "maybe"], "\"power\" | \"process\" | \"none\""],
        [["mcp", "--create", root, "--default-repository", "Bad"], "a repository name"],
        [["mcp", "--create", root, "--bogus"], "--bogus"],
        [["server"], "is no subcommand"],
        [["mcp", "--create", join(root, "a", "x"), join(root, "b", "x")], "would both be called x"],
        [
          ["mcp", "--create", root, "--toolsets", "read,writing"],
          "there is no toolset writing; there are: read, inspect, write, make, uploads, delete, maintain"
        ],
        [
          ["mcp", "--create", root, "--tools", "oci_list_tags,list_tags"],
          "there is no tool list_tags; there are: oci_list_layouts, "
        ],
        [["mcp", "--create", root, "--exclude-tools", "oci_nope"], "there is no tool oci_nope"],
        [["mcp", "--create", root, "--read-only", "--toolsets", "delete"], "no tool is left"]
      ]
      for (const [args, expected] of mistakes) {
        const { code, stderr, stdout } = yield* main(...args)
        assert.deepStrictEqual([code, stdout], [2, ""], args.join(" "))
        assert.include(stderr, expected)
      }
    }))

  it.live("answers a mistake in JSON where that was asked for", () =>
    Effect.gen(function*() {
      for (const args of [["resolve", "--json"], ["tags", "--limit", "x", "--json"], ["resolv", "--json"]]) {
        const { code, stderr, stdout } = yield* main(...args)
        assert.deepStrictEqual([code, stdout], [2, ""], args.join(" "))
        const { error } = JSON.parse(stderr) as { error: Record<string, string> }
        assert.deepStrictEqual(Object.keys(error), ["code", "message", "hint"])
        assert.strictEqual(error["code"], "INVALID_ARGUMENT")
        assert.isNotEmpty(error["message"])
        assert.match(error["hint"] ?? "", /--help shows what it takes/u)
      }
      assert.notInclude((yield* main("resolve", "a", "b", "--", "--json")).stderr, "{")
    }))

  it.effect("explains itself at a terminal", () =>
    Effect.gen(function*() {
      const registry = yield* Effect.orDie(makeMemory())
      const text = notice(
        {
          layouts: [{ id: "my", path: "/srv/my layout", registry, perRepository: false }],
          mode: "write",
          files: memoryFiles(["/files"])
        },
        {
          directories: ["my=/srv/my layout"],
          create: false,
          perRepository: false,
          defaultRepository: "app",
          endpoint: undefined,
          sse: undefined,
          readOnly: false,
          allowDelete: false,
          confirm: false,
          allowedRegistries: [],
          allowedDirectories: ["/files"],
          toolsets: ["read", "write"],
          tools: [],
          excludedTools: ["oci_tag"],
          hold: "always",
          durability: "process",
          symlinks: "refuse",
          http: undefined,
          tokenEnv: undefined,
          allowedHosts: [],
          allowedOrigins: []
        },
        [parseDirectory("my=/srv/my layout")],
        { node: "/opt/node/bin/node", script: "/opt/ocilayout/bin/ocilayout.js" }
      )
      for (
        const part of [
          "/srv/my layout",
          "move and remove tags",
          "pushed from and exported to: /files",
          "Ctrl-D",
          `"mcpServers"`
        ]
      ) {
        assert.include(text, part)
      }
      assert.include(
        text,
        "claude mcp add oci -- /opt/node/bin/node /opt/ocilayout/bin/ocilayout.js mcp '/srv/my layout' " +
          "--default-repository app --allowed-dir /files --toolsets read,write --exclude-tools oci_tag --durability process"
      )
    }))
})
