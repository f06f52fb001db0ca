/** The layouts that a command has opened, so that its failure says where. */
import { Context, Effect } from "effect"
import type { RegistryError } from "../oci/OciError.ts"
import { quoted } from "../oci/quoted.ts"

/** Absolute paths, in the order they were opened. */
export const Opened: Context.Reference<Array<string>> = Context.Reference<Array<string>>("ocilayout/cli/Opened", {
  defaultValue: () => []
})

export const tellOpened = (directory: string): Effect.Effect<void> =>
  Effect.map(Opened, (opened) => {
    if (!opened.includes(directory)) opened.push(directory)
  })

/** What is about a layout, or about content of it; the others are about what was typed, or say where they are. */
const aboutLayouts: ReadonlySet<RegistryError["_tag"]> = new Set([
  "BlobUnknown",
  "BlobUploadUnknown",
  "Conflict",
  "ContentMismatch",
  "DigestAmbiguous",
  "FormatUnsupported",
  "HistoryInvalid",
  "IndexInvalid",
  "IndexTooLarge",
  "LayoutInvalid",
  "LayoutVersionUnsupported",
  "LimitExceeded",
  "ManifestBlobUnknown",
  "ManifestUnknown",
  "NameUnknown",
  "OutcomeUnknown",
  "PlanExpired",
  "PlatformUnknown",
  "Referenced",
  "RevisionUnknown",
  "SymlinkRefused",
  "TagExists",
  "UploadBusy"
])

/** The message with the layout it is about, or the two that were at work; nothing is added where the message says it. */
export const withPlace = ({ _tag, message }: RegistryError, [from, to]: ReadonlyArray<string>): string => {
  if (from === undefined || !aboutLayouts.has(_tag)) return message
  const places = to === undefined ? `in ${quoted(from)}` : `from ${quoted(from)} to ${quoted(to)}`
  return message.includes(quoted(from)) ? message : `${message} (${places})`
}
