/** Checks the entries of an index: whether each is a descriptor, and whether all tools can use its name. */
import { Effect } from "effect"
import { type Entry, rawNameOf } from "../../layout/Entry.ts"
import type { State } from "../../layout/State.ts"
import { containerdName } from "../../oci/Annotations.ts"
import { platformOf } from "../../oci/Platform.ts"
import { named, quoted, sentence } from "../../oci/quoted.ts"
import type { Repository } from "../../oci/Reference.ts"
import type { Report } from "./Report.ts"

const path = "index.json"

/** @param layout in a tree of layouts, the repository that this one is */
export const checkIndex = Effect.fnUntraced(function*(
  { entries }: State,
  report: Report,
  layout: Repository | undefined
): Effect.fn.Return<void> {
  const met = new Set<string>()
  const reported = new Set<string>()
  for (const [place, entry] of entries.entries()) {
    const at = `manifests[${place}]`
    const digest = entry.digest === "" ? {} : { digest: entry.digest }
    if (entry.descriptor === undefined) {
      const reason = entry.name._tag === "Raw" ? entry.name.reason : "is no descriptor"
      yield* report.found("ENTRY_INVALID", { path, ...digest, message: `${at} ${sentence(reason)}` })
      continue
    }
    const reason = unreadable(entry, layout)
    if (reason !== undefined) {
      const written = rawNameOf(entry)
      const name = written === undefined ? at : quoted(written)
      yield* report.found("NAME_UNREADABLE", {
        path,
        ...digest,
        message: `the name of ${name} ${sentence(reason)}`,
        // Who wants no name needs none.
        ...(entry.refName === undefined ? { severity: "info" as const } : {})
      })
    }
    const key = keyOf(entry)
    if (key === undefined || reported.has(key)) continue
    if (!met.has(key)) {
      met.add(key)
      continue
    }
    reported.add(key)
    yield* report.found(entry.name._tag === "Tagged" ? "NAME_TWICE" : "NAME_TWICE_RAW", {
      path,
      message: `several entries are named ${named(shownName(entry))}`,
      affected: [shownName(entry)]
    })
  }
})

const unreadable = ({ name }: Entry, layout: Repository | undefined): string | undefined => {
  if (name._tag === "Raw") return name.reason
  return layout === undefined || name.repository === layout
    ? undefined
    : `is of another repository than ${layout}, whose layout this is`
}

/**
 * What may be there once only: a tag of a repository in any spelling, or a name that fits no grammar. Entries
 * of one name for different platforms are a choice, and so are those that their full image names tell apart.
 */
const keyOf = (entry: Entry): string | undefined => {
  const { descriptor, name } = entry
  const platform = descriptor === undefined ? undefined : platformOf(descriptor)
  const apart = [platform, descriptor?.annotations?.[containerdName]].filter((one) => one !== undefined)
  const key = name._tag === "Tagged"
    ? `${name.repository}:${name.tag}`
    : name._tag === "Raw"
    ? rawNameOf(entry)
    : undefined
  return key === undefined ? undefined : [key, ...apart].join(" ")
}

const shownName = (entry: Entry): string =>
  entry.name._tag === "Tagged" ? `${entry.name.repository}:${entry.name.tag}` : rawNameOf(entry) ?? entry.digest
