/**
 * Two servers on one bucket, behind nothing but a client that asks them in turn; one is killed in the middle of pushes.
 * All that was answered for is there: `node test/bucket/twoServers.ts [DIR:TAG]`, an image of a layout that
 * real clients push, as far as there are some.
 *
 * It needs `versitygw`, and leaves nothing behind.
 */
import { strict as assert } from "node:assert"
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { homedir, tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const manifestType = "application/vnd.oci.image.manifest.v1+json"
const pushes = 40
const killedAfter = 12

const works = (command: string, ...args: ReadonlyArray<string>): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0

const gatewayCommand = ["versitygw", join(homedir(), "go", "bin", "versitygw")].find((one) => works(one, "--version"))

const digestOf = (content: string | Uint8Array): string =>
  `sha256:${createHash("sha256").update(content).digest("hex")}`

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  return typeof address === "object" && address !== null ? address.port : 0
}

interface Server {
  readonly child: ChildProcess
  readonly url: string
}

/** Until it listens; its address is in what it says. */
const startServer = async (environment: NodeJS.ProcessEnv): Promise<Server> => {
  const args = [program, "serve", "s3://layouts/images", "--listen", "0", "--workers", "1", "--log-level", "error"]
  const child = spawn(process.execPath, args, { env: environment, stdio: ["ignore", "ignore", "pipe"] })
  let said = ""
  for await (const chunk of child.stderr) {
    said += String(chunk)
    const url = / at (http:\S+)\n/u.exec(said)?.[1]
    if (url !== undefined) return { child, url }
  }
  throw new Error(`the server did not start: ${said}`)
}

const requireStatus = async (answer: Response, status: number): Promise<Response> => {
  if (answer.status !== status) throw new Error(`${answer.url} answered ${answer.status}: ${await answer.text()}`)
  return answer
}

/** A blob in two pieces, each by another server where there are two. */
const pushBlob = async (servers: () => ReadonlyArray<Server>, content: string): Promise<string> => {
  const turn = (place: number): string => {
    const all = servers()
    return all[place % all.length]?.url ?? ""
  }
  const started = await requireStatus(await fetch(`${turn(0)}/v2/app/blobs/uploads/`, { method: "POST" }), 202)
  const path = started.headers.get("location") ?? ""
  const half = Math.floor(content.length / 2)
  await requireStatus(
    await fetch(`${turn(1)}${path}`, {
      method: "PATCH",
      headers: { "content-range": `0-${half - 1}`, "content-type": "application/octet-stream" },
      body: content.slice(0, half)
    }),
    202
  )
  const digest = digestOf(content)
  const rest = { method: "PUT", headers: { "content-type": "application/octet-stream" }, body: content.slice(half) }
  await requireStatus(await fetch(`${turn(0)}${path}?digest=${digest}`, rest), 201)
  return digest
}

/** An image of one small layer; its digest once the registry has answered for its tag. */
const pushImage = async (servers: () => ReadonlyArray<Server>, tag: string): Promise<string> => {
  const layer = `layer of ${tag}`
  const described = async (mediaType: string, content: string) => ({
    mediaType,
    digest: await pushBlob(servers, content),
    size: content.length
  })
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: await described("application/vnd.oci.image.config.v1+json", `{"of":"${tag}"}`),
    layers: [await described("application/vnd.oci.image.layer.v1.tar", layer)]
  })
  const all = servers()
  const url = all[tag.length % all.length]?.url ?? ""
  const answer = await fetch(`${url}/v2/app/manifests/${tag}`, {
    method: "PUT",
    headers: { "content-type": manifestType },
    body: manifest
  })
  await requireStatus(answer, 201)
  return digestOf(manifest)
}

/** What real clients push by one server is what the other one has. */
const withClients = (image: string, one: Server, two: Server): void => {
  const from = new URL(one.url).host
  const to = new URL(two.url).host
  const isPushed = works("skopeo", "--version")
  if (isPushed) {
    execFileSync("skopeo", ["copy", "-q", "--dest-tls-verify=false", `oci:${image}`, `docker://${from}/app:skopeo`])
    const told = execFileSync("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${to}/app:skopeo`])
    say(`skopeo pushed ${digestOf(told)} by one server, and finds it by the other`)
  }
  const crane = ["crane", join(homedir(), "go", "bin", "crane")].find((command) => works(command, "version"))
  if (crane !== undefined && isPushed) {
    execFileSync(crane, ["copy", "--insecure", `${from}/app:skopeo`, `${to}/app:crane`], { stdio: "ignore" })
    const digest = execFileSync(crane, ["digest", "--insecure", `${from}/app:crane`], { encoding: "utf8" }).trim()
    say(`crane copied it to the other one, where it is ${digest}`)
  }
}

const main = async (gateway: string): Promise<void> => {
  const root = mkdtempSync(join(tmpdir(), "two-servers-"))
  mkdirSync(join(root, "layouts"))
  const port = await freePort()
  const children: Array<ChildProcess> = []
  const start = async (): Promise<Server> => {
    const server = await startServer(environment)
    children.push(server.child)
    return server
  }
  const environment = {
    ...process.env,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "testtest",
    AWS_REGION: "us-east-1",
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`
  }
  try {
    children.push(spawn(gateway, ["--quiet", "--port", `127.0.0.1:${port}`, "posix", root], {
      env: { ...process.env, ROOT_ACCESS_KEY: "test", ROOT_SECRET_KEY: "testtest" },
      stdio: "ignore"
    }))
    for (let tries = 0; tries < 50; tries++) {
      if (await fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false)) break
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    let servers: ReadonlyArray<Server> = await Promise.all([start(), start()])
    say(`two servers on s3://layouts/images: ${servers.map(({ url }) => url).join(" and ")}`)
    const answered = new Map<string, string>()
    let failed = 0
    const push = async (number: number): Promise<void> => {
      const tag = `v${number}${"x".repeat(number % 2)}`
      try {
        answered.set(tag, await pushImage(() => servers, tag))
      } catch (error) {
        // What is not answered may be pushed again; here it is left.
        if (servers.length === 2 && number < killedAfter) throw error
        failed++
      }
    }
    const waiting = new Set<Promise<void>>()
    for (let number = 0; number < pushes; number++) {
      const one = push(number).finally(() => waiting.delete(one))
      waiting.add(one)
      if (number === killedAfter) {
        const [victim, ...left] = servers
        victim?.child.kill("SIGKILL")
        servers = left
        say(`one is killed while ${waiting.size} pushes are under way`)
      }
      if (waiting.size >= 4) await Promise.race(waiting)
    }
    await Promise.all(waiting)
    servers = [...servers, await start()]
    say(`${answered.size} pushes were answered, ${failed} were cut off; a new server takes the place of the other`)
    for (const { url } of servers) {
      for (const [tag, digest] of answered) {
        const found = await requireStatus(await fetch(`${url}/v2/app/manifests/${tag}`), 200)
        assert.equal(digestOf(new Uint8Array(await found.arrayBuffer())), digest, tag)
      }
    }
    const [one, two] = servers
    const image = process.argv[2]
    if (image !== undefined && one !== undefined && two !== undefined) withClients(image, one, two)
    const verify = spawnSync(process.execPath, [program, "verify", "s3://layouts/images"], {
      env: environment,
      encoding: "utf8"
    })
    assert.equal(verify.status, 0, verify.stderr)
    say(`verify: ${verify.stdout.trim().split("\n").at(-1) ?? ""}`)
    // Other tools read the index alone.
    const index = readFileSync(join(root, "layouts", "images", "index.json"), "utf8")
    for (const tag of answered.keys()) assert.ok(index.includes(`app:${tag}"`), tag)
    say("all that was answered for is there")
  } finally {
    for (const child of children.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill()
      await once(child, "exit")
    }
    rmSync(root, { recursive: true, force: true })
  }
}

if (gatewayCommand === undefined) {
  say("skipped: there is no versitygw; go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")
} else await main(gatewayCommand)
