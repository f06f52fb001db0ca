/** What things cost a model: tokens of o200k, which other vendors' tokenizers are within some per cent of. */
import { countTokens } from "gpt-tokenizer/encoding/o200k_base"
import type { ToolDefinition } from "../../../src/mcp/tool/Tool.ts"

export const tokensIn = (text: string): number => countTokens(text)

/** What hosts put in front of a model: no output schema, and no hints. */
export const tokensShown = ({ description, inputSchema, name }: ToolDefinition): number =>
  tokensIn(JSON.stringify({ name, description, input_schema: inputSchema }))

/** All that passes over the wire. */
export const tokensSent = (definition: ToolDefinition): number => tokensIn(JSON.stringify(definition))
