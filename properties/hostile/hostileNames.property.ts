/** A name is understood, and then it is safe and written back the same, or it is refused in words; never anything else. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { posix } from "node:path"
import { isUploadId } from "../../src/layout/Upload.ts"
import { parseGeneration } from "../../src/node/journal/journalRecord.ts"
import { isDigest, parseContentDigest, parseDigest } from "../../src/oci/Digest.ts"
import { isMediaType } from "../../src/oci/MediaType.ts"
import { named, quoted, sentence, several } from "../../src/oci/quoted.ts"
import {
  formatReference,
  isHost,
  isRepository,
  isTag,
  parseLayoutReference,
  parseReference,
  parseRelative,
  parseRepository,
  parseTag,
  type Reference
} from "../../src/oci/Reference.ts"
import { formatTagged, parseRefName } from "../../src/oci/RefName.ts"
import { parseRef } from "../../src/ops/refs/find.ts"
import { assertHolds } from "../support/fuzz.ts"
import { assertLinear } from "../support/linear.ts"
import { mutatedText } from "../support/mutate.ts"
import type { Random } from "../support/random.ts"
import { nameSeeds } from "../support/seeds.ts"
import { assertPrintable, assertTold } from "../support/told.ts"

const draw = (random: Random): string => mutatedText(random, nameSeeds)

/** A path made of a good name stays where it is put, and is what it says. */
const assertSafePath = (name: string): void => {
  assert.strictEqual(posix.join("/root", name), `/root/${name}`)
  assert.notMatch(name, /[^\x21-\x7e]|\\/u)
}

type Parse = (input: string) => Result.Result<Reference, { readonly _tag: string; readonly message: string }>

/** `parse` either refuses in words or reads what is written back to the same reference. */
const reads = (parse: Parse) => (input: string): string => {
  const parsed = parse(input)
  if (Result.isFailure(parsed)) {
    assertTold(parsed.failure)
    return "refused"
  }
  const { digest, host, repository, tag } = parsed.success
  assertSafePath(repository)
  if (tag !== undefined) assertSafePath(tag)
  if (digest !== undefined) assert.isTrue(Result.isSuccess(parseContentDigest(digest)))
  if (host !== undefined) assert.isTrue(isHost(host))
  assert.deepStrictEqual(parse(formatReference(parsed.success)), parsed)
  return "read"
}

const references = { parseReference, parseRelative, parseLayoutReference }

describe("a reference", () => {
  it.each(Object.entries(references))("is read or refused: %s", (name, parse) => {
    assertHolds({ name, perRun: 100, draw, hold: reads(parse), kinds: ["read", "refused"] })
  })
})

describe("a name", () => {
  it("becomes a part of a path only when it is safe", () => {
    assertHolds({
      name: "repositories, tags and digests",
      perRun: 150,
      draw,
      kinds: ["repository", "tag", "digest", "nothing"],
      hold: (input) => {
        for (const parse of [parseRepository, parseTag, parseDigest, parseContentDigest]) {
          const parsed: Result.Result<string, { readonly _tag: string; readonly message: string }> = parse(input)
          if (Result.isFailure(parsed)) assertTold(parsed.failure)
          else assert.strictEqual(parsed.success, input)
        }
        if (isRepository(input)) {
          assertSafePath(input)
          assert.isAtMost(input.length, 255)
          return "repository"
        }
        if (isTag(input)) {
          assertSafePath(input)
          return "tag"
        }
        if (Result.isSuccess(parseContentDigest(input))) assertSafePath(input)
        return isDigest(input) ? "digest" : "nothing"
      }
    })
  })

  it("of an upload, a media type or a generation is taken only in its form", () => {
    const seeds = [
      "0123456789abcdef".repeat(2),
      `${"0123456789abcdef".repeat(2)}.17.0123456789abcdef`,
      "application/vnd.oci.image.manifest.v1+json",
      "text/plain; charset=utf-8"
    ]
    assertHolds({
      name: "upload ids, generations and media types",
      perRun: 100,
      draw: (random) => mutatedText(random, seeds),
      kinds: ["id", "generation", "media type", "nothing"],
      hold: (input) => {
        const generation = parseGeneration(input)
        if (generation !== undefined) {
          assert.isTrue(Number.isSafeInteger(generation.seq + 1))
          assert.isTrue(isUploadId(generation.journal))
          return "generation"
        }
        if (isUploadId(input)) {
          assertSafePath(input)
          assert.lengthOf(input, 32)
          return "id"
        }
        if (!isMediaType(input)) return "nothing"
        assertPrintable(input, 255)
        return "media type"
      }
    })
  })

  it("of an entry always means something, if only that it is not understood", () => {
    const app = "app"
    assert.isTrue(isRepository(app))
    assertHolds({
      name: "names of entries",
      perRun: 150,
      draw,
      kinds: ["Tagged", "Untagged", "Raw"],
      hold: (input) => {
        for (const containerd of [undefined, input, `docker.io/library/${input}:${input}`]) {
          const repository = isRepository(app) ? app : undefined
          const name = parseRefName(input, containerd, repository)
          if (name._tag === "Raw") assertPrintable(name.reason, 300)
          else assertSafePath(name.repository)
          if (name._tag !== "Tagged") continue
          assertSafePath(name.tag)
          const again = parseRefName(formatTagged(name.repository, name.tag), undefined, undefined)
          assert.deepStrictEqual(again, { ...name, dialect: "full" })
        }
        return parseRefName(input, undefined, isRepository(app) ? app : undefined)._tag
      }
    })
  })

  it("of a tool's argument is read as a layout's, shortened digests apart", () => {
    const hex = "0f".repeat(32)
    const byDigest = [
      `app@sha256:${hex}`,
      `a/b:v1@sha256:${hex}`,
      `app@sha256:${hex.slice(0, 12)}`,
      `app@${hex.slice(1)}`
    ]
    assertHolds({
      name: "references of tools",
      perRun: 100,
      draw: (random) => mutatedText(random, random.once(2) ? nameSeeds : byDigest),
      kinds: ["Tag", "Digest", "Prefix", "refused"],
      hold: (input) => {
        const parsed = parseRef(input)
        if (Result.isSuccess(parsed)) {
          assertSafePath(parsed.success.repository)
          return parsed.success.by._tag
        }
        assertTold(parsed.failure)
        return "refused"
      }
    })
  })
})

describe("a foreign text", () => {
  it("is shown short, and moves no cursor", () => {
    assertHolds({
      name: "texts in messages",
      perRun: 100,
      draw,
      kinds: ["plain", "quoted"],
      hold: (input) => {
        assertPrintable(quoted(input), 200)
        assertPrintable(named(input), 200)
        assertPrintable(sentence(input), 1000)
        assertPrintable(several([input, input, input, input, input, input]), 5100)
        return named(input) === input ? "plain" : "quoted"
      }
    })
  })
})

describe("a grammar", () => {
  /** Ends that make a pattern go back over all that it has matched. */
  const attacks: Readonly<Record<string, (size: number) => string>> = {
    "a run of letters": (size) => `${"a".repeat(size - 1)}!`,
    "dashes": (size) => `a${"-".repeat(size - 2)}!`,
    "dots": (size) => `${"a.".repeat(size / 2 - 1)}!!`,
    "underscores": (size) => `${"a__".repeat(size / 4)}${"!".repeat(size - 3 * (size / 4))}`,
    "slashes": (size) => `${"a/".repeat(size / 2 - 1)}!!`,
    "colons": (size) => ":".repeat(size),
    "ats": (size) => `a${"@".repeat(size - 1)}`,
    "a host without an end": (size) => `${"a-a.".repeat(size / 4 - 1)}a-:/`,
    "brackets": (size) => `[${":".repeat(size - 1)}`,
    "a digest": (size) => `sha256+${"a.".repeat(size / 2 - 4)}:`.padEnd(size, "!"),
    "not ASCII": (size) => "\u{1f600}".repeat(size / 2)
  }

  it("is read in time linear in its input, refused or not", () => {
    const run = (input: string): void => {
      for (const parse of Object.values(references)) parse(input)
      parseRefName(input, input, undefined)
      parseRef(input)
      isMediaType(input)
      isUploadId(input)
      parseGeneration(input)
      parseDigest(input)
      parseRepository(input)
      parseTag(input)
      sentence(input)
      named(input)
    }
    for (const [name, inputOf] of Object.entries(attacks)) {
      assertLinear(name, run, inputOf, 4096)
      // Beyond every limit of length, so that reading at all is the only cost left.
      assertLinear(name, run, inputOf, 1 << 20)
    }
  })
})
