/** What to do about a failure: one table of hints. */
import type { RegistryError } from "../oci/OciError.ts"

const table: { readonly [Tag in RegistryError["_tag"]]?: string } = {
  BlobUploadUnknown: "ocilayout upload list REPOSITORY shows those that are open.",
  BundleBaseUnknown:
    "Apply the bundles first that it builds on, or make it anew with --have of what ocilayout inventory prints here.",
  Conflict: "Nothing was changed; ocilayout resolve prints where it points now.",
  ContentMismatch:
    "ocilayout verify shows what else is damaged; ocilayout repair --source DIR fetches it from another layout.",
  DigestAmbiguous: "Give more digits.",
  HistoryInvalid: "What is there now is not affected; ocilayout verify says more.",
  IndexInvalid: "ocilayout verify says what is wrong, ocilayout repair puts right what it can.",
  LayerInvalid: "ocilayout verify --level content says whether the layout is damaged, or the image was made so.",
  LayoutInvalid: "ocilayout verify says what is wrong, ocilayout repair puts right what it can.",
  LayoutLocked: "Another process is writing; try again.",
  ManifestBlobUnknown: "Push what is missing first: ocilayout blob push, and ocilayout manifest push for manifests.",
  ManifestUnknown: "ocilayout tags lists the tags of a repository.",
  NameUnknown: "ocilayout repositories lists those there are.",
  OutcomeUnknown: "Look whether the change is there before repeating it: ocilayout history.",
  PathUnknown: "ocilayout files lists what an image has.",
  PlanExpired: "Look again with ocilayout gc.",
  RangeInvalid: "ocilayout upload status says how far an upload is.",
  Referenced: "Nothing was changed; ocilayout inspect shows what each of them is.",
  RevisionUnknown: "ocilayout history lists the revisions.",
  SymlinkRefused: "--symlinks inside follows links that stay inside of the layout.",
  TagExists: "Nothing was changed; --move moves the tag.",
  Unauthorized: "ocilayout login HOST keeps a name and a password.",
  UploadBusy: "Another process is appending to it; try again."
}

/** What the index leads to, and what is not there. */
const gone = "ocilayout verify says what else is missing; ocilayout repair --source DIR fetches it from another layout."

const left = "--sparse copies what is there; ocilayout verify says what else is missing."

const keys = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, say whose keys are used."

export const hintFor = (error: RegistryError): string | undefined =>
  error._tag === "ManifestUnknown" && error.absent === true ?
    gone :
    (error._tag === "BlobUnknown" || error._tag === "ManifestUnknown") && error.neededBy !== undefined ?
    left :
    error._tag === "Unauthorized" && error.store === true ?
    keys :
    error._tag === "Conflict" && error.names !== undefined
    ? "They were changed since: ocilayout history shows by what; --force takes them back nevertheless."
    : table[error._tag]
