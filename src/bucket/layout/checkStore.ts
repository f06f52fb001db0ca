/** Finds out, before the first write of a process, whether a store honours what the rules need. */
import { Effect } from "effect"
import { Unsupported } from "../../oci/OciError.ts"
import {
  absent,
  type Changed,
  type ObjectStore,
  type Precondition,
  type StoreFault,
  unchanged
} from "../store/ObjectStore.ts"
import { temporaryFolder } from "./folders.ts"
import { newId } from "./newId.ts"

/** Of no object. */
const anotherEtag = "\"0123456789abcdef0123456789abcdef\""

/** What the store has to refuse as signed too long ago: milliseconds. */
const tooOldMillis = 20 * 60_000

/** What a store that can be written does besides. */
export interface StoreChecked {
  /** Whether `DELETE` honours `If-Match`: without that nothing can be removed safely. */
  readonly removes: boolean
}

/** How a layout has its store tried: once for all that do it by the same. */
export type StoreChecker = (store: ObjectStore) => Effect.Effect<StoreChecked, Unsupported | StoreFault>

export const makeStoreChecker = (): StoreChecker => {
  let known: StoreChecked | undefined
  return (store) =>
    Effect.suspend(() =>
      known !== undefined ? Effect.succeed(known) : Effect.tap(checkStore(store), (found) =>
        Effect.sync(() => {
          known = found
        }))
    )
}

/** `Unsupported` says what the store does not honour: such a store would lose changes, and is not written. */
export const checkStore = Effect.fnUntraced(function*(store: ObjectStore) {
  const key = `${temporaryFolder}${yield* newId}`
  const bytes = new Uint8Array([1])
  const { date, value: created } = yield* store.put(key, bytes, { condition: absent })
  const expect = (what: string, answer: Changed, tag: Changed["_tag"]): Effect.Effect<void, Unsupported> =>
    answer._tag === tag ? Effect.void : Effect.fail(
      new Unsupported({
        operation: `writing a layout into ${store.name}`,
        reason: `the store does not honour ${what}`
      })
    )
  const put = (condition: Precondition, relies?: number) =>
    Effect.map(store.put(key, bytes, { condition, relies }), ({ value }) => value)
  return yield* Effect.gen(function*() {
    yield* expect("If-None-Match: * for a key that is not there", created, "Done")
    yield* expect("If-None-Match: *", yield* put(absent), "Conflict")
    yield* expect("If-Match", yield* put(unchanged(anotherEtag)), "Conflict")
    const old = yield* put(created._tag === "Done" ? unchanged(created.etag) : absent, date - tooOldMillis)
    yield* expect("the time of a signature", old, "Expired")
    const { value: removed } = yield* store.remove(key, { etag: anotherEtag })
    return { removes: removed._tag === "Conflict" }
  }).pipe(Effect.ensuring(Effect.ignore(store.remove(key))))
  // Nothing is decided yet: it is tried anew with another key.
}, Effect.retry({ while: (fault) => fault._tag === "RemoteError" && fault.passing, times: 4 }))
