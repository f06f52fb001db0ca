/** A few lines of shell and `jq`: no tool that was traced drops the annotations of the index, but these may. */
import { Effect } from "effect"
import type { GivenUp } from "./GivenUp.ts"
import { appended, compact, entryNamed, type Index, nameOf, renamed, without } from "./indexJson.ts"
import { type Desk, indexPath, overwrite, place, readIndex, type Work } from "./Tool.ts"

export interface Edits {
  /** Whether `mv` puts the new file there, or `>` writes into the old one. */
  readonly by: "mv" | "redirection"
  readonly dropsAnnotations: boolean
  /** The entry that gets another name as well, or loses its name; otherwise what was read is written back. */
  readonly edit: { readonly from: string; readonly name: string } | { readonly removes: string } | undefined
}

const edited = (index: Index, edit: Edits["edit"]): Effect.Effect<Index, GivenUp> => {
  if (edit === undefined) return Effect.succeed(index)
  if ("removes" in edit) return Effect.succeed(without(index, edit.removes))
  return Effect.map(
    entryNamed(index, edit.from),
    (source) => appended(without(index, edit.name), renamed(source, edit.name))
  )
}

export const script = (desk: Desk, { by, dropsAnnotations, edit }: Edits): Work =>
  Effect.gen(function*() {
    const { annotations, ...index } = yield* readIndex(desk)
    yield* desk.pause("read")
    const next = yield* edited(
      dropsAnnotations || annotations === undefined ? index : { ...index, annotations },
      edit
    )
    if (edit !== undefined) {
      const name = "removes" in edit ? edit.removes : edit.name
      desk.say({ _tag: "Means", name, digest: next.manifests.find((entry) => nameOf(entry) === name)?.digest })
    }
    const text = compact(next)
    yield* by === "mv"
      ? place(desk, indexPath(desk), text, { by: `${desk.root}/index.new${desk.digits()}`, mode: 0o644 })
      : overwrite(desk, indexPath(desk), text)
    yield* desk.pause("written")
    desk.say({ _tag: "Done" })
  })
