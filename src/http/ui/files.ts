/** Files of images: folders, search, and what is in one. */
import { Effect, Result } from "effect"
import * as Response from "effect/http/HttpServerResponse"
import type { FileRow } from "../../image/inside/FileRow.ts"
import { findFiles, listFiles, type PageOf } from "../../image/inside/listFiles.ts"
import { readPath } from "../../image/inside/readPath.ts"
import { field } from "../../oci/field.ts"
import { decodeText } from "../../oci/Json.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import { nothingHere } from "../names.ts"
import * as answers from "./answers.ts"
import { opened } from "./images.ts"
import { answer, apiHeaders, type Asked, given, needed, numberOf } from "./Ui.ts"

/** Files of one page. */
const mostFiles = 20_000

const mostFound = 1000

const octal = (mode: number): string => mode.toString(8).padStart(4, "0")

/** Bytes of a text, and of what is shown in hexadecimal. */
const textBytes = 512 * 1024
const hexBytes = 4096

/** A larger picture is not shown. */
const pictureBytes = 16 * 1024 * 1024

const fileOf =
  (name: (path: string) => string) =>
  ({ gid, layer, mode, mtime, path, size, target, type, uid }: FileRow): answers.File => ({
    name: name(path),
    type,
    size,
    mode: octal(mode),
    ...(uid === 0 && gid === 0 ? {} : { owner: `${uid}:${gid}` }),
    ...(mtime === undefined || !Number.isFinite(mtime) ? {} : { time: mtime }),
    ...field("target", target),
    layer
  })

const pageOf = ({ items, more }: PageOf<FileRow>, name: (path: string) => string) => {
  const last = items.at(-1)
  return answer(answers.Files, {
    files: items.map(fileOf(name)),
    ...(more && last !== undefined ? { next: last.path } : {})
  })
}

const lastPart = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

export const files = Effect.fnUntraced(function*(asked: Asked) {
  const image = yield* opened(asked)
  const limit = yield* numberOf(asked, "limit", mostFiles, mostFiles)
  const page = yield* listFiles(image, given(asked, "path") ?? "/", {
    limit,
    recursive: false,
    startAfter: given(asked, "after")
  })
  return pageOf(page, lastPart)
})

/** By a part of the name; with `*` or `?` in it, by a pattern. */
export const find = Effect.fnUntraced(function*(asked: Asked) {
  const image = yield* opened(asked)
  const text = yield* needed(asked, "name")
  const name = /[*?]/u.test(text) ? text : `*${text}*`
  const page = yield* findFiles(image, "/", { name }, { limit: mostFound, startAfter: given(asked, "after") })
  return pageOf(page, (path) => path)
})

/** By their first bytes; nothing that can hold a program, as SVG can. */
const pictures: ReadonlyArray<readonly [type: string, begin: string, from: number]> = [
  ["image/png", "\u0089PNG\r\n\u001a\n", 0],
  ["image/jpeg", "\u00ff\u00d8\u00ff", 0],
  ["image/gif", "GIF87a", 0],
  ["image/gif", "GIF89a", 0],
  ["image/webp", "WEBP", 8],
  ["image/avif", "ftypavif", 4]
]

const pictureType = (bytes: Uint8Array): string | undefined => {
  const begin = Array.from(bytes.subarray(0, 16), (byte) => String.fromCharCode(byte)).join("")
  return pictures.find(([, text, from]) => begin.startsWith(text, from))?.[0]
}

const window = Effect.fnUntraced(function*(asked: Asked, length: number) {
  const image = yield* opened(asked)
  const { content, row } = yield* readPath(image, yield* needed(asked, "path"), { offset: 0, length })
  return { row, bytes: yield* Effect.scoped(collectBytes(content, () => Effect.void)) }
})

export const file = Effect.fnUntraced(function*(asked: Asked) {
  const { bytes, row: { gid, layer, mode, path, size, uid } } = yield* window(asked, textBytes)
  const facts = { path, size, mode: octal(mode), owner: `${uid}:${gid}`, layer }
  const isPicture = pictureType(bytes) !== undefined && size <= pictureBytes
  const text = isPicture || bytes.includes(0) ? undefined : textIn(bytes, size > bytes.length)
  const shown: answers.FileText = isPicture
    ? { ...facts, form: "picture", text: "", isCut: false }
    : text === undefined
    ? { ...facts, form: "hex", text: hexOf(bytes.subarray(0, hexBytes)), isCut: size > hexBytes }
    : { ...facts, form: "text", text, isCut: size > bytes.length }
  return answer(answers.FileText, shown)
})

/** The text, without a character that the end of the window cuts in two. */
const textIn = (bytes: Uint8Array, isCut: boolean): string | undefined => {
  for (let back = 0; back <= (isCut ? 3 : 0); back++) {
    const text = decodeText(bytes.subarray(0, bytes.length - back))
    if (Result.isSuccess(text)) return text.success
  }
  return undefined
}

/** Sixteen bytes a line: where they are, what they are, and which of them can be read. */
const hexOf = (bytes: Uint8Array): string =>
  Array.from({ length: Math.ceil(bytes.length / 16) }, (_, line) => {
    const part = Array.from(bytes.subarray(line * 16, line * 16 + 16))
    const hex = part.map((byte) => byte.toString(16).padStart(2, "0")).join(" ").padEnd(47)
    const shown = part.map((byte) => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".").join("")
    return `${(line * 16).toString(16).padStart(8, "0")}  ${hex}  ${shown}`
  }).join("\n")

/** A picture to be shown in the page; by itself, a browser keeps it as a file and runs nothing of it. */
export const picture = Effect.fnUntraced(function*(asked: Asked) {
  const { bytes, row } = yield* window(asked, pictureBytes)
  const contentType = pictureType(bytes)
  if (contentType === undefined || row.size > bytes.length) return yield* nothingHere
  return Response.uint8Array(bytes, {
    contentType,
    headers: {
      ...apiHeaders,
      "content-disposition": "attachment",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox"
    }
  })
})
