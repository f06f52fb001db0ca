/** Changes of entries by exactly the name they are written with, for names that fit no grammar. */
import { Effect, Option } from "effect"
import type { MoveName } from "../../layout/Command.ts"
import { decide } from "../../layout/decide.ts"
import { named } from "../../layout/query.ts"
import type { State } from "../../layout/State.ts"
import { type Digest, parseDigest } from "../../oci/Digest.ts"
import type { WriteFault } from "../../oci/faults.ts"
import { ManifestUnknown, type NameInvalid, type NameUnknown } from "../../oci/OciError.ts"
import { parseRepository } from "../../oci/Reference.ts"
import type { NamesWrites } from "../api/Names.ts"
import type { Catalog, Opened } from "../repositories/catalog.ts"
import { placeToChange } from "../repositories/entryNamed.ts"
import { isStored } from "../repositories/missingFrom.ts"
import { findDescriptor } from "./findDescriptor.ts"

export const makeByName = (catalog: Catalog): NamesWrites => ({
  deleteName: Effect.fn("Registry.deleteName")(function*(refName, options = {}) {
    const { name, opened } = yield* placeToChange(catalog, refName)
    const ifDigest = options.ifDigest === undefined
      ? {}
      : { ifDigest: yield* Effect.fromResult(parseDigest(options.ifDigest)) }
    const { before, revision } = yield* opened.layout.transact({
      evidence: () => Effect.void,
      decide: (state) => decide(state, { _tag: "DeleteName", refName: name, keep: options.keep ?? true, ...ifDigest })
    })
    const entry = Option.getOrUndefined(named(before, name))
    return { digest: entry?.digest ?? "", revision }
  }),

  moveName: Effect.fn("Registry.moveName")(function*(refName, input, options = {}) {
    const { name, opened } = yield* placeToChange(catalog, refName)
    const digest = yield* Effect.fromResult(parseDigest(input))
    const ifDigest = options.ifDigest === undefined
      ? {}
      : { ifDigest: yield* Effect.fromResult(parseDigest(options.ifDigest)) }
    const { after, before, revision } = yield* opened.layout.transact({
      evidence: (state) => evidenceOfMove(opened, state, name, digest, options.repository),
      decide: (state, evidence) => decide(state, { _tag: "MoveName", refName: name, ...evidence, ...ifDigest })
    })
    const from = Option.getOrUndefined(named(before, name))?.digest ?? ""
    return { from, to: Option.getOrUndefined(named(after, name))?.digest ?? "", revision }
  })
})

/** The manifest that a name is to have, in a repository or under the name that it has already, and what of it is missing. */
const evidenceOfMove = Effect.fnUntraced(function*(
  whole: Opened,
  state: State,
  refName: string,
  digest: Digest,
  input: string | undefined
): Effect.fn.Return<
  Pick<MoveName, "descriptor" | "missing">,
  NameInvalid | NameUnknown | ManifestUnknown | WriteFault
> {
  const repository = input === undefined ? state.defaultRepository : yield* Effect.fromResult(parseRepository(input))
  if (repository === undefined) return yield* new ManifestUnknown({ repository: "", reference: refName })
  const opened = { ...whole, repository }
  const descriptor = yield* findDescriptor(opened, state, digest)
  const there = Option.isSome(opened.manifests.embedded(descriptor)) || (yield* isStored(opened, descriptor))
  return { descriptor, missing: there ? [] : [{ path: "", digest }] }
})
