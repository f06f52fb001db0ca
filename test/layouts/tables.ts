/**
 * What each fixture holds, by the image-spec and by how names are read; made without the code
 * under test.
 */
import type { Seen } from "./seen.ts"

export const writtenByTools: ReadonlyArray<Seen> = [
  { name: "buildah-commit-noref", tags: {}, untagged: { "def/repo": ["e39660b03a01"] }, manifests: 1, blobs: 2 },
  { name: "buildah-commit-oci", tags: { "def/repo": { v1: "f40570f4e21b" } }, manifests: 1, blobs: 2 },
  { name: "buildah-manifest", tags: { "def/repo": { multi: "181e830771be" } }, manifests: 3, blobs: 4 },
  { name: "buildah-manifest-v2s2", tags: { "def/repo": { multi: "efd0a221d18a" } }, manifests: 3, blobs: 4 },
  { name: "buildah-push-gzip", tags: { "def/repo": { gz: "6ff141417d6c" } }, manifests: 1, blobs: 3 },
  { name: "buildah-push-uncompressed", tags: { "def/repo": { plain: "6ff141417d6c" } }, manifests: 1, blobs: 3 },
  { name: "buildah-push-zstd", tags: { "def/repo": { zst: "57831a7cddc5" } }, manifests: 1, blobs: 3 },
  { name: "ctr-export", tags: { "localhost/app": { gz: "6ff141417d6c" } }, manifests: 1, blobs: 3 },
  {
    name: "ctr-export-multi",
    tags: { "localhost/multi": { multi: "181e830771be" }, "localhost/app": { gz: "6ff141417d6c" } },
    manifests: 4,
    blobs: 5
  },
  { name: "dockeroci-empty", tags: {}, manifests: 0, blobs: 0 },
  {
    name: "dockeroci-server-push",
    tags: {
      "example/app": { latest: "6ff141417d6c", multi: "181e830771be", stable: "6ff141417d6c" },
      "other/nested/repo": { v2: "6ff141417d6c" }
    },
    untagged: { "example/app": ["3f6166108629", "8b3b2ffec796", "0455c21ea0f3"] },
    manifests: 5,
    blobs: 7
  },
  {
    name: "dockeroci-sha512",
    tags: { "example/app": { one: "d717bd39fc45", two: "d717bd39fc45" } },
    manifests: 1,
    blobs: 1
  },
  { name: "dockeroci-unfinished-upload", tags: { "example/app": { latest: "6ff141417d6c" } }, manifests: 1, blobs: 3 },
  {
    name: "oras-copy-referrers",
    tags: { "def/repo": { v1: "6ff141417d6c" } },
    untagged: { "def/repo": ["f1460a26239c", "92132f4c2752", "4aa902094419"] },
    manifests: 4,
    blobs: 6
  },
  { name: "oras-delete", tags: {}, manifests: 0, blobs: 0 },
  { name: "oras-image-spec-v1.0", tags: { "def/repo": { v1: "9f2d40ec393c" } }, manifests: 1, blobs: 2 },
  { name: "oras-push", tags: { "def/repo": { v1: "6c03528fcfbe" } }, manifests: 1, blobs: 3 },
  {
    name: "oras-tag",
    tags: {
      "def/repo": { v1: "be68030f4841", "v1.0": "be68030f4841", _ok: "be68030f4841", latest: "be68030f4841" },
      "example/app": { x: "be68030f4841" }
    },
    unnamed: [["a+b", "has the character \"+\", which no repository or tag can hold"]],
    manifests: 1,
    blobs: 2
  },
  { name: "oras-untagged", tags: {}, untagged: { "def/repo": ["be68030f4841"] }, manifests: 1, blobs: 2 },
  { name: "podman-save-oci-dir", tags: { "localhost/demo-ab": { latest: "6ff141417d6c" } }, manifests: 1, blobs: 3 },
  { name: "podman-save-oci-dir-by-id", tags: {}, untagged: { "def/repo": ["6ff141417d6c"] }, manifests: 1, blobs: 3 },
  {
    name: "registry-oras-referrers",
    tags: {
      "def/repo": {
        v1: "6ff141417d6c",
        "sha256-6ff141417d6c7f3b2640bc3ee0059806385aa6d44f2745de05b4dfd1c9d274bc": "c1626b95fd08"
      }
    },
    untagged: { "def/repo": ["26989c38f8fc"] },
    manifests: 3,
    blobs: 5
  },
  {
    name: "registry-roundtrip",
    tags: { "def/repo": { v1: "6ff141417d6c", multi: "181e830771be" } },
    manifests: 4,
    blobs: 5
  },
  { name: "skopeo-copy-all", tags: { "def/repo": { multi: "181e830771be" } }, manifests: 3, blobs: 4 },
  { name: "skopeo-copy-noref", tags: {}, untagged: { "def/repo": ["3f6166108629"] }, manifests: 1, blobs: 2 },
  { name: "skopeo-copy-oci", tags: { "def/repo": { copied: "9bae8e4b5379" } }, manifests: 1, blobs: 2 },
  {
    name: "skopeo-copy-twice",
    tags: { "def/repo": { b: "76ca5eb9b321", a: "b7aff28e1c29" } },
    untagged: { "def/repo": ["76ca5eb9b321"] },
    manifests: 2,
    blobs: 3
  },
  { name: "skopeo-copy-uncompressed", tags: { "def/repo": { plain: "f40570f4e21b" } }, manifests: 1, blobs: 2 },
  { name: "skopeo-copy-zstd", tags: { "def/repo": { zst: "ba4da9afe6ad" } }, manifests: 1, blobs: 2 },
  { name: "skopeo-dir", tags: { "def/repo": { back: "181e830771be" } }, manifests: 3, blobs: 4 },
  { name: "skopeo-docker-archive", tags: { "def/repo": { back: "a86a9b166f3d" } }, manifests: 1, blobs: 3 },
  { name: "skopeo-v2s2-single", tags: { "def/repo": { v2s2: "673b4947971d" } }, manifests: 1, blobs: 3 },
  {
    name: "t13-buildah-commit",
    tags: { "def/repo": { v1: "2204a857c816" } },
    untagged: { "def/repo": ["302a1c674a9d"] },
    manifests: 2,
    blobs: 4
  },
  {
    name: "t13-buildah-zstd-chunked",
    tags: { "def/repo": { chunked: "e93c7cbdeb09", zstd: "3334a8eb4105" } },
    manifests: 2,
    blobs: 3
  },
  {
    name: "t13-skopeo-copy",
    tags: { "def/repo": { multi: "181e830771be", v1: "9bae8e4b5379" } },
    untagged: { "def/repo": ["6ff141417d6c", "57831a7cddc5"] },
    manifests: 6,
    blobs: 8
  },
  { name: "t13-skopeo-index-n", tags: { "def/repo": { first: "76ca5eb9b321" } }, manifests: 1, blobs: 2 },
  {
    name: "umoci-badtags",
    tags: {
      "def/repo": { v1: "4ae72c8d462f", UPPER: "4ae72c8d462f", "x--y": "4ae72c8d462f" },
      "example/app": { latest: "4ae72c8d462f" }
    },
    untagged: { "example/app": ["4ae72c8d462f"] },
    unnamed: [["a+b", "has the character \"+\", which no repository or tag can hold"]],
    manifests: 1,
    blobs: 1
  },
  { name: "umoci-empty", tags: {}, manifests: 0, blobs: 0 },
  {
    name: "umoci-insert",
    tags: { "def/repo": { latest: "3c2e33200cb3", "v1.0.0-rc.1": "3c2e33200cb3" } },
    manifests: 1,
    blobs: 3
  },
  { name: "umoci-new", tags: { "def/repo": { v1: "7bcc9c044274" } }, manifests: 1, blobs: 1 },
  { name: "umoci-rawlayer", tags: { "def/repo": { raw: "d963b105ab00" } }, manifests: 1, blobs: 2 },
  {
    name: "umoci-whiteout",
    tags: { "def/repo": { base: "7eb84f340c98", derived: "c751b1f2a35a" } },
    manifests: 2,
    blobs: 4
  }
]

/** Layouts made by hand that can be read, each bending one rule. */
export const madeByHand: ReadonlyArray<Seen> = [
  { name: "hand/bad-layer", tags: { "def/repo": { v1: "3724e5d16d5e" } }, manifests: 1, blobs: 1 },
  {
    name: "hand/dockeroci-style",
    tags: { "example/app": { latest: "3724e5d16d5e" }, "other/nested/repo": { v2: "bbe566f5994b" } },
    untagged: { "example/app": ["bbe566f5994b"] },
    manifests: 2,
    blobs: 4
  },
  {
    name: "hand/dockeroci-style-clean",
    tags: { "example/app": { latest: "3724e5d16d5e" }, "other/nested/repo": { v2: "bbe566f5994b" } },
    untagged: { "example/app": ["bbe566f5994b"] },
    manifests: 2,
    blobs: 4
  },
  { name: "hand/dup-keys", tags: { "def/repo": { v1: "3724e5d16d5e" } }, manifests: 1, blobs: 2 },
  { name: "hand/embedded-data", tags: { "def/repo": { v1: "8b67f16b3e3f" } }, manifests: 0, blobs: 0 },
  { name: "hand/extra-dotdir", tags: { "def/repo": { v1: "3724e5d16d5e" } }, manifests: 1, blobs: 2 },
  { name: "hand/extra-uploads", tags: { "def/repo": { v1: "3724e5d16d5e" } }, manifests: 1, blobs: 2 },
  { name: "hand/foreign-layer", tags: { "def/repo": { v1: "0c434bfe9a05" } }, manifests: 1, blobs: 1 },
  { name: "hand/layers-empty", tags: { "def/repo": { v1: "c5c3090c78a6" } }, manifests: 1, blobs: 1 },
  { name: "hand/layers-null", tags: { "def/repo": { v1: "61a04aa07065" } }, manifests: 1, blobs: 1 },
  { name: "hand/manifests-absent", tags: {}, manifests: 0, blobs: 0 },
  { name: "hand/manifests-null", tags: {}, manifests: 0, blobs: 0 },
  { name: "hand/mediatype-conflict", tags: { "def/repo": { v1: "3724e5d16d5e" } }, manifests: 1, blobs: 2 },
  { name: "hand/missing-layer", tags: { "def/repo": { v1: "3724e5d16d5e" } }, manifests: 1, blobs: 1 },
  { name: "hand/nested-index", tags: { "def/repo": { v1: "e7bdd5575251" } }, manifests: 4, blobs: 4 },
  { name: "hand/no-blobs-dir", tags: {}, manifests: 0, blobs: 0 },
  { name: "hand/no-manifest-mediatype", tags: { "def/repo": { v1: "cb28ca4222bb" } }, manifests: 1, blobs: 2 },
  { name: "hand/no-ref", tags: {}, untagged: { "def/repo": ["3724e5d16d5e"] }, manifests: 1, blobs: 2 },
  { name: "hand/no-schemaversion", tags: { "def/repo": { v1: "3724e5d16d5e" } }, manifests: 1, blobs: 2 },
  {
    name: "hand/odd-refs",
    tags: {
      "localhost/demo": { latest: "3724e5d16d5e" },
      "docker.io/library/busybox": { latest: "3724e5d16d5e" },
      "def/repo": {
        UPPER: "3724e5d16d5e",
        v1: "3724e5d16d5e",
        _under: "3724e5d16d5e",
        "x--y": "3724e5d16d5e",
        "sha256-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": "3724e5d16d5e"
      }
    },
    untagged: { "example/app": ["3724e5d16d5e"], "def/repo": ["3724e5d16d5e"] },
    unnamed: [
      ["quay.io:443/example/app:1.0", "has a host with a port, which no repository name can hold"],
      ["a+b", "has the character \"+\", which no repository or tag can hold"],
      ["with space", "has the character \" \", which no repository or tag can hold"],
      ["café", "has the character \"é\", which no repository or tag can hold"]
    ],
    manifests: 1,
    blobs: 2
  },
  {
    name: "hand/other-algorithm",
    tags: { "def/repo": { v1: "3724e5d16d5e" } },
    untagged: { "def/repo": ["QmRZxt2b1FVZ", "aaaaaaaaaaaa"] },
    manifests: 1,
    blobs: 2
  },
  {
    name: "hand/referrers",
    tags: { "def/repo": { v1: "3724e5d16d5e" } },
    untagged: { "def/repo": ["22dbb3008e7b", "b0aa82db95c4", "c92b8f44cabb", "056726e80235"] },
    manifests: 5,
    blobs: 5
  },
  { name: "hand/schemaversion-1", tags: { "def/repo": { v1: "3724e5d16d5e" } }, manifests: 1, blobs: 2 },
  { name: "hand/sha512", tags: { "def/repo": { v1: "5b1b16c8e5e4" } }, manifests: 1, blobs: 2 },
  { name: "hand/traversal", tags: {}, unnamed: [["v1", "has no valid digest"]], manifests: 0, blobs: 0 },
  {
    name: "hand/unknown-fields",
    tags: { "def/repo": { v1: "fc1b1ce55f01" } },
    untagged: { "def/repo": ["29114363f749"] },
    manifests: 2,
    blobs: 2
  },
  { name: "hand/upper-hex", tags: {}, unnamed: [["v1", "has no valid digest"]], manifests: 0, blobs: 0 }
]
