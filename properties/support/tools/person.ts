/** What people do to a layout with `cp`, `mv`, `rm` and `rsync`. */
import { Effect } from "effect"
import { containersCopy } from "./containersImage.ts"
import type { Image } from "./images.ts"
import { type Desk, indexPath, overwrite, place, readFile, type Work } from "./Tool.ts"

/** Saves the index, and puts it back later: `mv` and `cp -p` keep the time at which it was saved. */
export const putBack = (desk: Desk, { by }: { readonly by: "mv" | "cp" | "cp -p" }): Work =>
  Effect.gen(function*() {
    const saved = `${desk.root}/../saved${desk.digits()}`
    const bytes = yield* readFile(desk, indexPath(desk), () => desk.say({ _tag: "Opened" }))
    yield* place(desk, saved, bytes, { by: `${saved}.part`, mode: 0o644 })
    const { mtimeNs } = yield* desk.fs.stat(saved)
    yield* desk.pause("read")
    if (by === "mv") yield* desk.fs.rename(saved, indexPath(desk))
    else yield* overwrite(desk, indexPath(desk), bytes)
    if (by === "cp -p") yield* desk.fs.setTime(indexPath(desk), mtimeNs)
    yield* desk.pause("written")
    desk.say({ _tag: "Done" })
  })

/** Everything below a folder and the folder itself, links as they are. */
const remove = (desk: Desk, path: string): Work =>
  Effect.gen(function*() {
    const { kind } = yield* desk.fs.linkStat(path)
    if (kind !== "directory") return yield* desk.fs.unlink(path)
    for (const name of yield* desk.fs.readDirectory(path)) yield* remove(desk, `${path}/${name}`)
    yield* desk.fs.removeDirectory(path)
  })

/** `rm -rf DIR/*`, which leaves what begins with a dot; then another tool builds what it likes. */
export const wipe = (desk: Desk, { image, name }: { readonly image: Image; readonly name: string }): Work =>
  Effect.gen(function*() {
    yield* desk.alone(Effect.gen(function*() {
      for (const entry of yield* desk.fs.readDirectory(desk.root)) {
        if (!entry.startsWith(".")) yield* remove(desk, `${desk.root}/${entry}`)
      }
    }))
    yield* desk.pause("emptied")
    yield* desk.together(containersCopy(desk, { compresses: false, image, name }))
  })

/** `cp -r`: everything again, in the order of the folder. */
const copyTree = (desk: Desk, from: string, to: string): Work =>
  Effect.gen(function*() {
    yield* desk.fs.makeDirectory(to, 0o755)
    for (const name of yield* desk.fs.readDirectory(from)) {
      const [source, target] = [`${from}/${name}`, `${to}/${name}`]
      const { kind } = yield* desk.fs.linkStat(source)
      if (kind === "directory") yield* copyTree(desk, source, target)
      else yield* overwrite(desk, target, yield* readFile(desk, source))
    }
  })

/** `cp -r DIR COPY; mv DIR OLD; mv COPY DIR`: from now on the copy is the layout. */
export const replaceByCopy = (desk: Desk): Work =>
  Effect.gen(function*() {
    const [copy, old] = [`${desk.root}.copy${desk.digits()}`, `${desk.root}.old${desk.digits()}`]
    yield* desk.alone(Effect.gen(function*() {
      yield* copyTree(desk, desk.root, copy)
      yield* desk.fs.rename(desk.root, old)
      yield* desk.fs.rename(copy, desk.root)
    }))
    desk.say({ _tag: "Done" })
  })
