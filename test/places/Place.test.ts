import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { findArchive } from "../../src/places/findArchive.ts"
import { formatPlace, parsePlace } from "../../src/places/Place.ts"

const digest = `sha256:${"a".repeat(64)}`

const read = (text: string): unknown => {
  const place = parsePlace(text)
  return Result.isSuccess(place) ? { ...place.success } : place.failure._tag
}

const remote = (host: string, rest: object) => ({ _tag: "Remote", host, ...rest })

const places: ReadonlyArray<readonly [text: string, place: unknown]> = [
  ["images/app:v1", { _tag: "Path", path: "images/app:v1" }],
  ["./-", { _tag: "Path", path: "./-" }],
  ["-", { _tag: "Archive", format: "any", file: "-" }],
  ["docker://example.com/app", remote("example.com", { repository: "app" })],
  ["docker://example.com:5000/team/app:v1", remote("example.com:5000", { repository: "team/app", tag: "v1" })],
  [`docker://example.com/app:v1@${digest}`, remote("example.com", { repository: "app", tag: "v1", digest })],
  ["docker://localhost:5000/app:v1", remote("localhost:5000", { repository: "app", tag: "v1" })],
  ["docker://localhost/app", remote("localhost", { repository: "app" })],
  ["docker://[::1]:5000/app", remote("[::1]:5000", { repository: "app" })],
  ["docker://alpine", remote("docker.io", { repository: "library/alpine" })],
  ["docker://alpine:3", remote("docker.io", { repository: "library/alpine", tag: "3" })],
  ["docker://grafana/loki:3", remote("docker.io", { repository: "grafana/loki", tag: "3" })],
  ["docker://index.docker.io/alpine", remote("docker.io", { repository: "library/alpine" })],
  ["docker://example.com/", remote("example.com", {})],
  ["docker://localhost:5000/", remote("localhost:5000", {})],
  ["docker://example.com", "PlaceAmbiguous"],
  ["docker://localhost:5000", "PlaceAmbiguous"],
  ["docker://localhost", "PlaceAmbiguous"],
  ["docker://alpine/", "ReferenceInvalid"],
  ["docker://", "ReferenceInvalid"],
  ["docker://example.com/App", "ReferenceInvalid"],
  ["docker://example.com/../etc", "ReferenceInvalid"],
  ["docker://user:secret@example.com/app", "ReferenceInvalid"],
  ["docker://example.com/app?x=1", "ReferenceInvalid"],
  ["docker://example.com/app@sha256:abc", "ReferenceInvalid"],
  ["oci:images", { _tag: "Layout", directory: "images" }],
  ["oci:images:v1", { _tag: "Layout", directory: "images", name: "v1" }],
  ["oci:images:docker.io/app:v1", { _tag: "Layout", directory: "images", name: "docker.io/app:v1" }],
  ["oci:images:", "ReferenceInvalid"],
  ["oci::v1", "ReferenceInvalid"],
  ["oci-archive:a.tar", { _tag: "Archive", format: "oci", file: "a.tar" }],
  ["oci-archive:a.tar:v1", { _tag: "Archive", format: "oci", file: "a.tar", name: "v1" }],
  ["oci-archive:-", { _tag: "Archive", format: "oci", file: "-" }],
  ["docker-archive:a.tar:app:v1", { _tag: "Archive", format: "docker", file: "a.tar", name: "app:v1" }],
  ["dir:old", { _tag: "Directory", directory: "old" }],
  ["dir:", "ReferenceInvalid"],
  ["s3://bucket", { _tag: "Bucket", bucket: "bucket", path: "" }],
  ["s3://bucket/", { _tag: "Bucket", bucket: "bucket", path: "" }],
  ["s3://bucket/team/images/app:v1", { _tag: "Bucket", bucket: "bucket", path: "team/images/app:v1" }],
  ["s3://bucket/images/", { _tag: "Bucket", bucket: "bucket", path: "images" }],
  ["s3://", "ReferenceInvalid"],
  ["s3:///images", "ReferenceInvalid"],
  ["s3://bucket//images", "ReferenceInvalid"],
  ["s3://bucket/../images", "ReferenceInvalid"],
  ["", "ReferenceInvalid"],
  ["a\0b", "ReferenceInvalid"]
]

describe("a place", () => {
  it.each(places)("%s", (text, place) => {
    assert.deepStrictEqual(read(text), place)
  })

  it("is written so that it is read the same", () => {
    for (const [, place] of places) {
      if (typeof place === "string") continue
      const again = Result.getOrThrow(parsePlace(formatPlace(place as never)))
      assert.deepStrictEqual({ ...again }, place)
    }
  })

  it("that is ambiguous names what it may mean", () => {
    const place = parsePlace("docker://example.com:80")
    assert.strictEqual(
      Result.isFailure(place) ? place.failure.message : "",
      "\"docker://example.com:80\" could mean several places; write \"docker://example.com:80/\" or " +
        "\"docker://docker.io/library/example.com:80\""
    )
  })
})

describe("an archive without a transport", () => {
  const among = (...files: ReadonlyArray<string>) => (file: string) => Effect.succeed(files.includes(file))

  it.effect("is found before a colon", () =>
    Effect.gen(function*() {
      const whole = yield* findArchive("a.tar", among("a.tar"))
      assert.deepStrictEqual(whole, { _tag: "Archive", format: "any", file: "a.tar" })
      const named = yield* findArchive("a.tar:team/app:v1", among("a.tar"))
      assert.deepStrictEqual(named, { _tag: "Archive", format: "any", file: "a.tar", name: "team/app:v1" })
      const below = yield* findArchive("in/a.tar/team/app:v1", among("in/a.tar"))
      assert.deepStrictEqual(below, { _tag: "Archive", format: "any", file: "in/a.tar", name: "team/app:v1" })
      assert.isUndefined(yield* findArchive("images/app:v1", among("a.tar")))
    }))

  it.effect("is ambiguous where two files fit", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(findArchive("a.tar:v1", among("a.tar", "a.tar:v1")))
      assert.deepStrictEqual(error.candidates, ["./a.tar:v1", "oci-archive:a.tar:v1"])
    }))
})
