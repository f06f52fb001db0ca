export { instructionsFor } from "./catalog/instructions.ts"
export { Refused } from "./catalog/Refused.ts"
export { makeToolCatalog, type Selection, selectTools, type ToolCatalog } from "./catalog/toolCatalog.ts"
export { getPrompt, listPrompts, type PromptDefinition, type PromptText } from "./prompts/getPrompt.ts"
export { type Answer, type CallResult, callTool, isKnownTool, listTools, type Request } from "./requests/callTool.ts"
export { complete, type Completion, type CompletionRequest } from "./requests/complete.ts"
export { type ListedResource, listResources, readResource, type ResourceContents } from "./resources/readResource.ts"
export { type Template, templates } from "./resources/ResourceUri.ts"
export { makeSubscriptions, type Subscriptions } from "./resources/subscriptions.ts"
export { serveStdio } from "./sdk/stdio.ts"
export type { Input, Output, Streams } from "./sdk/Streams.ts"
export type { ObjectSchema } from "./tool/jsonSchemaOf.ts"
export type { Archives, Making, Mode, Registries, ServedLayout, ServerConfig } from "./tool/ServerConfig.ts"
export type * from "./tool/SurfaceError.ts"
export {
  type Exchange,
  type JsonArguments,
  type Needs,
  type Progress,
  type Tool,
  type ToolAnswer,
  type ToolDefinition,
  type Toolset,
  toolsets
} from "./tool/Tool.ts"
