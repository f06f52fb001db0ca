import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { makeLocalFiles } from "../../../src/node/files/localFiles.ts"
import { FileExists, FileUnknown, PathDenied, RangeInvalid, StorageError } from "../../../src/oci/OciError.ts"
import { listing, temporaryFolder } from "../../support/folders.ts"
import { collect, textOf, utf8 } from "../../support/images.ts"
import { withUmask } from "../../support/umask.ts"
import { fails, watchedFs } from "../../support/watchedFs.ts"

/** A folder that is allowed, another one beside it that is not, and everything there is in both. */
const prepared = Effect.map(temporaryFolder, (root) => {
  const allowed = join(root, "allowed")
  const secret = join(root, "allowed-not")
  for (const folder of [allowed, secret]) fs.mkdirSync(folder)
  fs.writeFileSync(join(allowed, "file"), "0123456789")
  fs.writeFileSync(join(secret, "secret"), "secret")
  const watched = watchedFs(root)
  return { root, allowed, secret, ...watched, files: makeLocalFiles(watched.fs, [join(root, "not-yet"), allowed]) }
})

type Prepared = Effect.Success<typeof prepared>

const pieces = (...texts: ReadonlyArray<string>) => Stream.fromIterable(texts.map(utf8))

const reading = ({ files }: Prepared, path: string, window?: { readonly offset: number; readonly length?: number }) =>
  Effect.scoped(Effect.gen(function*() {
    const { content, size } = yield* files.read(path, window)
    return { size, text: textOf(yield* collect(content)) }
  }))

describe("reading a file", () => {
  it.live("gives its size and content, or a window of it", () =>
    Effect.gen(function*() {
      const place = yield* prepared
      const path = join(place.allowed, "file")
      assert.deepStrictEqual(place.files.allowed, [join(place.root, "not-yet"), place.allowed])
      assert.deepStrictEqual(yield* reading(place, path), { size: 10, text: "0123456789" })
      assert.deepStrictEqual(yield* reading(place, path, { offset: 3, length: 4 }), { size: 4, text: "3456" })
      assert.deepStrictEqual(yield* reading(place, path, { offset: 3 }), { size: 7, text: "3456789" })
      assert.deepStrictEqual(yield* reading(place, path, { offset: 8, length: 99 }), { size: 2, text: "89" })
      assert.deepStrictEqual(yield* reading(place, path, { offset: 10 }), { size: 0, text: "" })
      assert.deepStrictEqual(
        yield* Effect.flip(reading(place, path, { offset: 11 })),
        new RangeInvalid({ offset: 11, size: 10 })
      )
    }))

  it.live("follows links that stay inside", () =>
    Effect.gen(function*() {
      const place = yield* prepared
      fs.symlinkSync("file", join(place.allowed, "link"))
      fs.mkdirSync(join(place.allowed, "folder"))
      fs.symlinkSync("..", join(place.allowed, "folder", "up"))
      assert.strictEqual((yield* reading(place, join(place.allowed, "link"))).text, "0123456789")
      assert.strictEqual((yield* reading(place, join(place.allowed, "folder", "up", "file"))).size, 10)
      assert.strictEqual((yield* reading(place, `${place.allowed}/folder/../file`)).size, 10)
    }))

  it.live("says what is missing, and what is no file, where looking is allowed", () =>
    Effect.gen(function*() {
      const place = yield* prepared
      for (const name of ["missing", "missing/below", "file/below"]) {
        assert.instanceOf(yield* Effect.flip(reading(place, join(place.allowed, name))), FileUnknown, name)
      }
      const error = yield* Effect.flip(reading(place, place.allowed))
      assert.deepStrictEqual(error, new FileUnknown({ path: place.allowed, reason: "is not a regular file" }))
    }))
})

/** Every way out there is: the path, and what is put there first. */
const escapes: ReadonlyArray<readonly [string, (place: Prepared) => string]> = [
  ["another folder", ({ secret }) => join(secret, "secret")],
  ["another folder whose name begins alike", ({ secret }) => secret],
  [".. in the path", ({ allowed }) => `${allowed}/../allowed-not/secret`],
  [".. through a folder that does not exist", ({ allowed }) => `${allowed}/missing/../../allowed-not/secret`],
  ["a NUL in the path", ({ allowed }) => `${allowed}/file\0`],
  ["a NUL before an allowed end", ({ allowed, secret }) => `${secret}/secret\0${allowed}/file`],
  ["a relative path", () => "file"],
  ["a relative path with ..", () => "../allowed/file"],
  ["nothing", () => ""],
  ["the root", () => "/"],
  ["the folder above", ({ root }) => root],
  ["a link to a file", ({ allowed, secret }) => {
    fs.symlinkSync(join(secret, "secret"), join(allowed, "link"))
    return join(allowed, "link")
  }],
  ["a relative link to a file", ({ allowed }) => {
    fs.symlinkSync("../allowed-not/secret", join(allowed, "link"))
    return join(allowed, "link")
  }],
  ["a link to a folder", ({ allowed, secret }) => {
    fs.symlinkSync(secret, join(allowed, "link"))
    return join(allowed, "link", "secret")
  }],
  ["links through links", ({ allowed, secret }) => {
    fs.symlinkSync(secret, join(allowed, "one"))
    fs.symlinkSync("one", join(allowed, "two"))
    return join(allowed, "two", "secret")
  }],
  ["a link and ..", ({ allowed, secret }) => {
    fs.mkdirSync(join(secret, "deep"))
    fs.symlinkSync(join(secret, "deep"), join(allowed, "link"))
    return `${allowed}/link/../secret`
  }]
]

describe("no path leads out", () => {
  it.live.each(escapes)("by %s", ([, make]) =>
    Effect.gen(function*() {
      const place = yield* prepared
      const path = make(place)
      const before = listing(place.root)
      const error = yield* Effect.flip(reading(place, path))
      if (!path.includes("missing")) assert.instanceOf(error, PathDenied)
      assert.notInclude(error.message, "0123")
      place.told()
      yield* Effect.flip(place.files.create(path, pieces("evil")))
      assert.deepStrictEqual(listing(place.root), before)
      assert.isFalse(place.told("open").some((call) => call.includes("allowed-not")))
    }))

  it.live("by asking what exists outside", () =>
    Effect.gen(function*() {
      const place = yield* prepared
      const message = (name: string) =>
        Effect.map(Effect.flip(reading(place, join(place.secret, name))), ({ message }) =>
          message.replaceAll(name, "NAME"))
      assert.strictEqual(yield* message("secret"), yield* message("nothing-there"))
      assert.strictEqual(yield* message("secret"), yield* message("nothing/there"))
    }))

  it.live("by a folder that was replaced by a link after it was allowed", () =>
    Effect.gen(function*() {
      const place = yield* prepared
      const inside = join(place.allowed, "folder")
      fs.mkdirSync(inside)
      fs.writeFileSync(join(inside, "secret"), "harmless")
      assert.strictEqual((yield* reading(place, join(inside, "secret"))).text, "harmless")
      fs.rmSync(inside, { recursive: true })
      fs.symlinkSync(place.secret, inside)
      assert.instanceOf(yield* Effect.flip(reading(place, join(inside, "secret"))), PathDenied)
    }))

  it.live("where nothing is allowed", () =>
    Effect.gen(function*() {
      const { allowed, fs } = yield* prepared
      const files = makeLocalFiles(fs, [])
      assert.instanceOf(yield* Effect.flip(Effect.scoped(files.read(join(allowed, "file")))), PathDenied)
    }))
})

describe("creating a file", () => {
  it.live("writes all of the content, and tells where it is", () =>
    Effect.gen(function*() {
      const { allowed, files } = yield* prepared
      fs.symlinkSync(".", join(allowed, "here"))
      const path = join(allowed, "here", "new")
      assert.deepStrictEqual(yield* files.create(path, pieces("01", "", "234")), {
        path: join(allowed, "new"),
        size: 5
      })
      assert.strictEqual(fs.readFileSync(join(allowed, "new"), "utf8"), "01234")
      assert.deepStrictEqual(fs.readdirSync(allowed).toSorted(), ["file", "here", "new"])
    }))

  it.live.each([0o077, 0o002])("gives it what the umask leaves", (mask) =>
    Effect.gen(function*() {
      const { allowed, files } = yield* prepared
      yield* Effect.scoped(Effect.andThen(withUmask(mask), files.create(join(allowed, "new"), pieces("x"))))
      assert.strictEqual(fs.statSync(join(allowed, "new")).mode & 0o777, 0o666 & ~mask)
    }))

  it.live("becomes possible in a folder that is made later", () =>
    Effect.gen(function*() {
      const { files, root } = yield* prepared
      const path = join(root, "not-yet", "new")
      assert.instanceOf(yield* Effect.flip(files.create(path, pieces("x"))), PathDenied)
      fs.mkdirSync(join(root, "not-yet"))
      assert.strictEqual((yield* files.create(path, pieces("x"))).size, 1)
    }))

  it.live("never overwrites what is there, of any kind", () =>
    Effect.gen(function*() {
      const { allowed, files, root } = yield* prepared
      fs.mkdirSync(join(allowed, "folder"))
      fs.symlinkSync(join(root, "nowhere"), join(allowed, "dangling"))
      fs.symlinkSync("file", join(allowed, "link"))
      const before = listing(root)
      for (const name of ["file", "folder", "dangling", "link", "."]) {
        const path = `${allowed}/${name}`
        assert.deepStrictEqual(yield* Effect.flip(files.create(path, pieces("x"))), new FileExists({ path }))
      }
      assert.deepStrictEqual(listing(root), before)
    }))

  it.live("never overwrites what comes to be there meanwhile", () =>
    Effect.gen(function*() {
      const { allowed, files } = yield* prepared
      const path = join(allowed, "new")
      const racing = Stream.tap(pieces("x"), () => Effect.sync(() => fs.writeFileSync(path, "theirs")))
      assert.instanceOf(yield* Effect.flip(files.create(path, racing)), FileExists)
      assert.strictEqual(fs.readFileSync(path, "utf8"), "theirs")
      assert.deepStrictEqual(fs.readdirSync(allowed).toSorted(), ["file", "new"])
    }))

  it.live("works where files cannot have two names, and overwrites nothing there either", () =>
    Effect.gen(function*() {
      const { allowed, files, intercept } = yield* prepared
      intercept((call) => call.operation === "link" ? fails("EPERM")(call) : Effect.void)
      yield* files.create(join(allowed, "new"), pieces("0123", "45"))
      assert.strictEqual(fs.readFileSync(join(allowed, "new"), "utf8"), "012345")
      const late = Stream.tap(pieces("x"), () => Effect.sync(() => fs.writeFileSync(join(allowed, "late"), "theirs")))
      assert.instanceOf(yield* Effect.flip(files.create(join(allowed, "late"), late)), FileExists)
      assert.strictEqual(fs.readFileSync(join(allowed, "late"), "utf8"), "theirs")
      assert.sameMembers(fs.readdirSync(allowed), ["file", "late", "new"])
    }))

  it.live("shows nothing before it is whole, and leaves nothing when it fails", () =>
    Effect.gen(function*() {
      const { allowed, files } = yield* prepared
      const path = join(allowed, "new")
      const broken = Stream.concat(
        Stream.tap(pieces("x"), () => Effect.sync(() => assert.isFalse(fs.existsSync(path)))),
        Stream.fail(new FileUnknown({ path: "source", reason: "broke off" }))
      )
      assert.instanceOf(yield* Effect.flip(files.create(path, broken)), FileUnknown)
      const begun = yield* Deferred.make<void>()
      const slow = Stream.concat(
        pieces("x"),
        Stream.fromEffect(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
      )
      const creating = yield* Effect.forkChild(files.create(path, slow))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(creating)
      assert.deepStrictEqual(fs.readdirSync(allowed), ["file"])
    }))

  it.live("tells what is wrong with the medium", () =>
    Effect.gen(function*() {
      const { allowed, files, intercept } = yield* prepared
      for (const [operation, code, kind] of [["write", "ENOSPC", "full"], ["open", "EACCES", "denied"]] as const) {
        intercept((call) => call.operation === operation ? fails(code)(call) : Effect.void)
        const error = yield* Effect.flip(files.create(join(allowed, "new"), pieces("x")))
        assert.instanceOf(error, StorageError)
        assert.strictEqual(error.kind, kind)
        assert.deepStrictEqual(fs.readdirSync(allowed), ["file"])
      }
    }))
})

describe("files within roots", () => {
  const url = (path: string): string => pathToFileURL(path).href

  it.live("are those inside an allowed directory and a root, whichever is the deeper one", () =>
    Effect.gen(function*() {
      const place = yield* prepared
      const inner = join(place.allowed, "inner")
      fs.mkdirSync(inner)
      fs.writeFileSync(join(inner, "deep"), "deep")
      const deeper = yield* place.files.within([url(inner), url(place.secret)])
      assert.deepStrictEqual(deeper.allowed, [inner])
      assert.strictEqual((yield* reading({ ...place, files: deeper }, join(inner, "deep"))).text, "deep")
      for (const path of [join(place.allowed, "file"), join(place.secret, "secret"), join(inner, "..", "file")]) {
        const error = yield* Effect.flip(reading({ ...place, files: deeper }, path))
        assert.deepStrictEqual(error, new PathDenied({ path, allowed: [inner] }))
      }
      const target = join(place.allowed, "new")
      assert.strictEqual((yield* Effect.flip(deeper.create(target, pieces("x"))))._tag, "PathDenied")
      assert.isFalse(fs.existsSync(target))
      assert.strictEqual((yield* deeper.create(join(inner, "new"), pieces("x"))).size, 1)
      const wider = yield* place.files.within([url(place.root)])
      assert.deepStrictEqual(wider.allowed, [place.allowed])
      assert.strictEqual((yield* reading({ ...place, files: wider }, join(place.allowed, "file"))).size, 10)
      const secret = join(place.secret, "secret")
      assert.strictEqual((yield* Effect.flip(reading({ ...place, files: wider }, secret)))._tag, "PathDenied")
      assert.deepStrictEqual((yield* deeper.within([url(place.allowed)])).allowed, [inner])
    }))

  it.live("are not reached through links out of either of them, made before or after", () =>
    Effect.gen(function*() {
      const place = yield* prepared
      const root = join(place.root, "root")
      fs.symlinkSync(place.allowed, root)
      const linked = yield* place.files.within([url(root)])
      assert.strictEqual((yield* reading({ ...place, files: linked }, join(place.allowed, "file"))).size, 10)
      fs.unlinkSync(root)
      fs.symlinkSync(place.secret, root)
      for (const path of [join(place.allowed, "file"), join(root, "secret"), join(place.secret, "secret")]) {
        const error = yield* Effect.flip(reading({ ...place, files: linked }, path))
        assert.strictEqual(error._tag, "PathDenied", path)
      }
    }))

  it.live("are none where no root is a directory of this machine", () =>
    Effect.gen(function*() {
      const place = yield* prepared
      const none = [
        [],
        ["https://example.org/"],
        ["file://elsewhere/files"],
        [`${url(place.allowed)}%2Fx`],
        ["file:///%00"],
        [`file:///${"a".repeat(5000)}`],
        ["file:///\ud800"],
        ["nonsense"],
        [url(join(place.root, "missing"))],
        [url(place.secret)]
      ]
      for (const roots of none) {
        const files = yield* place.files.within(roots)
        assert.deepStrictEqual(files.allowed, [], roots.join().slice(0, 50))
        const error = yield* Effect.flip(reading({ ...place, files }, join(place.allowed, "file")))
        assert.strictEqual(error._tag, "PathDenied", roots.join().slice(0, 50))
      }
    }))
})
