/** What belongs to an image as text to be read: statements, SBOMs, signatures. */
import { Effect, Option, Result, Schema } from "effect"
import { Base64 } from "effect/encoding"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { decodeText } from "../../oci/Json.ts"
import { blobsOf } from "../../oci/Manifest.ts"
import { readSource, type SourceReader } from "../../ops/refs/copySource.ts"
import * as answers from "./answers.ts"
import { answer, type Asked, cut, needed, repositoryOf } from "./Ui.ts"

/** Larger content is not shown. */
const mostBytes = 2 * 1024 * 1024

/** Parts that are shown of one manifest. */
const mostParts = 20

export const document = Effect.fnUntraced(function*(asked: Asked) {
  const { registry } = asked
  const repository = yield* repositoryOf(asked)
  const digest = yield* needed(asked, "digest")
  const reader = readSource({ registry, repository, reference: digest })
  const { bytes, descriptor, manifest } = yield* reader.root
  const parts = yield* Effect.forEach(blobsOf(manifest).slice(0, mostParts), (part) => partOf(reader, part))
  return answer(answers.Document, {
    digest,
    mediaType: cut(descriptor.mediaType),
    manifest: indented(Result.getOrElse(decodeText(bytes), () => "")),
    parts
  })
})

type Part = answers.Document["parts"][number]

const partOf = Effect.fnUntraced(function*(reader: SourceReader, descriptor: Descriptor) {
  const { annotations = {}, digest, mediaType, size } = descriptor
  const title = annotations["org.opencontainers.image.title"]
  const part: Part = {
    digest,
    mediaType: cut(mediaType),
    size: Math.max(0, Math.trunc(size) || 0),
    ...(title === undefined ? {} : { title: cut(title) })
  }
  if (size > mostBytes) return { ...part, why: "too large to be shown" }
  const bytes = yield* Effect.option(reader.document(descriptor))
  if (Option.isNone(bytes)) return { ...part, why: "not in the layout, or damaged" }
  const text = bytes.value.includes(0) ? Result.fail("binary") : decodeText(bytes.value)
  if (Result.isFailure(text)) return { ...part, why: "no text" }
  const payload = payloadIn(text.success)
  return { ...part, text: indented(text.success), ...(payload === undefined ? {} : { payload: indented(payload) }) }
})

/** JSON as people read it; other text as it is. */
const indented = (text: string): string =>
  Option.match(parsed(text), { onNone: () => text, onSome: (json) => JSON.stringify(json, null, 2) })

const parsed = (text: string): Option.Option<unknown> =>
  /^\s*[[{]/u.test(text) ? Option.getSuccess(Result.try((): unknown => JSON.parse(text))) : Option.none()

/** An envelope (secure-systems-lab/dsse), also inside a bundle of sigstore. */
const Envelope = Schema.Struct({ payload: Schema.String, payloadType: Schema.optionalKey(Schema.String) })
const Bundle = Schema.Struct({ dsseEnvelope: Envelope })

const payloadIn = (text: string): string | undefined => {
  const json = Option.getOrUndefined(parsed(text))
  const bundle = Option.getOrUndefined(Schema.decodeUnknownOption(Bundle)(json))
  const envelope = bundle?.dsseEnvelope ?? Option.getOrUndefined(Schema.decodeUnknownOption(Envelope)(json))
  if (envelope === undefined) return undefined
  const bytes = Base64.decode(envelope.payload)
  return Result.isSuccess(bytes) ? Result.getOrUndefined(decodeText(bytes.success)) : undefined
}
