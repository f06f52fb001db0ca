/** Every view of the page over the world of `test/evals`, with what is there once it is complete. */
export interface View {
  readonly name: string
  readonly layout: "prod" | "apps" | "vendor"
  readonly hash: string
  /** Shows when all has come. */
  readonly shows: string
  /** A button that is pressed first, by its name. */
  readonly press?: string
}

export const views: ReadonlyArray<View> = [
  { name: "tags", layout: "prod", hash: "/images?repository=shop%2Fapi", shows: "text=linux/arm64" },
  { name: "image", layout: "apps", hash: "/image?repository=store%2Fdb&reference=2", shows: "text=Largest files" },
  { name: "index", layout: "prod", hash: "/image?repository=shop%2Fapi&reference=1.2.0", shows: "text=linux/arm/v7" },
  {
    name: "files",
    layout: "apps",
    hash: "/image?repository=store%2Fdb&reference=2&tab=files&path=%2Fetc%2Fdb%2Fdb.conf",
    shows: "text=port = 5433"
  },
  {
    name: "attached",
    layout: "prod",
    hash: "/image?repository=shop%2Fapi&reference=1.2.0&tab=attached",
    shows: "text=Manifest"
  },
  {
    name: "tag-history",
    layout: "prod",
    hash: "/image?repository=shop%2Fweb&reference=prod&tab=history",
    shows: "text=What it has pointed at"
  },
  { name: "history", layout: "prod", hash: "/history", shows: "text=revision 37" },
  {
    name: "undo",
    layout: "prod",
    hash: "/history",
    press: "Undo revision 37",
    shows: "text=A new commit makes these names"
  },
  {
    name: "diff",
    layout: "apps",
    hash: "/diff?repository1=store%2Fdb&reference1=1&repository2=store%2Fdb&reference2=2&path=%2Fetc%2Fdb%2Fdb.conf",
    shows: "text=+port = 5433"
  },
  { name: "space", layout: "prod", hash: "/space", shows: "text=What stays, and why" },
  { name: "health", layout: "prod", hash: "/health", shows: "text=Nothing was checked yet" },
  { name: "findings", layout: "prod", hash: "/health", press: "Check every byte", shows: "text=BLOB_CORRUPT" },
  { name: "nothing", layout: "vendor", hash: "/images?repository=none", shows: "text=There is no such repository" }
]
