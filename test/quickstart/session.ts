/** The official MCP client on a server process, printing what passes between them. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js"
import { call as printCall } from "./transcript.ts"

type Arguments = Record<string, unknown>

export interface Session {
  readonly client: Client
  /** The structured output of a call that has to succeed. */
  readonly call: (name: string, args?: Arguments) => Promise<Record<string, unknown>>
  /** What is said about a call that has to be refused. */
  readonly refused: (name: string, args: Arguments) => Promise<string>
  /** Ends the server as a crash would: it gets no chance to tidy up. */
  readonly kill: () => Promise<void>
}

export const connect = async (server: string, args: ReadonlyArray<string>): Promise<Session> => {
  const client = new Client({ name: "quickstart", version: "1.0.0" })
  const transport = new StdioClientTransport({ command: process.execPath, args: [server, ...args], stderr: "inherit" })
  await client.connect(transport)
  // The client checks every answer against the tool's output schema from here on.
  await client.listTools()

  const ask = async (name: string, args: Arguments) => {
    printCall(name, args)
    const { content, isError = false, structuredContent = {} } = CallToolResultSchema.parse(
      await client.callTool({ name, arguments: args })
    )
    const text = content.map((part) => part.type === "text" ? part.text : "").join("\n")
    return { isError, structuredContent, text }
  }

  return {
    client,
    call: async (name, args = {}) => {
      const { isError, structuredContent, text } = await ask(name, args)
      if (isError) throw new Error(`${name} was refused: ${text}`)
      return structuredContent
    },
    refused: async (name, args) => {
      const { isError, text } = await ask(name, args)
      if (!isError) throw new Error(`${name} was not refused: ${text}`)
      return text
    },
    kill: async () => {
      if (transport.pid !== null) process.kill(transport.pid, "SIGKILL")
      await client.close()
    }
  }
}
