/** The objects of a store below a further prefix, as a store of their own. */
import { Effect } from "effect"
import type { ObjectStore } from "./ObjectStore.ts"

/** @param prefix without slashes at its ends */
export const below = (store: ObjectStore, prefix: string): ObjectStore => {
  const at = (key: string): string => `${prefix}/${key}`
  return {
    name: `${store.name}/${prefix}`,
    head: (key) => store.head(at(key)),
    get: (key, options) => store.get(at(key), options),
    read: (key, window) => store.read(at(key), window),
    put: (key, bytes, options) => store.put(at(key), bytes, options),
    remove: (key, options) => store.remove(at(key), options),
    list: (start, limit) =>
      Effect.map(store.list(at(start), limit), ({ date, value }) => ({
        date,
        value: value.map((one) => ({ ...one, key: one.key.slice(prefix.length + 1) }))
      })),
    names: (folder) => store.names(at(folder)),
    begin: (key) => store.begin(at(key)),
    part: (key, upload, number, bytes) => store.part(at(key), upload, number, bytes),
    complete: (key, upload, parts, options) => store.complete(at(key), upload, parts, options),
    abort: (key, upload) => store.abort(at(key), upload)
  }
}
