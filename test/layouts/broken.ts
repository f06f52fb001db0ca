/** Layouts made by hand that cannot be used, or not as they say, and what must be said of them. */
import type { Fields } from "../support/refusals.ts"

export interface Broken {
  readonly name: string
  /** What every look at the index fails with; none where only the content is wrong. */
  readonly error?: Fields & { readonly _tag: "IndexInvalid" | "LayoutInvalid" | "LayoutVersionUnsupported" }
}

export const broken: ReadonlyArray<Broken> = [
  {
    name: "hand/bom",
    error: { _tag: "IndexInvalid", code: "INDEX_INVALID", path: "index.json", reason: "starts with a byte order mark" }
  },
  {
    name: "hand/layout-version-1.1.0",
    error: {
      _tag: "LayoutVersionUnsupported",
      code: "LAYOUT_VERSION_UNSUPPORTED",
      path: "oci-layout",
      version: "1.1.0"
    }
  },
  {
    name: "hand/layout-version-2",
    error: {
      _tag: "LayoutVersionUnsupported",
      code: "LAYOUT_VERSION_UNSUPPORTED",
      path: "oci-layout",
      version: "2.0.0"
    }
  },
  {
    name: "hand/no-oci-layout",
    error: { _tag: "LayoutInvalid", code: "LAYOUT_INVALID", path: "oci-layout", reason: "is missing beside index.json" }
  },
  { name: "hand/wrong-size" }
]
