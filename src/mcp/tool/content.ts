/** The content a call brings: inline, or in a file. */
import { Effect, Result, type Scope, Stream } from "effect"
import { Base64 } from "effect/encoding"
import type { Descriptor } from "../../oci/Descriptor.ts"
import type { RegistryError } from "../../oci/OciError.ts"
import * as limits from "./limits.ts"
import { ContentTooLarge, invalidArgument, type ToolError } from "./SurfaceError.ts"
import type { Call } from "./Tool.ts"

/** One, and only one, of the three. */
export interface Given {
  readonly path?: string
  readonly text?: string
  readonly base64?: string
}

export interface GivenContent {
  /** In bytes. */
  readonly size: number
  readonly content: Stream.Stream<Uint8Array, RegistryError>
}

/** A window of a file. */
export interface Window {
  readonly offset: number
  readonly length?: number | undefined
}

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

/** The content of a call, of at most 64 KiB when it is inline; reports progress while a file is read. */
export const contentOf = Effect.fnUntraced(function*(
  { files, progress }: Call,
  given: Given,
  window?: Window
): Effect.fn.Return<GivenContent, ToolError, Scope.Scope> {
  const named = [given.path, given.text, given.base64].filter((value) => value !== undefined)
  if (named.length !== 1) {
    return yield* invalidArgument(
      (yield* files).allowed.length === 0
        ? "give exactly one of text and base64"
        : "give exactly one of path, text and base64"
    )
  }
  if (given.path !== undefined) {
    const file = yield* (yield* files).read(given.path, window)
    return { size: file.size, content: reported(file.content, progress, file.size) }
  }
  if (window !== undefined) return yield* invalidArgument("path_offset and length go with path")
  const bytes = yield* inlineContent(given)
  return { size: bytes.length, content: bytes.length === 0 ? Stream.empty : Stream.succeed(bytes) }
})

const inlineContent = Effect.fnUntraced(function*({ base64, text }: Given): Effect.fn.Return<Uint8Array, ToolError> {
  if (text !== undefined) return yield* inlineText("text", text)
  const decoded = Base64.decode(base64 ?? "")
  if (Result.isFailure(decoded)) return yield* invalidArgument(`base64: ${decoded.failure.message}`)
  return yield* small("base64", decoded.success)
})

/** The bytes of text that came inline. */
export const inlineText = Effect.fnUntraced(
  function*(name: string, text: string): Effect.fn.Return<Uint8Array, ToolError> {
    // A lone surrogate has no UTF-8: encoded, it would be other content than was meant.
    if (!text.isWellFormed()) {
      return yield* invalidArgument(`${name}: it has half of a surrogate pair, which no UTF-8 has`)
    }
    return yield* small(name, utf8(text))
  }
)

const small = (name: string, bytes: Uint8Array): Effect.Effect<Uint8Array, ContentTooLarge> =>
  bytes.length <= limits.inlineBytes
    ? Effect.succeed(bytes)
    : Effect.fail(new ContentTooLarge({ what: name, size: bytes.length, limit: limits.inlineBytes, unit: "bytes" }))

/** Reports how many bytes have passed. */
export const reported = <E>(
  content: Stream.Stream<Uint8Array, E>,
  progress: Call["progress"],
  total: number
): Stream.Stream<Uint8Array, E> =>
  Stream.suspend(() => {
    let done = 0
    return Stream.tap(content, (chunk) => {
      done += chunk.length
      return progress({ progress: done, total })
    })
  })

/** Type, digest and size, in that order everywhere. */
export const bare = ({ digest, mediaType, size }: Descriptor) => ({ mediaType, digest, size })
