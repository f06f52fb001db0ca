/** One client after another through the server: what was acknowledged, and what may or may not have happened. */
import { randomBytes } from "node:crypto"
import { digestOf } from "../../../../test/support/images.ts"

/** What a tag has to be: one of these digests; `undefined` is that there is none. */
type Allowed = ReadonlyArray<string | undefined>

export interface Lane {
  /** By tag. */
  readonly tags: Map<string, Allowed>
  /** Blobs that were acknowledged. */
  readonly blobs: Set<string>
  acknowledged: number
  unanswered: number
}

export const newLane = (): Lane => ({ tags: new Map(), blobs: new Set(), acknowledged: 0, unanswered: 0 })

const manifestType = "application/vnd.oci.image.manifest.v1+json"

export interface Client {
  readonly host: string
  readonly repository: string
  readonly lane: Lane
  readonly signal: AbortSignal
}

/** The answer, or nothing where none came: the server was killed, is starting, or stops. */
const send = async ({ host, signal }: Client, path: string, init: RequestInit): Promise<Response | undefined> => {
  try {
    const response = await fetch(new URL(path, `http://${host}`), { ...init, signal })
    await response.clone().arrayBuffer()
    return response.status >= 500 || response.status === 429 ? undefined : response
  } catch {
    return undefined
  }
}

const expect = (response: Response, ...statuses: ReadonlyArray<number>): Response => {
  if (statuses.includes(response.status)) return response
  throw new Error(`${response.url} was answered with ${response.status}`)
}

/** In one piece, or as a session in chunks that goes on after a kill; whether it was acknowledged. */
const pushBlob = async (client: Client, bytes: Uint8Array<ArrayBuffer>, inChunks: boolean): Promise<boolean> => {
  const { lane, repository } = client
  const digest = digestOf(bytes)
  const uploads = `/v2/${repository}/blobs/uploads/`
  if (!inChunks) {
    const put = await send(client, `${uploads}?digest=${digest}`, { method: "POST", body: bytes })
    if (put === undefined) return false
    expect(put, 201)
    lane.blobs.add(digest)
    return true
  }
  const started = await send(client, uploads, { method: "POST" })
  if (started === undefined) return false
  const location = expect(started, 202).headers.get("location") ?? ""
  const half = bytes.length >> 1
  const chunk = { method: "PATCH", headers: { "content-range": `0-${half - 1}` }, body: bytes.subarray(0, half) }
  if (await send(client, location, chunk) === undefined) {
    // The session tells how far it is, and nothing is sent twice.
    const status = await send(client, location, { method: "GET" })
    if (status === undefined || status.headers.get("range") !== `0-${half - 1}`) return false
  }
  const end = await send(client, `${location}?digest=${digest}`, { method: "PUT", body: bytes.subarray(half) })
  if (end === undefined || end.status !== 201) return false
  lane.blobs.add(digest)
  return true
}

/** A new image of two blobs under a tag that only this client uses. */
const pushImage = async (client: Client, tag: string, chance: () => number): Promise<void> => {
  const { lane, repository } = client
  const [config, layer] = [new Uint8Array(randomBytes(40)), new Uint8Array(randomBytes(200 + chance() * 60_000))]
  if (!await pushBlob(client, config, false) || !await pushBlob(client, layer, chance() < 0.5)) {
    lane.unanswered++
    return
  }
  const part = (mediaType: string, bytes: Uint8Array) => ({ mediaType, digest: digestOf(bytes), size: bytes.length })
  const manifest = Buffer.from(JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: part("application/vnd.oci.image.config.v1+json", config),
    layers: [part("application/vnd.oci.image.layer.v1.tar", layer)]
  }))
  const put = await send(client, `/v2/${repository}/manifests/${tag}`, {
    method: "PUT",
    headers: { "content-type": manifestType },
    body: manifest
  })
  settle(client.lane, tag, put === undefined ? undefined : expect(put, 201), digestOf(manifest))
}

const deleteTag = async (client: Client, tag: string): Promise<void> => {
  const gone = await send(client, `/v2/${client.repository}/manifests/${tag}`, { method: "DELETE" })
  // One that was not acknowledged may have been carried out.
  settle(client.lane, tag, gone === undefined ? undefined : expect(gone, 202, 404), undefined)
}

/** After an acknowledged change a tag is what it says; after one without an answer it may also be what it was. */
export const settle = (lane: Lane, tag: string, answer: Response | undefined, digest: string | undefined): void => {
  if (answer === undefined) {
    lane.unanswered++
    lane.tags.set(tag, [...(lane.tags.get(tag) ?? [undefined]), digest])
  } else {
    lane.acknowledged++
    lane.tags.set(tag, [digest])
  }
}

/** Pushes, moves and deletes until it is told to stop. */
export const work = async (client: Client, name: string, chance: () => number): Promise<void> => {
  while (!client.signal.aborted) {
    const { unanswered } = client.lane
    const tag = `${name}-${Math.floor(chance() * 12)}`
    if (chance() < 0.85) await pushImage(client, tag, chance)
    else if (client.lane.tags.has(tag)) await deleteTag(client, tag)
    // A server that is starting refuses connections at once.
    if (client.lane.unanswered > unanswered) await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
