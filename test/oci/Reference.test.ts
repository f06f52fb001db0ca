import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { NameInvalid, ReferenceInvalid, TagInvalid } from "../../src/oci/OciError.ts"
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
  type Reference,
  Repository,
  Tag
} from "../../src/oci/Reference.ts"
import { type Outcome, vectors } from "./vectors.ts"

const hex = "f".repeat(64)

/** Names as test titles: long ones shortened, control characters visible. */
const shown = (input: string) => JSON.stringify(input.length > 60 ? `${input.slice(0, 40)}…${input.length}` : input)

/** What our reason says where docker/oci gives one of its error kinds. */
const reasons: Readonly<Record<string, RegExp>> = {
  syntax: /^does not fit/u,
  tag: /^has a tag, .*, that must be/u,
  "tag too long": /^has a tag, .*, that is longer than 128 characters$/u,
  digest: /^has a digest, .*, that is not sha256 or sha512 in full$/u,
  "repository too long": /^has a repository longer than 255 characters$/u
}

const assertOutcome = (actual: Result.Result<Reference, ReferenceInvalid>, input: string, expected: Outcome) => {
  if ("error" in expected) {
    const error = Result.getOrThrow(Result.flip(actual))
    assert.instanceOf(error, ReferenceInvalid)
    assert.strictEqual(error.input, input)
    const reason = reasons[expected.error]
    assert.isDefined(reason)
    assert.match(error.reason, reason ?? /^$/u)
  } else {
    const given = Object.entries(expected).filter(([, part]) => part !== "")
    assert.deepStrictEqual<unknown>(actual, Result.succeed(Object.fromEntries(given)))
  }
}

it("there are 223 vectors", () => {
  const { digest, host, reference, repository, tag } = vectors
  assert.strictEqual([digest, host, reference, repository, tag].flat().length, 223)
})

describe("the host vectors", () => {
  for (const { in: input, valid } of vectors.host) {
    it(`${shown(input)} is ${valid ? "a" : "no"} host`, () => assert.strictEqual(isHost(input), valid))
  }
})

describe("the repository vectors", () => {
  for (const { in: input, valid } of vectors.repository) {
    it(`${shown(input)} is ${valid ? "a" : "no"} repository`, () => {
      assert.strictEqual(isRepository(input), valid)
      assert.strictEqual(Schema.is(Repository)(input), valid)
      assert.strictEqual(Result.isSuccess(parseRepository(input)), valid)
      assert.strictEqual(Result.isSuccess(parseLayoutReference(input)), valid || input === "foo:bar")
    })
  }
})

describe("the tag vectors", () => {
  for (const { in: input, valid } of vectors.tag) {
    it(`${shown(input)} is ${valid ? "a" : "no"} tag`, () => {
      assert.strictEqual(isTag(input), valid)
      assert.strictEqual(Schema.is(Tag)(input), valid)
      assert.strictEqual(Result.isSuccess(parseTag(input)), valid)
      assert.strictEqual(Result.isSuccess(parseLayoutReference(`repo:${input}`)), valid)
    })
  }
})

describe("the reference vectors", () => {
  for (const { absolute, in: input, relative } of vectors.reference) {
    it(`${shown(input)}, as Docker reads it`, () => assertOutcome(parseRelative(input), input, relative))
    it(`${shown(input)}, the host being optional`, () => {
      const hostless = "error" in absolute && absolute.error === "no host"
      if (!hostless) return assertOutcome(parseReference(input), input, absolute)
      const parsed = Result.getOrThrow(parseReference(input))
      assert.isFalse("host" in parsed)
      assert.strictEqual(formatReference(parsed), input)
    })
  }
})

describe("parseRelative", () => {
  it("refuses a repository that library/ makes too long", () => {
    assert.isTrue(Result.isSuccess(parseRelative("a".repeat(247))))
    assert.isTrue(Result.isFailure(parseRelative("a".repeat(248))))
    assert.isTrue(Result.isSuccess(parseReference("a".repeat(248))))
  })
})

describe("formatReference", () => {
  it("gives back what was parsed", () => {
    for (
      const text of [
        "repo",
        "a/b:v1",
        `a/b@sha256:${hex}`,
        `a/b:v1@sha256:${hex}`,
        `[::1]:5000/a/b:v1@sha512:${hex}${hex}`,
        "localhost:5000/a"
      ]
    ) {
      assert.strictEqual(formatReference(Result.getOrThrow(parseReference(text))), text)
    }
  })
})

describe("parseLayoutReference", () => {
  const parsed = (input: string) => Result.getOrThrow(parseLayoutReference(input)) as unknown
  const reason = (input: string) => Result.getOrThrow(Result.flip(parseLayoutReference(input))).reason

  it("has no host: a dotted first component is part of the repository", () => {
    assert.deepStrictEqual(parsed("docker.io/library/alpine:3"), { repository: "docker.io/library/alpine", tag: "3" })
    assert.deepStrictEqual(parsed("localhost/demo"), { repository: "localhost/demo" })
    assert.deepStrictEqual(parsed("test.com:5000"), { repository: "test.com", tag: "5000" })
  })

  it("takes a tag, a digest or both", () => {
    assert.deepStrictEqual(parsed(`a/b@sha256:${hex}`), { repository: "a/b", digest: `sha256:${hex}` })
    assert.deepStrictEqual(parsed(`a/b:v1@sha512:${hex}${hex}`), {
      repository: "a/b",
      tag: "v1",
      digest: `sha512:${hex}${hex}`
    })
  })

  it("says why not", () => {
    assert.strictEqual(reason(""), "is empty")
    assert.strictEqual(reason("a".repeat(4097)), "is longer than 4096 characters")
    assert.strictEqual(
      reason("localhost:5000/a:v1"),
      "has a host with a port, which no repository in a layout can have"
    )
    assert.match(reason("Foo/bar:v1"), /^has a repository, Foo\/bar, that has an upper-case letter$/u)
    assert.match(reason(":v1"), /^has a repository, "", that is empty$/u)
    assert.match(reason("a/b:"), /^has a tag, "", that is empty$/u)
    assert.match(reason("a/b:v1:v2"), /^has a repository, a\/b:v1, that must be/u)
    assert.match(reason("a/b:-x"), /^has a tag, "-x", that must be/u)
    assert.match(reason("a/b@sha256:ff"), /^has a digest, "sha256:ff", that is not/u)
    assert.match(reason(`a/b@blake3:${hex}`), /^has a digest, /u)
    assert.match(reason("a/b@"), /^has a digest, "", that is not/u)
    assert.match(reason(`a/b@sha256:${hex}@x`), /^has a digest, /u)
    assert.match(reason(`a/b@x@sha256:${hex}`), /^has a digest, /u)
    assert.match(reason("a".repeat(4096)), /^has a repository, /u)
    assert.match(reason(`@sha256:${hex}`), /^has a repository, "", that is empty$/u)
    assert.match(reason("a".repeat(256)), /^has a repository, .*, that is longer than 255 characters$/u)
  })
})

describe("parseRepository and parseTag", () => {
  it("say why", () => {
    const repository = (name: string) => Result.getOrThrow(Result.flip(parseRepository(name)))
    assert.deepStrictEqual(repository(""), new NameInvalid({ repository: "", reason: "is empty" }))
    assert.strictEqual(repository("a".repeat(256)).reason, "is longer than 255 characters")
    assert.strictEqual(repository("A".repeat(255)).reason, "has an upper-case letter")
    assert.strictEqual(repository("a/B").reason, "has an upper-case letter")
    assert.match(repository("a..b").reason, /^must be lower-case letters/u)
    const tag = (name: string) => Result.getOrThrow(Result.flip(parseTag(name)))
    assert.deepStrictEqual(tag(""), new TagInvalid({ tag: "", reason: "is empty" }))
    assert.strictEqual(tag("a".repeat(129)).reason, "is longer than 128 characters")
    assert.match(tag("-".repeat(128)).reason, /^must be letters/u)
    assert.match(tag("a/b").reason, /^must be letters/u)
  })

  it("refuse what is no string", () => {
    for (const input of [undefined, null, 1, ["a"]]) assert.isFalse(isRepository(input) || isTag(input))
  })
})

it("a host and a reference may be 4096 characters long", () => {
  const host = (length: number) => `${"a.".repeat(length)}b`.slice(-length).replace(/^\./u, "c")
  assert.isTrue(isHost(host(4096)))
  assert.isFalse(isHost(host(4097)))
  assert.isTrue(Result.isSuccess(parseReference(`${host(4091)}/repo`)))
  const error = Result.getOrThrow(Result.flip(parseReference(`${host(4092)}/repo`)))
  assert.strictEqual(error.reason, "is longer than 4096 characters")
})

it("every expression is quick on a hundred thousand hostile characters, and at its length limit", () => {
  const pieces = ["a", "-", "a-", "a_", "__", "a.", "a/", "/", "a:", "[", "[:", "@", "1.", "a--", "A", "\n"]
  for (const piece of pieces) {
    for (const length of [120, 250, 4090, 100_000]) {
      const input = `${piece.repeat(length).slice(0, length)}!`
      const started = performance.now()
      for (
        const parse of [parseReference, parseRelative, parseLayoutReference, parseRepository, parseTag]
      ) {
        assert.isTrue(Result.isFailure<unknown, unknown>(parse(input)))
      }
      assert.isFalse(isHost(input))
      assert.isBelow(performance.now() - started, 1000, `${piece} x ${length}`)
    }
  }
})
