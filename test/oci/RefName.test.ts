import { assert, describe, it } from "@effect/vitest"
import { contentDigest } from "../../src/oci/Digest.ts"
import { Repository, Tag } from "../../src/oci/Reference.ts"
import { formatTagged, formatUntagged, type Name, parseRefName } from "../../src/oci/RefName.ts"
import { vectors } from "./vectors.ts"

const hex = "a".repeat(64)
const defaultRepository = Repository.make("def/repo")

const tagged = (repository: string, tag: string, dialect: "full" | "bare" | "containerd" = "full"): Name => ({
  _tag: "Tagged",
  repository: Repository.make(repository),
  tag: Tag.make(tag),
  dialect
})
const untagged = (repository: string, dialect: "full" | "bare" = "full"): Name => ({
  _tag: "Untagged",
  repository: Repository.make(repository),
  dialect
})
const raw = (reason: string): Name => ({ _tag: "Raw", reason })

/** The name, what it is without and with a default repository. Go fails where we have `Raw`. */
const table: ReadonlyArray<readonly [string | undefined, Name, Name]> = [
  [undefined, raw("has no name and there is no default repository"), untagged("def/repo", "bare")],
  ["", raw("has no name and there is no default repository"), untagged("def/repo", "bare")],
  ["name", raw("is a bare tag and there is no default repository"), tagged("def/repo", "name", "bare")],
  ["a/b", untagged("a/b"), untagged("a/b")],
  [`a/b@sha256:${hex}`, untagged("a/b"), untagged("a/b")],
  [`a/b:t@sha256:${hex}`, tagged("a/b", "t"), tagged("a/b", "t")],
  [
    "docker.io/library/alpine:latest",
    tagged("docker.io/library/alpine", "latest"),
    tagged("docker.io/library/alpine", "latest")
  ],
  [
    "localhost:5000/foo:v1",
    raw("has a host with a port, which no repository name can hold"),
    raw("has a host with a port, which no repository name can hold")
  ],
  [
    "Foo/bar:v1",
    raw("has an upper-case letter in the repository"),
    raw("has an upper-case letter in the repository")
  ],
  ["a/b@sha999:zz:", raw("has no valid digest after the @"), raw("has no valid digest after the @")],
  // The grammar of digests has room for algorithms that are not registered, so unlike Go we take this one for what it says.
  ["a/b@sha999:zz", untagged("a/b"), untagged("a/b")],
  // Go takes this for the tag `<hex>` of a repository `sha256`.
  [`sha256:${hex}`, raw("is a digest, not a name"), raw("is a digest, not a name")]
]

describe("the names docker/oci was measured with", () => {
  for (const [name, without, withDefault] of table) {
    it(`${JSON.stringify(name)} is ${withDefault._tag} with a default repository`, () => {
      assert.deepStrictEqual(parseRefName(name, undefined, undefined), without)
      assert.deepStrictEqual(parseRefName(name, undefined, defaultRepository), withDefault)
    })
  }
})

describe("parseRefName", () => {
  const read = (name: string) => parseRefName(name, undefined, undefined)
  const reason = (name: string) => {
    const parsed = read(name)
    return parsed._tag === "Raw" ? parsed.reason : parsed._tag
  }

  it("cuts at the first @ and then at the last colon", () => {
    assert.deepStrictEqual(read("example/app:v1"), tagged("example/app", "v1"))
    assert.deepStrictEqual(read("app:Latest_1"), tagged("app", "Latest_1"))
    assert.deepStrictEqual(read(`app@sha512:${hex}${hex}`), untagged("app"))
    assert.deepStrictEqual(read(`app:v1@blake3:${hex}`), tagged("app", "v1"))
    assert.deepStrictEqual(read(`a/b/${"c".repeat(200)}`), untagged(`a/b/${"c".repeat(200)}`))
    assert.deepStrictEqual(read("c".repeat(129)), untagged("c".repeat(129)))
  })

  it("says which rule a name breaks", () => {
    assert.strictEqual(reason("a+b"), "has the character \"+\", which no repository or tag can hold")
    assert.strictEqual(reason("with space"), "has the character \" \", which no repository or tag can hold")
    assert.strictEqual(reason("café"), "has the character \"é\", which no repository or tag can hold")
    assert.strictEqual(reason("a/b:-x"), "has no valid tag after the last colon")
    assert.strictEqual(reason("a/b:"), "has no valid tag after the last colon")
    assert.strictEqual(reason(`a/b:${"x".repeat(129)}`), "has no valid tag after the last colon")
    assert.strictEqual(
      reason("quay.io:443/example/app:1.0"),
      "has a host with a port, which no repository name can hold"
    )
    assert.strictEqual(reason("[::1]:80/app:1.0"), "has a host with a port, which no repository name can hold")
    assert.strictEqual(reason("UPPER/app:v1"), "has an upper-case letter in the repository")
    assert.strictEqual(reason("a..b/c:v1"), "does not fit repository[:tag][@digest]")
    assert.strictEqual(reason("a/b-"), "does not fit repository[:tag][@digest]")
    assert.strictEqual(reason(`a/b@x@sha256:${hex}`), "has no valid digest after the @")
    assert.strictEqual(reason(`${"a".repeat(254)}-`), "does not fit repository[:tag][@digest]")
    assert.strictEqual(reason("/".repeat(4096)), "has a repository of more than 255 characters")
    assert.strictEqual(reason("a/b:v1:v2"), "does not fit repository[:tag][@digest]")
    assert.strictEqual(reason("a/b@sha256:ff"), "has no valid digest after the @")
    assert.strictEqual(reason(`a/b@sha256:${hex}@x`), "has no valid digest after the @")
    assert.strictEqual(reason(`@sha256:${hex}`), "does not fit repository[:tag][@digest]")
    assert.strictEqual(reason(`a/${"b".repeat(254)}:v1`), "has a repository of more than 255 characters")
    assert.strictEqual(reason("/".repeat(4097)), "is longer than 4096 characters")
    assert.strictEqual(reason(`sha512:${hex}${hex}`), "is a digest, not a name")
    assert.strictEqual(reason(`blake3:${hex}`), "is a digest, not a name")
  })

  it("takes a repository that happens to be called like an algorithm", () => {
    assert.deepStrictEqual(read("sha256:v1"), tagged("sha256", "v1"))
    assert.deepStrictEqual(read("md5:v1"), tagged("md5", "v1"))
  })

  it("never fails, and is quick, on hostile names", () => {
    for (const piece of ["a", "-", "a-", "a/", ":", "@", "a:", "[", "[:", "é", "\n", "sha256:"]) {
      for (const length of [100, 4000, 100_000]) {
        const name = piece.repeat(length)
        const started = performance.now()
        parseRefName(name, name, defaultRepository)
        parseRefName("latest", name, defaultRepository)
        assert.isBelow(performance.now() - started, 1000)
      }
    }
  })
})

describe("a bare tag beside a containerd name", () => {
  const read = (containerd: string | undefined) => parseRefName("latest", containerd, defaultRepository)
  const bare = tagged("def/repo", "latest", "bare")

  it("belongs to the repository of that name, host included", () => {
    assert.deepStrictEqual(
      read("docker.io/library/alpine:latest"),
      tagged("docker.io/library/alpine", "latest", "containerd")
    )
    assert.deepStrictEqual(read("app:latest"), tagged("app", "latest", "containerd"))
    assert.deepStrictEqual(read(`app:latest@sha256:${hex}`), tagged("app", "latest", "containerd"))
    assert.deepStrictEqual(
      parseRefName("latest", "docker.io/library/alpine:latest", undefined),
      tagged("docker.io/library/alpine", "latest", "containerd")
    )
  })

  it("belongs to the default repository when that name says something else", () => {
    for (
      const name of [
        undefined,
        "",
        "app",
        "app:v1",
        "app:not-latest",
        ":latest",
        "latest",
        "app:latest@sha256:ff",
        `app@sha256:${hex}`
      ]
    ) {
      assert.deepStrictEqual(read(name), bare, String(name))
    }
  })

  it("is raw under a full name that no repository can have", () => {
    for (const fullName of ["localhost:5000/app:latest", "Docker.io/app:latest", `${"a".repeat(256)}:latest`]) {
      for (const defaultRepository of [undefined, Repository.make("def/repo")]) {
        const name = parseRefName("latest", fullName, defaultRepository)
        assert.deepInclude(name, { _tag: "Raw", fullName })
      }
    }
  })

  it("is raw without either", () => {
    assert.deepStrictEqual(
      parseRefName("latest", undefined, undefined),
      raw("is a bare tag and there is no default repository")
    )
  })

  it("does not turn a full name into another", () => {
    assert.deepStrictEqual(parseRefName("a/b:latest", "c/d:latest", undefined), tagged("a/b", "latest"))
  })
})

describe("a containerd name alone", () => {
  it("is the name", () => {
    for (const none of [undefined, ""]) {
      for (const name of ["docker.io/library/alpine:3.20", `docker.io/library/alpine:3.20@sha256:${hex}`]) {
        assert.deepStrictEqual(
          parseRefName(none, name, defaultRepository),
          tagged("docker.io/library/alpine", "3.20", "containerd")
        )
      }
    }
  })

  it("is raw where no repository can have it", () => {
    const fullName = "localhost:5000/app:latest"
    assert.deepInclude(parseRefName(undefined, fullName, defaultRepository), { _tag: "Raw", fullName })
  })

  it("says nothing where it has no tag, or is none", () => {
    for (const name of ["", "app", `app@sha256:${hex}`, "no name", "app:", ":v1", "a".repeat(5000)]) {
      assert.deepStrictEqual(parseRefName(undefined, name, defaultRepository), untagged("def/repo", "bare"), name)
    }
  })
})

describe("the names we write", () => {
  it("are read as what they were", () => {
    const repository = Repository.make("example/app")
    assert.strictEqual(formatTagged(repository, Tag.make("v1")), "example/app:v1")
    assert.strictEqual(formatUntagged(repository, contentDigest("sha256", hex)), `example/app@sha256:${hex}`)
    for (const { in: input, valid } of vectors.repository) {
      if (!valid) continue
      const name = Repository.make(input)
      assert.deepStrictEqual(
        parseRefName(formatTagged(name, Tag.make("v1")), undefined, undefined),
        tagged(input, "v1")
      )
      assert.deepStrictEqual(
        parseRefName(formatUntagged(name, contentDigest("sha256", hex)), undefined, undefined),
        untagged(input)
      )
    }
  })
})
