/** What `ocilayout mcp` tells a person who starts it at a terminal. */
import { resolve } from "node:path"
import type { Mode, ServerConfig } from "../../mcp/index.ts"
import type { LayoutDirectory } from "../directories.ts"
import type { McpOptions } from "./McpOptions.ts"

const allows: Readonly<Record<Mode, string>> = {
  read: "Agents may read, and change nothing.",
  write:
    "Agents may read, add content, and move and remove tags and manifests, which can be taken back; not delete blobs.",
  delete: "Agents may read, add content, move and remove tags and manifests, and delete blobs and garbage for good."
}

/** @param program the Node and the script that run now: a client finds them, however they were installed */
export const notice = (
  served: ServerConfig,
  options: McpOptions,
  directories: ReadonlyArray<LayoutDirectory>,
  program: { readonly node: string; readonly script: string }
): string => {
  const { files, mode } = served
  const args = [program.script, ...argumentsOf(options, directories)]
  const configuration = { mcpServers: { oci: { command: program.node, args } } }
  return [
    `ocilayout speaks MCP on standard input and output, and serves ${
      directories.length === 1 ? "this layout" : "these layouts"
    }:`,
    "",
    ...directories.map(({ id, path }) =>
      `  ${id}  ${path}${options.perRepository ? "  (one layout per repository)" : ""}`
    ),
    "",
    allows[mode],
    mode === "read"
      ? "No file is written, inside the layout or outside of it."
      : files.allowed.length === 0
      ? "No files can be pushed from or exported to; --allowed-dir DIR allows a directory."
      : `Files can be pushed from and exported to: ${files.allowed.join(", ")}`,
    "",
    "It is meant to be started by an MCP client. For Claude Desktop, Cursor, Windsurf and others, paste:",
    "",
    JSON.stringify(configuration, null, 2),
    "",
    `For Claude Code: claude mcp add oci -- ${[program.node, ...args].map(shellWord).join(" ")}`,
    "",
    "It ends when its input does: press Ctrl-D."
  ].join("\n")
}

/**
 * What is told once a server listens. A token that was made for it is shown; one that a variable holds is not repeated.
 */
export const httpNotice = (
  url: string,
  { mode }: Pick<ServerConfig, "mode">,
  token: string | { readonly token: string }
): string =>
  [
    `ocilayout speaks MCP at ${url}`,
    typeof token === "string"
      ? `Requests need the token that is in ${token}.`
      : `Requests need this token, which was made for this run; --token-env NAME takes one of yours: ${token.token}`,
    allows[mode]
  ].join("\n")

/** The same command line with absolute paths, since a client starts it elsewhere. */
const argumentsOf = (options: McpOptions, directories: ReadonlyArray<LayoutDirectory>): ReadonlyArray<string> => [
  "mcp",
  ...directories.map(({ id, path }) => directories.length === 1 && !path.includes("=") ? path : `${id}=${path}`),
  ...(options.create ? ["--create"] : []),
  ...(options.perRepository ? ["--per-repository"] : []),
  ...(options.defaultRepository === undefined ? [] : ["--default-repository", options.defaultRepository]),
  ...(options.readOnly ? ["--read-only"] : []),
  ...(options.allowDelete ? ["--allow-delete"] : []),
  ...(options.confirm ? ["--confirm"] : []),
  ...options.allowedDirectories.flatMap((directory) => ["--allowed-dir", resolve(directory)]),
  ...listed("--toolsets", options.toolsets),
  ...listed("--tools", options.tools),
  ...listed("--exclude-tools", options.excludedTools),
  ...(options.durability === "power" ? [] : ["--durability", options.durability]),
  ...(options.hold === "always" ? [] : ["--hold", options.hold]),
  ...(options.symlinks === "refuse" ? [] : ["--symlinks", options.symlinks])
]

const listed = (flag: string, names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.length === 0 ? [] : [flag, names.join(",")]

const shellWord = (word: string): string => /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
