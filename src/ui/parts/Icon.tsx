/** Pictures of one line, drawn for this page. */
import type { VNode } from "preact"

const paths = {
  copy: "M9 9h10v10H9zM5 15V5h10",
  check: "M5 13l4 4L19 7",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16.5 16.5L21 21",
  images: "M12 3l9 5-9 5-9-5zM3 12l9 5 9-5M3 16l9 5 9-5",
  history: "M4 5v5h5M4.6 10A8 8 0 1 1 4 14M12 8v5l3 2",
  space: "M4 4h9v16H4zM13 4h7v7h-7zM13 11h7v9h-7z",
  health: "M12 21s-8-5-8-11a5 5 0 0 1 8-3 5 5 0 0 1 8 3c0 6-8 11-8 11z",
  sun:
    "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M4 12H2M22 12h-2M5 5l1.5 1.5M17.5 17.5L19 19M5 19l1.5-1.5M17.5 6.5L19 5",
  moon: "M20 14a8 8 0 0 1-10-10 8 8 0 1 0 10 10z",
  folder: "M3 6h6l2 2h10v11H3z",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  right: "M9 5l7 7-7 7",
  undo: "M8 5L4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3",
  diff: "M7 4v10M2 9h10M14 18h8M19 4L5 20",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  seal: "M12 3l7 3v6c0 5-3 8-7 9-4-1-7-4-7-9V6zM9 12l2 2 4-4",
  tag: "M3 12V4h8l9 9-8 8zM7.5 8.5h.01",
  close: "M6 6l12 12M18 6L6 18"
} as const

export type IconName = keyof typeof paths

export const Icon = ({ name }: { readonly name: IconName }): VNode => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d={paths[name]} />
  </svg>
)
