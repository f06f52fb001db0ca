import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { DatabaseSync } from "node:sqlite"
import { gzipSync } from "node:zlib"
import { parseOs } from "../../src/image/packages/databases.ts"
import { findPackage } from "../../src/image/packages/findPackage.ts"
import { GoBuildInfo } from "../../src/image/packages/goBuild.ts"
import { packagesOf } from "../../src/image/packages/packagesOf.ts"
import { parseRpmHeader } from "../../src/image/packages/rpm.ts"
import { CodecFailed } from "../../src/image/ports/LayerCodec.ts"
import { rpmHeaders } from "../../src/node/layers/rpmHeaders.ts"
import { layerTar, type Written } from "./support/layers.ts"
import { opened } from "./support/opened.ts"
import { file, tar } from "./support/tars.ts"

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A header of rpm with these strings, and an epoch. */
const rpmHeader = (strings: Readonly<Record<number, string>>, epoch?: number): Buffer => {
  const index: Array<Buffer> = []
  const data: Array<Buffer> = []
  let at = 0
  const add = (tag: number, type: number, bytes: Buffer) => {
    index.push(uint32(tag), uint32(type), uint32(at), uint32(1))
    data.push(bytes)
    at += bytes.length
  }
  for (const [tag, text] of Object.entries(strings)) add(Number(tag), 6, Buffer.from(`${text}\0`))
  if (epoch !== undefined) add(1003, 4, uint32(epoch))
  return Buffer.concat([uint32(index.length / 4), uint32(at), ...index, ...data])
}

const bash = rpmHeader({ 1000: "bash", 1001: "5.2", 1002: "3.fc40", 1022: "x86_64", 1044: "bash-5.2-3.fc40.src.rpm" })
const libs = rpmHeader({ 1000: "openssl-libs", 1001: "3.2", 1002: "1", 1044: "openssl-3.2-1.src.rpm" }, 1)

const rpmTable = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)"

const database = (sql: string, headers: ReadonlyArray<Uint8Array> = []): Uint8Array => {
  const made = new DatabaseSync(":memory:")
  made.exec(sql)
  for (const header of headers) made.prepare("INSERT INTO Packages (blob) VALUES (?)").run(header)
  const bytes: unknown = Reflect.apply(Reflect.get(made, "serialize") as () => unknown, made, [])
  made.close()
  return bytes as Uint8Array
}

const varint = (value: number): Buffer =>
  value < 0x80 ? Buffer.from([value]) : Buffer.concat([Buffer.from([value & 0x7f | 0x80]), varint(value >> 7)])

/** A program of Go, of which only that is real which is looked at. */
const goProgram = (modules: string, at = 4096, version = "go1.24.1"): Buffer => {
  const list = Buffer.concat([Buffer.alloc(16, "<"), Buffer.from(modules), Buffer.alloc(16, ">")])
  const header = Buffer.concat([Buffer.from("\xff Go buildinf:", "latin1"), Buffer.from([8, 2]), Buffer.alloc(16)])
  const info = Buffer.concat([header, varint(version.length), Buffer.from(version), varint(list.length), list])
  const program = Buffer.alloc(200_000, 0xff)
  program.write("\x7fELF", "latin1")
  // A copy that is not where one can be, and one that is none.
  header.copy(program, at - 1000)
  info.copy(program, at)
  return program
}

const modules =
  "path\texample.org/tool\nmod\texample.org/tool\tv1.2.3\th1:x=\ndep\tgolang.org/x/net\tv0.30.0\th1:y=\n" +
  "dep\texample.org/old\tv1.0.0\n=>\texample.org/new\tv2.0.0\th1:z=\nbuild\t-compiler=gc\n"

const dpkg =
  "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl (3.0.1)\nVersion: 3.0.15\n" +
  "Description: x\n Package: no\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: bash\n" +
  "Status: install ok installed\nVersion: 5.2\n"

const base: ReadonlyArray<Written> = [
  ["etc/os-release", "s", "../usr/lib/os-release"],
  [
    "usr/lib/os-release",
    "f",
    "NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID=\"13\"\nPRETTY_NAME=\"Debian 13 (trixie)\"\n"
  ],
  ["var/lib/dpkg/status", "f", "Package: old\nVersion: 1\n"],
  ["lib/apk/db/installed", "f", "C:Q1\nP:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\nP:libcrypto3\nV:3.3.2-r0\no:openssl\n"],
  [
    "usr/lib/python3/dist-packages/Requests-2.dist-info/METADATA",
    "f",
    "Metadata-Version: 2.1\nName: requests\nVersion: 2.32\n\nName: body\n"
  ],
  ["app/node_modules/@scope/left/package.json", "f", "{\"name\":\"@scope/left\",\"version\":\"1.3.0\"}"],
  ["app/node_modules/bad/package.json", "f", "{\"name\":"],
  ["app/package.json", "f", "{\"name\":\"app\",\"version\":\"0\"}"],
  [
    "usr/lib/ruby/gems/3.1/specifications/rake-13.gemspec",
    "f",
    "Gem::Specification.new do |s|\n  s.name = \"rake\".freeze\n  s.version = \"13.0\".freeze\nend\n"
  ],
  ["var/lib/rpm/Packages", "f", "berkeley"]
]

const told = (packages: ReadonlyArray<{ readonly type: string; readonly name: string; readonly version: string }>) =>
  packages.map(({ name, type, version }) => `${type} ${name} ${version}`)

describe("what is installed in an image", () => {
  it.live("is read from the records of its package managers, of the last layer that has them", () =>
    Effect.gen(function*() {
      const upper = tar(
        file("var/lib/dpkg/status", dpkg),
        file("usr/bin/tool", goProgram(modules), { mode: 0o755 }),
        file("usr/bin/data", goProgram(modules), { mode: 0o644 }),
        file("usr/lib/sysimage/rpm/rpmdb.sqlite", database(rpmTable, [bash, libs]))
      )
      const { image } = yield* opened({ v1: [layerTar(base), upper] })
      const { from, packages, system, unread } = yield* packagesOf(image)
      assert.deepStrictEqual(from, { kind: "files" })
      assert.deepStrictEqual(system, { id: "debian", version: "13", name: "Debian 13 (trixie)" })
      assert.deepStrictEqual(told(packages), [
        "apk libcrypto3 3.3.2-r0",
        "apk musl 1.2.5-r0",
        "dpkg bash 5.2",
        "dpkg libssl3 3.0.15",
        "gem rake 13.0",
        "go example.org/new v2.0.0",
        "go example.org/tool v1.2.3",
        "go golang.org/x/net v0.30.0",
        "go stdlib go1.24.1",
        "npm @scope/left 1.3.0",
        "pip requests 2.32",
        "rpm bash 5.2-3.fc40",
        "rpm openssl-libs 1:3.2-1"
      ])
      assert.deepInclude(packages[3], {
        architecture: "amd64",
        sourceName: "openssl",
        path: "/var/lib/dpkg/status",
        layer: 1
      })
      assert.deepStrictEqual(packages.at(-1)?.sourceName, "openssl")
      assert.strictEqual(packages.find(({ name }) => name === "libcrypto3")?.sourceName, "openssl")
      assert.deepStrictEqual(unread, [{
        path: "/var/lib/rpm/Packages",
        reason: "is a database of rpm in an older form"
      }])
    }))

  it.live("is said by an SBOM where one is attached, unless files are asked for", () =>
    Effect.gen(function*() {
      const { image, registry } = yield* opened({ v1: [layerTar(base)] })
      const attach = (document: unknown, layerType: string, annotations: Readonly<Record<string, string>> = {}) =>
        Effect.gen(function*() {
          const bytes = Buffer.from(JSON.stringify(document))
          const push = (content: Uint8Array, mediaType: string) =>
            Effect.map(registry.pushBlob("app", Stream.succeed(content), { mediaType }), ({ descriptor }) => descriptor)
          const config = yield* push(Buffer.from("{}"), "application/vnd.oci.empty.v1+json")
          const manifest = {
            schemaVersion: 2,
            mediaType: "application/vnd.oci.image.manifest.v1+json",
            artifactType: "application/example",
            config,
            layers: [{ ...(yield* push(bytes, layerType)), annotations }],
            subject: {
              mediaType: "application/vnd.oci.image.manifest.v1+json",
              digest: image.digest,
              size: (yield* registry.resolveManifest("app", image.digest)).size
            }
          }
          const pushed = yield* registry.pushManifest(
            "app",
            Buffer.from(JSON.stringify(manifest)),
            "application/vnd.oci.image.manifest.v1+json"
          )
          return pushed.descriptor.digest
        })
      assert.deepStrictEqual((yield* packagesOf(image)).from, { kind: "files" })
      yield* attach({ predicateType: "slsa" }, "application/vnd.in-toto+json", { "in-toto.io/predicate-type": "slsa" })
      assert.deepStrictEqual((yield* packagesOf(image)).from, { kind: "files" })
      const spdx = { spdxVersion: "SPDX-2.3", packages: [{ name: "zlib", versionInfo: "1.3" }, { name: 7 }, null] }
      const digest = yield* attach({ predicate: spdx }, "application/vnd.in-toto+json", {
        "in-toto.io/predicate-type": "https://spdx.dev/Document"
      })
      const said = yield* packagesOf(image)
      assert.deepStrictEqual(said.from, { kind: "sbom", digest, format: "SPDX" })
      assert.deepStrictEqual(said.packages, [{ type: "sbom", name: "zlib", version: "1.3", path: digest }])
      assert.strictEqual(said.system?.id, "debian")
      assert.strictEqual((yield* packagesOf(image, { from: "files" })).from.kind, "files")
      const other = yield* opened({ v1: [layerTar(base)], v2: [layerTar([["x", "f", ""]])] })
      assert.deepStrictEqual((yield* packagesOf(other.image, { from: "sbom" })).packages, [])
    }))

  it.live("is said by an SBOM of the index that the image is in, where the image has none of its own", () =>
    Effect.gen(function*() {
      const { image, inside, registry } = yield* opened({ v1: [layerTar(base)] })
      const imageType = "application/vnd.oci.image.manifest.v1+json"
      const size = (yield* registry.resolveManifest("app", image.digest)).size
      const only = {
        mediaType: imageType,
        digest: image.digest,
        size,
        platform: { os: "linux", architecture: "amd64" }
      }
      /** A manifest with an SBOM of one package. */
      const sbom = (name: string, subject?: object) =>
        Effect.gen(function*() {
          const push = (content: Uint8Array, mediaType: string) =>
            Effect.map(registry.pushBlob("app", Stream.succeed(content), { mediaType }), ({ descriptor }) => descriptor)
          const document = { spdxVersion: "SPDX-2.3", packages: [{ name, versionInfo: "1" }] }
          const manifest = {
            schemaVersion: 2,
            mediaType: imageType,
            config: yield* push(Buffer.from("{}"), "application/vnd.oci.empty.v1+json"),
            layers: [yield* push(Buffer.from(JSON.stringify(document)), "application/spdx+json")],
            ...(subject === undefined ? {} : { subject })
          }
          return (yield* registry.pushManifest("app", Buffer.from(JSON.stringify(manifest)), imageType)).descriptor
        })
      const indexType = "application/vnd.oci.image.index.v1+json"
      const indexOf = (tag: string, manifests: ReadonlyArray<object>) =>
        Effect.map(
          registry.pushManifest(
            "app",
            Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, annotations: { tag }, manifests })),
            indexType,
            { tags: [tag] }
          ),
          ({ descriptor }) => descriptor
        )
      const known = Effect.fnUntraced(function*(reference: string, platform?: string) {
        const { from, packages } = yield* packagesOf(
          yield* inside.open({ registry, repository: "app", reference }, platform)
        )
        return { from, names: packages.filter(({ type }) => type === "sbom").map(({ name }) => name) }
      })
      const index = yield* indexOf("all", [only])
      assert.deepStrictEqual((yield* known("all")).from, { kind: "files" })
      const { digest } = yield* sbom("of-all", index)
      const from = { kind: "sbom" as const, digest, format: "SPDX", index: index.digest }
      for (const platform of [undefined, "linux/amd64"]) {
        assert.deepStrictEqual(yield* known("all", platform), { from, names: ["of-all"] })
      }
      // By itself it is in no index.
      assert.deepStrictEqual((yield* known(image.digest)).from, { kind: "files" })
      // As BuildKit has it: beside the image, in the same index.
      const attestation = {
        ...(yield* sbom("of-one")),
        platform: { os: "unknown", architecture: "unknown" },
        annotations: {
          "vnd.docker.reference.type": "attestation-manifest",
          "vnd.docker.reference.digest": image.digest
        }
      }
      yield* sbom("of-both", yield* indexOf("both", [only, attestation]))
      const both = yield* known("both")
      assert.deepStrictEqual(both, {
        from: { kind: "sbom", digest: attestation.digest, format: "SPDX" },
        names: ["of-one"]
      })
    }))

  it.live("is looked for in all tags, and an image that cannot be read stops nothing", () =>
    Effect.gen(function*() {
      const { inside, registry } = yield* opened({
        "v1": [layerTar([["var/lib/dpkg/status", "f", dpkg]])],
        "v2": [layerTar([["var/lib/dpkg/status", "f", dpkg]])],
        "bad": [gzipSync("no tar at all, and longer than a block of one would be: ".repeat(20))],
        "none": [layerTar([["x", "f", ""]])]
      }, { ref: "app:v1" })
      const found = yield* Stream.runCollect(findPackage(registry, inside, "LIB*"))
      assert.deepStrictEqual(
        Array.from(found, ({ failure, packages, repository, tag }) =>
          `${repository}:${tag} ${failure?._tag ?? told(packages).join()}`),
        ["app:bad LayerInvalid", "app:none ", "app:v1 dpkg libssl3 3.0.15", "app:v2 dpkg libssl3 3.0.15"]
      )
      const one = yield* Stream.runCollect(findPackage(registry, inside, "bash", { repository: "app" }))
      assert.strictEqual(
        Array.from(one).filter(({ packages }) =>
          packages.length === 1
        ).length,
        2
      )
    }))
})

describe("programs of Go", () => {
  const said = (program: Uint8Array, piece: number) => {
    const info = new GoBuildInfo()
    for (let at = 0; at < program.length; at += piece) info.take(program.subarray(at, at + piece))
    return info.end()
  }

  it.each([1, 7, 16, 1000, 4097, 1 << 20])("are recognised in pieces of %i bytes", (piece) => {
    const found = said(goProgram(modules, 8192), piece)
    assert.deepStrictEqual(found.map(({ name }) => name), [
      "stdlib",
      "example.org/tool",
      "golang.org/x/net",
      "example.org/new"
    ])
  })

  it("are told from what only looks like one", () => {
    assert.deepStrictEqual(said(goProgram(modules, 8200 - 8 + 4), 1000), [])
    assert.deepStrictEqual(said(goProgram(modules).fill(0, 0, 4), 1000), [])
    assert.deepStrictEqual(said(goProgram(modules, 4096, "rust"), 1000), [])
    assert.deepStrictEqual(said(goProgram(modules, 199_904), 1000)[0], { name: "stdlib", version: "go1.24.1" })
  })
})

describe("databases of rpm", () => {
  it("are read where they are as rpm makes them", () => {
    const found = rpmHeaders(database(rpmTable, [bash, libs])).map(parseRpmHeader)
    assert.deepStrictEqual(found.map((one) => one?.name), ["bash", "openssl-libs"])
    assert.deepStrictEqual(found[0], { name: "bash", version: "5.2-3.fc40", architecture: "x86_64" })
    const wal = new Uint8Array(database(rpmTable, [bash]))
    wal.fill(2, 18, 20)
    assert.strictEqual(rpmHeaders(wal).length, 1)
  })

  it("run nothing that their author has put there", () => {
    const endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS blob FROM n"
    const hostile = [
      `CREATE VIEW Packages AS ${endless}`,
      "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB AS (zeroblob(100000000)))",
      "CREATE VIRTUAL TABLE Packages USING fts5(blob)",
      "CREATE TABLE Other (x)"
    ]
    for (const sql of hostile) assert.throws(() => rpmHeaders(database(sql)), CodecFailed, undefined, sql)
    assert.throws(() => rpmHeaders(Buffer.from("no database")), CodecFailed)
    const cut = database(rpmTable, Array.from({ length: 500 }, () => bash)).slice(0, 9000)
    assert.throws(() => rpmHeaders(cut), CodecFailed)
  })

  it("have headers that may be cut anywhere", () => {
    for (let length = 0; length < bash.length; length++) assert.isUndefined(parseRpmHeader(bash.subarray(0, length)))
    assert.isUndefined(parseRpmHeader(rpmHeader({ 1000: "gpg-pubkey" })))
  })
})

describe("os-release", () => {
  it("is read without a shell", () => {
    const text = "# comment\nID='alpine'\nVERSION_ID=3.20.1\nNAME=$(rm -rf /)\nPRETTY_NAME=\"Alpine\"\nID=second\n"
    assert.deepStrictEqual(parseOs(Buffer.from(text)), { id: "alpine", version: "3.20.1", name: "Alpine" })
    assert.isUndefined(parseOs(Buffer.from("nothing")))
  })
})
