/** Asks through the command line. */
import { Effect } from "effect"
import { join } from "node:path"
import { makeDisk } from "../../../src/node/index.ts"
import { ocl } from "../../cli/support/command.ts"
import { temporaryFolder } from "../../support/folders.ts"
import { later } from "../../support/later.ts"
import { caseAt, short } from "../given.ts"
import { answering, type Layout, monthMillis, type Question, type Refusal, Refused, type Surface } from "../Surface.ts"
import { copied } from "./library.ts"

/** The lines of JSON that a command answers, with its success or its failure. */
const lines = Effect.fnUntraced(function*(args: ReadonlyArray<string>) {
  const { err, out } = yield* ocl([...args, "--json"])
  const last = err.trim().split("\n").at(-1) ?? ""
  if (out === "" && last.startsWith("{")) {
    const { error } = JSON.parse(last) as { readonly error: Refusal & { readonly hint?: string } }
    return yield* Effect.fail(new Refused({ ...error, message: `${error.message}\n${error.hint ?? ""}` }))
  }
  return out
})

const json = <A>(args: ReadonlyArray<string>) => Effect.map(lines(args), (out) => JSON.parse(out) as A)

interface Finding {
  readonly code?: string
  readonly severity?: string
}

const codesIn = (where: ReadonlyArray<string>, sparse = false) =>
  Effect.map(
    lines(["verify", ...where, ...(sparse ? ["--sparse"] : [])]),
    (out) =>
      out.trim().split("\n").map((line) => JSON.parse(line) as Finding)
        .flatMap(({ code, severity }) => code === undefined ? [] : [`${severity} ${code}`])
        .toSorted()
  )

const namesIn = Effect.fnUntraced(function*(where: ReadonlyArray<string>) {
  const { repositories, unnamed } = yield* json<{
    readonly repositories: ReadonlyArray<string>
    readonly unnamed: ReadonlyArray<{ readonly name?: string }>
  }>(["repositories", ...where])
  const each = yield* Effect.forEach(repositories, (repository) =>
    Effect.map(
      json<{ readonly tags: ReadonlyArray<string>; readonly untagged: ReadonlyArray<{ readonly digest: string }> }>([
        "tags",
        ...where,
        repository,
        "--untagged"
      ]),
      ({ tags, untagged }) => [
        ...tags.map((tag) => `${repository}:${tag}`),
        ...untagged.map(({ digest }) => `${repository}@${short(digest)}`)
      ]
    ))
  return [...each.flat(), ...unnamed.map(({ name = "" }) => name)].toSorted()
})

const answer = Effect.fnUntraced(function*(question: Question, { directory, perRepository, symlinks }: Layout) {
  const policy = symlinks === "refuse" ? [] : ["--symlinks", symlinks]
  const where = ["--layout", directory, ...(perRepository ? ["--per-repository"] : []), ...policy]
  const platform = "platform" in question && question.platform !== undefined ? ["--platform", question.platform] : []
  /** As people write it: the path of the layout, and what is named in it behind a slash. */
  const named = (ref: string) => perRepository ? [...where, ref] : [`${directory}/${ref}`, ...policy]
  switch (question.asks) {
    case "open":
      yield* json([
        "repositories",
        join(directory, question.path ?? ""),
        ...(perRepository ? ["--per-repository"] : [])
      ])
      return []
    case "names":
      return yield* namesIn(where)
    case "resolve":
      return [
        short((yield* json<{ readonly digest: string }>(["resolve", ...named(question.ref), ...platform])).digest)
      ]
    case "inspect":
      return yield* lines(["inspect", ...named(question.ref), ...platform])
    case "referrers": {
      const { referrers, subject } = yield* json<{
        readonly subject: string
        readonly referrers: ReadonlyArray<{ readonly digest: string; readonly subject: string }>
      }>(["referrers", ...named(question.ref)])
      return referrers.filter((one) => one.subject === subject).map(({ digest }) => short(digest))
    }
    case "copy": {
      const out = join(yield* temporaryFolder, "out")
      yield* json([
        "copy",
        ...named(question.ref),
        ...(perRepository ? ["--to-layout", out, "a:copied"] : [`${out}/a:copied`]),
        ...platform,
        ...(question.referrers === true ? ["--referrers"] : []),
        ...(question.sparse === true ? ["--sparse"] : []),
        "--durability",
        "none"
      ])
      return yield* copied(yield* makeDisk({ directory: out }), out, directory)
    }
    case "verify":
      return yield* codesIn(where, question.sparse)
    case "findings":
      return yield* lines(["verify", ...where])
    case "repair": {
      const source = question.source === undefined ? [] : ["--source", caseAt(question.source)]
      yield* json(["repair", ...where, ...source])
      return [...(yield* codesIn(where)), ...(yield* namesIn(where))]
    }
    case "collect": {
      const untagged = question.untagged === true ? ["--untagged"] : []
      const { bytes, goes } = yield* json<{
        readonly bytes: number
        readonly goes: ReadonlyArray<{ readonly kind: string }>
      }>(["gc", ...where, "--undo-days", "0", "--dry-run", ...untagged]).pipe(later(monthMillis))
      const count = (kind: string) => goes.filter((item) => item.kind === kind).length
      return [`${count("tag")} tags, ${count("manifest")} manifests, ${count("blob")} blobs, ${bytes} bytes`]
    }
    case "tag":
      yield* json(["tag", "set", ...named(question.ref), question.tag])
      return yield* namesIn(where)
    case "delete":
      yield* json(["tag", "delete", ...named(question.ref)])
      return yield* namesIn(where)
  }
})

export const commandLine: Surface = {
  name: "command line",
  ask: (question, layout) => answering(answer(question, layout))
}
