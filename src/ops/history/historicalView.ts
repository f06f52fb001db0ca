/** A registry's layouts as they were at a point of their history: the same stores, with the state of then. */
import { Effect, Stream } from "effect"
import { pageOf, repositories } from "../../layout/query.ts"
import type { State } from "../../layout/State.ts"
import { RevisionUnknown } from "../../oci/OciError.ts"
import type { Point } from "../api/History.ts"
import type { LayoutStore } from "../ports/LayoutStore.ts"
import type { Catalog, Opened } from "../repositories/catalog.ts"
import { readableAt } from "./makeHistory.ts"

export const pastCatalog = (catalog: Catalog, point: Point): Catalog => {
  /** What was is found once. */
  const states = new WeakMap<LayoutStore, State>()

  const revision = (opened: Opened, others: boolean) => {
    const readable = readableAt(opened, point).pipe(
      // A text that is no valid tag has never had a value.
      Effect.catchTags({
        NameInvalid: ({ message }) =>
          Effect.fail(new RevisionUnknown({ asked: `value, since ${message},`, newest: 0 })),
        TagInvalid: ({ message }) => Effect.fail(new RevisionUnknown({ asked: `value, since ${message},`, newest: 0 }))
      })
    )
    return others && "time" in point
      ? Effect.catchTag(readable, "RevisionUnknown", () => Effect.succeed(0))
      : readable
  }

  /** @param others whether there are other layouts: this one may have begun after a time at which they were there */
  const asItWas = <A extends Opened>(opened: A, others = false): A => ({
    ...opened,
    layout: {
      ...opened.layout,
      snapshot: Effect.suspend(() => {
        const known = states.get(opened.layout)
        return known === undefined
          ? Effect.tap(
            Effect.flatMap(revision(opened, others), opened.journal.stateAt),
            (state) => Effect.sync(() => states.set(opened.layout, state))
          )
          : Effect.succeed(known)
      })
    }
  })

  const layouts = Effect.map(catalog.layouts, (all) => all.map((opened) => asItWas(opened, all.length > 1)))

  return {
    ...catalog,
    open: (repository) => Effect.map(catalog.open(repository), (opened) => asItWas(opened)),
    whole: Effect.map(catalog.whole, (opened) => asItWas(opened)),
    layouts,
    repositories: (page) =>
      Stream.fromIterableEffect(Effect.gen(function*() {
        const each = yield* Effect.forEach(yield* layouts, ({ layout, repository }) =>
          Effect.map(layout.snapshot, (state) =>
            repositories(state).filter((name) =>
              repository === undefined || name === repository
            )))
        return pageOf(each.flat().toSorted(), page)
      }))
  }
}
