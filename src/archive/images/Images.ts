/** What an archive holds, as the layout that it is, or could be. */
import { Effect, Result, type Schema, Stream } from "effect"
import { isJsonObject, type JsonObject } from "../../oci/Descriptor.ts"
import type { ContentDigest } from "../../oci/Digest.ts"
import { readJson } from "../../oci/Json.ts"
import { ArchiveInvalid } from "../../oci/OciError.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import type { Member, MemberError, Members } from "../files/Members.ts"

/** Content that is a member of the archive, or was made of what the archive says. */
export type Blob = Member | Uint8Array

export interface Images {
  /** The entries of the index. */
  readonly entries: ReadonlyArray<Schema.Json>
  /** Bytes of the index. */
  readonly bytes: number
  readonly blobs: ReadonlyMap<ContentDigest, Blob>
  /** Content that is left out, since it is to be where the archive is taken to; only a bundle has such. */
  readonly base?: ReadonlySet<ContentDigest>
}

export const invalidIn = ({ path }: Members, reason: string): ArchiveInvalid => new ArchiveInvalid({ path, reason })

/** The bytes of a member that is known to be small; nothing where there is no such member. */
export const smallMember = Effect.fnUntraced(function*(
  members: Members,
  name: string,
  limit: number
): Effect.fn.Return<Uint8Array | undefined, MemberError> {
  const member = members.find(name)
  if (member === undefined) return undefined
  if (member.size > limit) return yield* invalidIn(members, `${name} has more than ${limit} bytes`)
  return yield* Effect.scoped(collectBytes(
    member.read({ from: 0, to: member.size, passing: true }),
    () => Effect.void
  ))
})

export const jsonMember = Effect.fnUntraced(function*(
  members: Members,
  name: string,
  limit: number
): Effect.fn.Return<Schema.Json | undefined, MemberError> {
  const bytes = yield* smallMember(members, name, limit)
  if (bytes === undefined) return undefined
  return yield* Effect.fromResult(
    Result.mapError(readJson(bytes), (reason) => invalidIn(members, `${name} ${reason}`))
  )
})

export const objectMember = Effect.fnUntraced(function*(
  members: Members,
  name: string,
  limit: number
): Effect.fn.Return<JsonObject | undefined, MemberError> {
  const json = yield* jsonMember(members, name, limit)
  if (json === undefined || isJsonObject(json)) return json
  return yield* invalidIn(members, `${name} is no object`)
})

/** All bytes of a member. */
export const wholeOf = (member: Member): Stream.Stream<Uint8Array, MemberError> =>
  Stream.scoped(member.read({ from: 0, to: member.size, passing: true }))
