/** Tars as odd as they come, each a question about how a header is read. */
import { base256, end, file, gnu, header, longName, octal, padded, pax, record, summed } from "./tars.ts"

const long = `${"d/".repeat(150)}ünï-файл-文件.txt`
const after = file("after", "after\n")
const many = (count: number, part: (at: number) => Buffer) =>
  Buffer.concat(Array.from({ length: count }, (_, at) => part(at)))
const sparsePairs = (block: Buffer, start: number, pairs: ReadonlyArray<readonly [number, number]>): void => {
  for (const [at, [offset, length]] of pairs.entries()) {
    octal(offset, 12).copy(block, start + at * 24)
    octal(length, 12).copy(block, start + at * 24 + 12)
  }
}
const data = (letter: string, blocks = 1) => Buffer.alloc(512 * blocks, letter)

const tars: Readonly<Record<string, ReadonlyArray<Uint8Array>>> = {
  plain: [file("a/b.txt"), header({ name: "d/", type: "5", mode: 0o755 }), after, end],
  "pax-unicode-long": [
    pax({ path: long, mtime: "1700000000.123456789", uid: "3000000", gid: "4000000", uname: "ü", size: "5" }),
    file("x"),
    after,
    end
  ],
  "pax-badutf8": [
    pax({ path: Buffer.from([0x61, 0xff, 0xfe, 0x62]) }),
    file("x"),
    file(Buffer.from([0x63, 0xe9, 0x64])),
    after,
    end
  ],
  "pax-size-wins": [pax({ size: "5" }), header({ name: "f", size: 0 }), padded("data\n"), after, end],
  "pax-size-smaller": [pax({ size: "5" }), header({ name: "f", size: 1024 }), padded("data\n"), after, end],
  "pax-newline": [pax({ path: "new\nline=eq", comment: "a\nb" }), file("x"), after, end],
  "pax-xattr": [
    pax({
      "SCHILY.xattr.security.capability": Buffer.from([1, 0, 0, 2, 0, 0x20, 0, 0xff, 0xfe, 0]),
      "SCHILY.xattr.user.k": "v"
    }),
    file("f"),
    after,
    end
  ],
  "pax-global": [pax({ comment: "abc", mtime: "5" }, "g"), file("f"), after, end],
  "pax-empty-path": [pax({ path: "" }), file("orig"), after, end],
  "pax-dup-key": [
    header({ name: "p", type: "x", size: 2 * record("path", "one").length }),
    padded(Buffer.concat([record("path", "one"), record("path", "two")])),
    file("x"),
    after,
    end
  ],
  "pax-two": [pax({ path: "first" }), pax({ mtime: "7" }), file("x"), after, end],
  "pax-neg-mtime": [pax({ mtime: "-3.5" }), file("f"), after, end],
  "pax-proto": [pax({ __proto__x: "1", constructor: "x" }), file("f"), after, end],
  "gnu-long": [
    longName(long),
    file("x", "data\n", { magic: gnu }),
    longName(long, "K"),
    header({ name: "ln", type: "2", link: "short", magic: gnu }),
    after,
    end
  ],
  "gnu-prefix-times": [
    file("f", "data\n", { magic: gnu, patch: (block) => sparsePairs(block, 345, [[1e9, 1e9]]) }),
    after,
    end
  ],
  "gnu-prefix-old": [file("f", "data\n", { magic: gnu, patch: (block) => void block.write("some/prefix", 345) }), end],
  "ustar-prefix": [
    file("name.txt", "data\n", { prefix: "some/long/prefix" }),
    file("n".repeat(100), "data\n", { prefix: "p".repeat(155) }),
    after,
    end
  ],
  v7: [
    file("old", "data\n", { magic: "\0".repeat(8), uname: "", gname: "" }),
    file("olddir/", "", { magic: "\0".repeat(8), type: "\0" }),
    after,
    end
  ],
  hardlink: [
    file("f"),
    header({ name: "h", type: "1", link: "f" }),
    header({ name: "h2", type: "1", link: "f", size: 5 }),
    after,
    end
  ],
  "hardlink-with-data": [
    file("f"),
    pax({ comment: "pax archives may carry data" }),
    header({ name: "h", type: "1", link: "f", size: 5 }),
    padded("data\n"),
    after,
    end
  ],
  devices: [
    header({ name: "c", type: "3", major: 1, minor: 3 }),
    header({ name: "b", type: "4", major: 8, minor: 1 }),
    header({ name: "p", type: "6" }),
    header({ name: "s", type: "2", link: "/t" }),
    after,
    end
  ],
  contiguous: [file("cont", "data\n", { type: "7" }), after, end],
  "unknown-type": [file("vendor", "data\n", { type: "Z" }), file("solaris", "data\n", { type: "X" }), after, end],
  "dir-with-size": [header({ name: "d/", type: "5", size: 512 }), file("inner"), after, end],
  "dir-noslash": [header({ name: "d", type: "5" }), file("e/", ""), after, end],
  base256: [
    file("f", "data\n", {
      rawSize: base256(5, 12),
      rawMtime: base256(-86400, 12),
      rawUid: base256(2 ** 31 + 5, 8),
      rawGid: base256(2 ** 22, 8),
      magic: gnu
    }),
    after,
    end
  ],
  "base256-negative-size": [file("f", "data\n", { rawSize: base256(-5, 12), magic: gnu }), after, end],
  "base256-huge-size": [header({ name: "f", rawSize: base256(2n ** 62n, 12), magic: gnu }), after, end],
  "base256-huge-mode": [
    file("g", "data\n", { rawMode: Buffer.from([0x80, 0x7f, 0, 0, 0, 0, 0x0e, 0x41]), magic: gnu }),
    after,
    end
  ],
  "pax-sparse-unknown-version": [
    pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "1", "GNU.sparse.name": "real", "GNU.sparse.realsize": "9" }),
    file("f"),
    after,
    end
  ],
  "pax-sparse-two-sizes": [
    pax({
      "GNU.sparse.map": "2,5",
      "GNU.sparse.numblocks": "1",
      "GNU.sparse.realsize": "90",
      "GNU.sparse.size": "9"
    }),
    file("f"),
    after,
    end
  ],
  "pax-sparse-no-count": [pax({ "GNU.sparse.map": "2,5", "GNU.sparse.size": "9" }), file("f"), after, end],
  "pax-sparse-directory": [
    pax({ "GNU.sparse.map": "", "GNU.sparse.numblocks": "0", "GNU.sparse.major": "0", "GNU.sparse.minor": "1" }),
    header({ name: "d/", type: "5" }),
    after,
    end
  ],
  "octal-negative": [file("f", "data\n", { rawMtime: Buffer.from("-0000000001\0") }), after, end],
  "octal-space": [
    file("f", "data\n", { rawSize: Buffer.from("          5 "), rawMode: Buffer.from("   644 \0") }),
    after,
    end
  ],
  "octal-empty": [
    file("f", "", {
      rawUid: Buffer.alloc(8),
      rawGid: Buffer.alloc(8),
      rawMode: Buffer.alloc(8),
      rawMtime: Buffer.alloc(12)
    }),
    after,
    end
  ],
  "octal-junk": [file("f", "data\n", { rawUid: Buffer.from("12x4567\0") }), after, end],
  "zero-middle": [file("a"), Buffer.alloc(512), file("b"), after, end],
  "two-zero-middle": [file("a"), end, file("b"), end],
  "no-end": [file("a"), after],
  "one-zero-end": [file("a"), after, Buffer.alloc(512)],
  "trailing-garbage": [file("a"), after, end, Buffer.from("garbage".repeat(100))],
  "unpadded-end": [header({ name: "a", size: 5 }), Buffer.from("data\n")],
  "cut-header": [file("a"), after.subarray(0, 300)],
  "cut-body": [file("a"), header({ name: "big", size: 5000 }), Buffer.alloc(700, "x")],
  "cut-pax": [file("a"), pax({ path: "p".repeat(2000) }).subarray(0, 1000)],
  empty: [],
  "only-end": [end],
  duplicates: [file("f", "one\n"), file("f", "two\n"), header({ name: "f", type: "5" }), after, end],
  "nul-name": [pax({ path: "nul\0evil" }), file("x"), after, end],
  dotdot: [
    ...["../../etc/passwd", "a/../../b", "/abs", "//abs2", "./dot", "."].map((name) => file(name)),
    header({ name: "./", type: "5" }),
    file("a//b"),
    file("C:\\win"),
    after,
    end
  ],
  "empty-name": [file(""), after, end],
  whiteouts: [
    ...[".wh.gone", "d/.wh..wh..opq", ".wh.", "d/.wh..", "d/.wh..."].map((name) => file(name, "")),
    after,
    end
  ],
  "bad-sum": [file("a"), file("bad", "data\n", { badSum: 1 }), after, end],
  "signed-sum": [
    (() => {
      const tar = file(Buffer.from([0xe9, 0xe8]), "data\n")
      tar.fill(32, 148, 156)
      const sum = tar.subarray(0, 512).reduce((total, byte) => total + (byte > 127 ? byte - 256 : byte), 0)
      octal(sum, 7).copy(tar, 148)
      return tar
    })(),
    after,
    end
  ],
  "huge-pax": [header({ name: "p", type: "x", size: 64 * 1048576 }), Buffer.alloc(1048576, "x")],
  "pax-bad-length": [header({ name: "p", type: "x", size: 20 }), padded("99 path=evil\n"), file("x"), after, end],
  "pax-only": [file("a"), pax({ path: "nothing follows" }), end],
  "sparse-gnu-old": [
    header({
      name: "sp",
      type: "S",
      size: 1024,
      magic: gnu,
      patch: (block) => {
        sparsePairs(block, 386, [[0, 512], [1048576, 512]])
        octal(1049088, 12).copy(block, 483)
      }
    }),
    data("A"),
    data("B"),
    after,
    end
  ],
  "sparse-gnu-extended": [
    header({
      name: "sp",
      type: "S",
      size: 512 * 6,
      magic: gnu,
      patch: (block) => {
        sparsePairs(block, 386, [[0, 512], [4096, 512], [8192, 512], [12288, 512]])
        block[482] = 1
        octal(20992, 12).copy(block, 483)
      }
    }),
    (() => {
      const block = Buffer.alloc(512)
      sparsePairs(block, 0, [[16384, 512], [20480, 512]])
      return block
    })(),
    data("C", 6),
    after,
    end
  ],
  "sparse-pax-1.0": [
    pax({
      "GNU.sparse.major": "1",
      "GNU.sparse.minor": "0",
      "GNU.sparse.name": "realname",
      "GNU.sparse.realsize": "1049088"
    }),
    header({ name: "GNUSparseFile.1/realname", size: 1536 }),
    padded("2\n0\n512\n1048576\n512\n"),
    data("A"),
    data("B"),
    after,
    end
  ],
  "sparse-pax-0.1": [
    pax({
      "GNU.sparse.size": "1049088",
      "GNU.sparse.numblocks": "2",
      "GNU.sparse.name": "realname",
      "GNU.sparse.map": "0,512,1048576,512"
    }),
    header({ name: "GNUSparseFile.1/realname", size: 1024 }),
    data("A"),
    data("B"),
    after,
    end
  ],
  "pax-chain": [many(5000, () => pax({ path: "x" })), file("x"), after, end],
  "long-name-chain": [many(5000, (at) => longName(`n${at}`)), file("x"), after, end],
  "size-lie": [header({ name: "f", size: 10 * 1024 }), padded("short"), after, end],
  "symlink-size": [header({ name: "s", type: "2", link: "t", size: 512 }), file("next"), after, end],
  "header-summed-again": [summed(header({ name: "again", size: 0 })), after, end]
}

export const oddTars: ReadonlyArray<readonly [name: string, bytes: Buffer]> = Object.entries(tars).map((
  [name, parts]
) => [name, Buffer.concat(parts)])
