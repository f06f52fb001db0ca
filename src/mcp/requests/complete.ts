/** What `completion/complete` means: values for the variables of resource templates and the arguments of prompts. */
import { Effect, Stream } from "effect"
import type { RegistryError } from "../../oci/OciError.ts"
import { type Refused, refusing } from "../catalog/Refused.ts"
import type { ToolCatalog } from "../catalog/toolCatalog.ts"
import { offeredPrompts } from "../prompts/getPrompt.ts"
import type { Completing } from "../prompts/prompts.ts"
import { templates } from "../resources/ResourceUri.ts"
import * as limits from "../tool/limits.ts"
import { justBefore } from "../tool/names.ts"
import type { ServedLayout } from "../tool/ServerConfig.ts"
import { type InvalidArgument, invalidArgument } from "../tool/SurfaceError.ts"

/** Which argument is to be completed, and what it begins with. */
export interface CompletionRequest {
  /** The prompt, or the template, exactly as it is listed. */
  readonly of: { readonly prompt: string } | { readonly template: string }
  readonly argument: string
  /** What has been typed. */
  readonly value: string
  /** The arguments that are known already. */
  readonly given: Readonly<Record<string, string>>
}

/** What a value can be completed to. */
export interface Completion {
  /** At most 100, the likeliest first. */
  readonly values: ReadonlyArray<string>
  /** How many there are, where that is known. */
  readonly total?: number
  readonly hasMore: boolean
}

/** Values that may be meant. There are none for a name that is wrong; only an unknown prompt or template is refused. */
export const complete = (catalogue: ToolCatalog, request: CompletionRequest): Effect.Effect<Completion, Refused> => {
  const { served } = catalogue
  const id = request.given["layout"]
  const layout = id === undefined ? served.layouts[0] : served.layouts.find((one) => one.id === id)
  return refusing(
    catalogue,
    layout ?? served.layouts[0],
    "completing an argument",
    Effect.gen(function*() {
      const kind = "prompt" in request.of
        ? yield* promptArgument(catalogue, request.of.prompt, request.argument)
        : yield* templateVariable(request.of.template, request.argument)
      if (kind === "layout") return fixed(served.layouts.map((one) => one.id), request.value)
      if (kind === "artifact_type") return fixed(artifactTypes, request.value)
      // Paths in images are for the tools to find.
      if (kind === undefined || kind === "path" || layout === undefined) return none
      return yield* Effect.catchTags(fromLayout(layout, kind, request), {
        NameInvalid: () => Effect.succeed(none),
        NameUnknown: () => Effect.succeed(none)
      })
    })
  )
}

const none: Completion = { values: [], total: 0, hasMore: false }

/** What attached artifacts usually are. */
const artifactTypes = [
  "application/spdx+json",
  "application/vnd.cyclonedx+json",
  "application/vnd.dev.sigstore.bundle.v0.3+json",
  "application/vnd.in-toto+json",
  "application/sarif+json"
]

const promptArgument = (catalogue: ToolCatalog, prompt: string, argument: string) => {
  const known = offeredPrompts(catalogue).find(({ name }) => name === prompt)
  const found = known?.arguments.find(({ name }) => name === argument)
  return found === undefined
    ? Effect.fail(invalidArgument("there is no such prompt, or it has no such argument"))
    : Effect.succeed(found.completing)
}

type Kind = Completing | "repository" | "reference" | "manifest" | "blob" | "path"

const templateVariable = (uriTemplate: string, argument: string): Effect.Effect<Kind, InvalidArgument> => {
  const template = templates.find((one) => one.uriTemplate === uriTemplate)
  const variable = template?.variables.find((one) => one === argument)
  if (template === undefined || variable === undefined) {
    return Effect.fail(invalidArgument("there is no such template, or it has no such variable"))
  }
  return Effect.succeed(variable === "digest" ? template.digests ?? "blob" : variable)
}

const fromLayout = (
  layout: ServedLayout,
  kind: Exclude<Kind, "layout" | "artifact_type" | "path">,
  { given, value }: CompletionRequest
): Effect.Effect<Completion, RegistryError> => {
  const repository = given["repository"] ?? ""
  switch (kind) {
    case "repository":
      return repositories(layout, value)
    case "reference":
      return tags(layout, repository, value, "")
    case "manifest":
    case "blob":
      return digests(layout, repository, kind, value, "")
    case "ref":
      return references(layout, value)
  }
}

/** `repository`, then `repository:tag` or `repository@digest` as soon as it is clear which repository is meant. */
const references = (layout: ServedLayout, value: string): Effect.Effect<Completion, RegistryError> => {
  const [, repository = "", mark = "", rest = ""] = /^([^:@]*)([:@]?)(.*)$/su.exec(value) ?? []
  if (mark === "@") return digests(layout, repository, "manifest", rest, `${repository}@`)
  if (mark === ":") return tags(layout, repository, rest, `${repository}:`)
  return Effect.flatMap(repositories(layout, value), (found) => {
    const [only] = found.values
    return found.values.length === 1 && only !== undefined ? tags(layout, only, "", `${only}:`) : Effect.succeed(found)
  })
}

/** Those that begin with what was typed before those that have it somewhere. */
const repositories = ({ registry }: ServedLayout, value: string): Effect.Effect<Completion, RegistryError> =>
  Effect.map(
    some(registry.repositories(), (name) => name.includes(value)),
    ({ found, isAll }) =>
      answer(
        [...found.filter((name) => name.startsWith(value)), ...found.filter((name) => !name.startsWith(value))],
        isAll
      )
  )

const tags = (
  { registry }: ServedLayout,
  repository: string,
  value: string,
  before: string
): Effect.Effect<Completion, RegistryError> =>
  beginning(registry.tags(repository, { startAfter: justBefore(value) }), value, before)

/** What was typed may leave out the algorithm. */
const digests = (
  { registry }: ServedLayout,
  repository: string,
  kind: "manifest" | "blob",
  value: string,
  before: string
): Effect.Effect<Completion, RegistryError> => {
  const prefix = "sha256:".startsWith(value) || "sha512:".startsWith(value) || value.includes(":")
    ? value
    : `sha256:${value}`
  return beginning(registry.digests(repository, kind, { startAfter: justBefore(prefix) }), prefix, before)
}

/** Names in lexical order that begin with `prefix`, which is where the stream begins. */
const beginning = (
  names: Stream.Stream<string, RegistryError>,
  prefix: string,
  before: string
): Effect.Effect<Completion, RegistryError> =>
  Effect.map(
    some(Stream.takeWhile(names, (name) => name.startsWith(prefix)), () => true),
    ({ found, isAll }) => answer(found.map((name) => `${before}${name}`), isAll)
  )

/** Names that fit among the first ten thousand, and whether those are all there are. */
const some = <A extends string>(
  names: Stream.Stream<A, RegistryError>,
  fits: (name: A) => boolean
): Effect.Effect<{ readonly found: ReadonlyArray<A>; readonly isAll: boolean }, RegistryError> =>
  Effect.map(Stream.runCollect(Stream.take(names, limits.completionCandidates + 1)), (seen) => ({
    found: seen.slice(0, limits.completionCandidates).filter(fits),
    isAll: seen.length <= limits.completionCandidates
  }))

const answer = (found: ReadonlyArray<string>, isAll: boolean): Completion => ({
  values: found.slice(0, limits.completions),
  ...(isAll ? { total: found.length } : {}),
  hasMore: !isAll || found.length > limits.completions
})

const fixed = (known: ReadonlyArray<string>, value: string): Completion =>
  answer(known.filter((one) => one.toLowerCase().includes(value.toLowerCase())), true)
