/** Where each mistake is noticed. */
import type { Mistake } from "./Rules.ts"

const conditional = ["two conditional tags"]
const collection = ["push against collection"]

export const caughtIn: Readonly<Record<Mistake, ReadonlyArray<string>>> = {
  "the index is put without a condition": ["push and upload, edited index"],
  "a record is put without a condition": conditional,
  "a reader trusts the index": ["push then read, old index put back"],
  "answered before the index is published": conditional,
  "a lost answer is decided again": ["push and upload, old index put back"],
  "refused is taken for not done": collection,
  "foreign bytes are taken in twice": ["edited index, its entry deleted again"],
  "garbage is removed without being condemned": collection,
  "what a record condemned is removed at once": ["two pushes against two collectors"],
  "garbage is computed from the index": ["push against two collectors, one crash"],
  "a blob is deleted without a condition": collection,
  "a refreshed blob keeps its ETag": collection,
  "signed when sent": collection,
  "forgotten while a DELETE may arrive": ["upload against two collectors"],
  "condemned twice": ["push against two collectors, one crash", "two pushes against two collectors"],
  "a push relies on what is hidden": ["delete a blob, push"],
  "an upload leaves hidden what it finds": ["delete a blob, upload it"],
  "what was hidden comes back": ["delete a blob, collect, push"],
  "a machine that stood still goes on": [
    "retention against a stalled push",
    "two pushes, one stood still for a collection"
  ]
}
