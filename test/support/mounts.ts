/** File systems that are full, read-only or not ours, where this process may make such; else the reason why not. */
import { Effect, type Scope } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { temporaryFolder } from "./folders.ts"

const run = (command: string, ...args: ReadonlyArray<string>): void => {
  execFileSync(command, args, { stdio: "pipe", timeout: 10_000 })
}

/** A small file system in memory. */
export const tinyFolder = (kibibytes: number): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    return yield* Effect.acquireRelease(
      Effect.sync(() => {
        run("mount", "-t", "tmpfs", "-o", `size=${kibibytes}k,mode=755`, "tmpfs", folder)
        return folder
      }),
      () => Effect.sync(() => run("umount", folder))
    )
  })

/** The same folder where nothing can be written. */
export const readOnlyView = (folder: string): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function*() {
    const view = yield* temporaryFolder
    return yield* Effect.acquireRelease(
      Effect.sync(() => {
        run("mount", "--bind", folder, view)
        run("mount", "-o", "remount,ro,bind", view)
        return view
      }),
      () => Effect.sync(() => run("umount", view))
    )
  })

const nobody = 65_534

/** Runs as a user who owns nothing. */
export const asNobody = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => process.seteuid?.(nobody)),
    () => effect,
    () => Effect.sync(() => process.seteuid?.(0))
  )

/** Why no file system can be mounted here; nothing when it can. */
export const whyNoMounts = ((): string | undefined => {
  const folder = fs.mkdtempSync(join(tmpdir(), "ocilayout-mount-"))
  try {
    run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder)
    run("umount", folder)
    return undefined
  } catch (cause) {
    const lines = cause instanceof Error ? cause.message.split("\n").filter((line) => line !== "") : []
    return `mounting a file system is not possible here: ${lines.at(-1) ?? "mount failed"}`
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
})()

/** Why this process cannot take on a user without rights; nothing when it can. */
export const whyNoNobody: string | undefined = process.getuid?.() === 0 && process.seteuid !== undefined
  ? undefined
  : "only root can become the user nobody, and only in the main thread"
