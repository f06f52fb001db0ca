/**
 * Leaving without getting stuck. Node's exit waits for V8's threads; one that compiles may wait in turn for a collection
 * of garbage, which only this thread could do, and neither ever ends (nodejs/node#54918). That happens where the heap is
 * as full as it was ready to be, as it is after a large index was read. So room is made before.
 */
import { getHeapStatistics, setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** Bytes. A smaller heap is that of a command that has read little, and collecting it would only cost time. */
const largeHeap = 64 * 1024 * 1024

export const makeRoom = (): void => {
  if (getHeapStatistics().total_heap_size >= largeHeap) collectGarbage()
}

/** A thread that waits for it goes on. */
const collectGarbage = (): void => {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc()")
}
