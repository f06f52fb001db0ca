/** `foreign.ts <layout> <record>`: adds entries to index.json as other tools do, without any lock, until told enough. */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { digestOf } from "../../support/contents.ts"
import { blobOf, layerOf, manifestOf, mediaType } from "./contents.ts"

const [directory = "", record = ""] = process.argv.slice(2)
const path = join(directory, "index.json")

const enough = new AbortController()
process.once("message", () => enough.abort())
process.once("disconnect", () => enough.abort())

const writeBlob = (bytes: Uint8Array): string => {
  const digest = digestOf(bytes)
  const blob = join(directory, "blobs", ...digest.split(":"))
  if (!existsSync(blob)) {
    writeFileSync(join(directory, "foreign.tmp"), bytes)
    renameSync(join(directory, "foreign.tmp"), blob)
  }
  return digest
}

/** It keeps what it does not know, annotations included. */
const readIndex = async (): Promise<{ readonly manifests: ReadonlyArray<unknown> }> => {
  const index = JSON.parse(readFileSync(path, "utf8")) as { readonly manifests: ReadonlyArray<unknown> }
  // It takes its time.
  await sleep(Math.random() * 5)
  return index
}

for (let added = 0; !enough.signal.aborted; added++) {
  const note = `foreign ${added}`
  writeBlob(blobOf(layerOf(note)))
  const manifest = manifestOf(note)
  const digest = writeBlob(manifest)
  const name = `foreign:f${added}`
  const { manifests, ...rest } = await readIndex()
  const entry = {
    mediaType,
    digest,
    size: manifest.length,
    annotations: { "org.opencontainers.image.ref.name": name }
  }
  const text = JSON.stringify({ ...rest, manifests: [...manifests, entry] })
  // skopeo and oras truncate and write; umoci and regclient rename.
  if (added % 2 === 0) writeFileSync(path, text)
  else {
    writeFileSync(join(directory, "index.tmp"), text)
    renameSync(join(directory, "index.tmp"), path)
  }
  appendFileSync(record, `${digest}\n`)
  await sleep(100 + Math.random() * 400)
}
if (process.connected) process.disconnect()
