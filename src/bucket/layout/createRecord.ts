/** Creates the object of a record, which decides. */
import { Clock, Effect } from "effect"
import type { WriteFault } from "../../oci/faults.ts"
import { OutcomeUnknown } from "../../oci/OciError.ts"
import { absent, type Changed, type Dated, type ObjectStore, type StoreFault } from "../store/ObjectStore.ts"
import { keyOfRecord, readRecord, type StoredRecord } from "./record.ts"

/** How long a group is decided anew because others were first: milliseconds. */
export const patienceMillis = 30_000

/** Whether it may have taken effect, or may do so later. */
export const isLost = (fault: StoreFault): boolean => fault._tag === "RemoteError" && fault.passing

/** Creates a record; nothing where another one has the number. Its answer is never guessed. */
export const createRecord = Effect.fnUntraced(function*(
  store: ObjectStore,
  bytes: Uint8Array,
  line: StoredRecord,
  relies: number
): Effect.fn.Return<"created" | "taken" | "expired", WriteFault> {
  const key = keyOfRecord(line.record.number)
  const began = yield* Clock.currentTimeMillis
  for (let wasLost = false;;) {
    const answered = yield* store.put(key, bytes, { condition: absent, relies }).pipe(
      Effect.map((answer): Dated<Changed> | undefined => answer),
      Effect.catchIf(isLost, () => Effect.undefined)
    )
    if (answered?.value._tag === "Done") return "created"
    if (answered === undefined) {
      wasLost = true
      if ((yield* Clock.currentTimeMillis) - began > patienceMillis) {
        return yield* new OutcomeUnknown({ operation: "the commit", reason: "the store does not answer" })
      }
      yield* Effect.sleep(100)
      continue
    }
    if (answered.value._tag === "Expired" && !wasLost) return "expired"
    const { value } = yield* store.get(key)
    if (value === undefined || value === "unchanged") return "expired"
    const found = readRecord(value.bytes)
    return found._tag === "Success" && found.success.hash === line.hash ? "created" : "taken"
  }
})
