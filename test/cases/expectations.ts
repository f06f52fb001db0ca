/** What is to be answered about every case, on each surface alike. */
import type { Question } from "./Surface.ts"

export interface Expectation {
  /** The folder of a case, with that of a layout in it. */
  readonly path: string
  readonly question: Question
  /** The answer in lines, in this order. */
  readonly is?: ReadonlyArray<string>
  /** What is in a text, or in the message of a refusal. */
  readonly says?: ReadonlyArray<RegExp>
  readonly never?: ReadonlyArray<RegExp>
  /** The code of a refusal. */
  readonly refused?: string
  readonly perRepository?: true
  readonly symlinks?: "inside"
  /** Whether the blobs are symbolic links, as they were before they came here: each file holds where it leads. */
  readonly linked?: true
  /** Only there, where surfaces differ. */
  readonly on?: ReadonlyArray<string>
}

const nothing = ["0 tags, 0 manifests, 0 blobs, 0 bytes"]

type Rest = Omit<Expectation, "path" | "question">

/** What is expected of one layout. */
const of = (path: string, ...all: ReadonlyArray<readonly [Question, Rest]>): ReadonlyArray<Expectation> =>
  all.map(([question, rest]) => ({ path, question, ...rest }))

const amd64 = "sha256:713882b587a9574a6992399535de0b423e0f0f81f35c9d31654215792ec3813c"

const artifactManifest = /application\/vnd\.oci\.artifact\.manifest\.v1\+json/u

const named: ReadonlyArray<Expectation> = [
  ...of(
    "01-docker-save-host-port/docker_save_two_ports",
    [{ asks: "names" }, { is: ["localhost:5000/team/api:latest", "localhost:5000/team/web:latest"] }],
    [{ asks: "resolve", ref: "localhost:5000/team/web:latest" }, { is: ["sha256:ba836300d318"] }],
    [{ asks: "inspect", ref: "localhost:5000/team/web:latest" }, { says: [/sha256:ba836300d318/u] }],
    [{ asks: "verify" }, { is: ["warning NAME_UNREADABLE", "warning NAME_UNREADABLE"] }],
    [{ asks: "collect", untagged: true }, { is: nothing }]
  ),
  ...of(
    "06-names-that-fit-nothing-cannot-be-tagged/plus_tag",
    [{ asks: "names" }, { is: ["1.2.3+build.5", "plus_tag:2.0.0", "plus_tag@sha256:08f789852f9b"] }],
    [{ asks: "findings" }, { says: [/08f789852f9b/u] }],
    [{ asks: "inspect", ref: "1.2.3+build.5" }, { says: [/sha256:08f789852f9b/u] }],
    [{ asks: "tag", ref: "1.2.3+build.5", tag: "1.2.3_build.5" }, {
      is: ["1.2.3+build.5", "plus_tag:1.2.3_build.5", "plus_tag:2.0.0"]
    }],
    [{
      asks: "tag",
      ref: "plus_tag@sha256:08f789852f9b4b2402fdb3f80927fb1e40f36e0b094d4911231b892a89fa8aa1",
      tag: "1.2.3_build.5"
    }, { is: ["1.2.3+build.5", "plus_tag:1.2.3_build.5", "plus_tag:2.0.0"] }],
    [{ asks: "delete", ref: "1.2.3+build.5" }, { is: ["plus_tag:2.0.0", "plus_tag@sha256:08f789852f9b"] }],
    [{ asks: "copy", ref: "1.2.3+build.5" }, {
      is: ["sha256:08f789852f9b", "sha256:08f789852f9b", "sha256:64a100377527", "sha256:9407bfd14ce0"]
    }]
  ),
  ...of(
    "06-names-that-fit-nothing-cannot-be-tagged/host_port",
    [{ asks: "names" }, { is: ["localhost:5000/team/app:1", "localhost:5000/team/web:2"] }],
    [{ asks: "resolve", ref: "localhost:5000/team/web:2" }, { is: ["sha256:f20a0e990e77"] }]
  ),
  ...of(
    "07-untagged-manifests-cannot-be-found/untagged_single",
    [{ asks: "names" }, { is: ["untagged_single@sha256:713882b587a9"] }],
    [{ asks: "resolve", ref: "untagged_single" }, { is: ["sha256:713882b587a9"] }],
    [{ asks: "inspect", ref: "untagged_single" }, { says: [/sha256:713882b587a9/u] }],
    [{ asks: "copy", ref: "untagged_single" }, { is: ["sha256:713882b587a9", "all"] }]
  ),
  ...of(
    "07-untagged-manifests-cannot-be-found/kaniko_docker_types",
    [{ asks: "resolve", ref: "kaniko_docker_types" }, { is: ["sha256:6ecfae6c8461"] }]
  ),
  ...of(
    "07-untagged-manifests-cannot-be-found/cosign_save",
    [{ asks: "names" }, { is: ["cosign_save@sha256:2efc3c1e70e0", "cosign_save@sha256:a4689e969c84"] }],
    [{ asks: "resolve", ref: "cosign_save" }, { refused: "MANIFEST_UNKNOWN", says: [/a4689e969c84/u] }]
  )
]

const belonging: ReadonlyArray<Expectation> = [
  ...of(
    "02-copy-loses-artifact-manifest-payload/index_child_artifact_manifest",
    [{ asks: "copy", ref: "index_child_artifact_manifest:v1" }, { is: ["sha256:b6dbc462b269", "all"] }],
    [{ asks: "inspect", ref: "index_child_artifact_manifest:v1" }, { says: [artifactManifest] }],
    [{ asks: "verify" }, { is: [] }],
    [{ asks: "collect", untagged: true }, { is: nothing }]
  ),
  ...of(
    "03-referrer-not-in-index/referrer_unlisted",
    [{ asks: "referrers", ref: "referrer_unlisted:v1" }, { is: ["sha256:e00a15396de3"] }],
    [{ asks: "verify" }, { is: ["warning REFERRER_UNLISTED"] }],
    [{ asks: "collect" }, { is: nothing }],
    [{ asks: "collect", untagged: true }, { is: nothing }],
    [{ asks: "copy", ref: "referrer_unlisted:v1", referrers: true }, { is: ["sha256:713882b587a9", "all"] }],
    [{ asks: "repair" }, { is: ["referrer_unlisted:v1", "referrer_unlisted@sha256:e00a15396de3"] }]
  ),
  ...of(
    "04-gc-removes-content-of-unreadable-entry/upper_digest",
    [{ asks: "verify" }, { is: ["error ENTRY_INVALID"] }],
    [{ asks: "collect" }, { is: nothing }],
    [{ asks: "collect", untagged: true }, { is: nothing }]
  ),
  ...of(
    "10-cosign-signatures-are-no-referrers/cosign_tags",
    [{ asks: "referrers", ref: "cosign_tags:v1.13.0" }, {
      is: ["sha256:ae405a80315c", "sha256:deaf88189011", "sha256:f9210a70dd5a"]
    }],
    [{ asks: "copy", ref: "cosign_tags:v1.13.0", referrers: true }, { is: ["sha256:713882b587a9", "all"] }],
    [{ asks: "collect", untagged: true }, { is: nothing }]
  ),
  ...of(
    "10-cosign-signatures-are-no-referrers/cosign_save",
    [{
      asks: "referrers",
      ref: "cosign_save@sha256:a4689e969c84886b4a58df0516f4dd9e37413bae33ed6bc1bc77c95b8327aa6a"
    }, { is: ["sha256:2efc3c1e70e0"] }],
    [{
      asks: "copy",
      ref: "cosign_save@sha256:a4689e969c84886b4a58df0516f4dd9e37413bae33ed6bc1bc77c95b8327aa6a",
      referrers: true
    }, { is: ["sha256:a4689e969c84", "all"] }]
  ),
  ...of(
    "10-cosign-signatures-are-no-referrers/fallback_tag_real",
    [{ asks: "referrers", ref: "fallback_tag_real:v1" }, { is: ["sha256:1d9e4d28d3fc"] }],
    [{ asks: "copy", ref: "fallback_tag_real:v1", referrers: true }, { is: ["sha256:713882b587a9", "all"] }],
    [{ asks: "collect", untagged: true }, { is: nothing }]
  ),
  ...of(
    "15-attestation-manifests/attestations",
    [{ asks: "inspect", ref: "docker.io/acme/shop:latest" }, {
      says: [/attestation/u, /f93afc1db7f9/u, /7585b49462cd/u]
    }],
    [{
      asks: "inspect",
      ref: "docker.io/acme/shop@sha256:f93afc1db7f926488297137148e22a91eb6d5be2e5e21660b02178b2bdf7e7ed"
    }, { says: [/predicate/u, /https:\/\/slsa\.dev\/provenance/u], never: [/unknown\/unknown/u] }],
    [{ asks: "referrers", ref: `docker.io/acme/shop@${amd64}` }, { is: ["sha256:f93afc1db7f9"] }],
    [{ asks: "copy", ref: "docker.io/acme/shop:latest", platform: "linux/arm64", referrers: true }, {
      is: [
        "sha256:9978779d1591",
        "sha256:1af4aef3641c",
        "sha256:33d1bcd5958c",
        "sha256:5833364e89e1",
        "sha256:5df773551dd5",
        "sha256:7585b49462cd",
        "sha256:9978779d1591"
      ]
    }]
  ),
  ...of(
    "18-verify-and-gc-disagree/old_artifact_manifest",
    [{ asks: "referrers", ref: "old_artifact_manifest:v1" }, { is: ["sha256:1fdc0875b730"] }],
    [{ asks: "copy", ref: "old_artifact_manifest:v1", referrers: true }, { is: ["sha256:713882b587a9", "all"] }],
    [{ asks: "verify" }, { is: [] }],
    [{ asks: "collect", untagged: true }, { is: nothing }]
  ),
  ...of(
    "18-verify-and-gc-disagree/entry_no_size",
    [{ asks: "verify" }, { is: ["error ENTRY_INVALID"] }],
    [{ asks: "collect" }, { is: nothing }]
  ),
  ...of(
    "18-verify-and-gc-disagree/referrer_subject_annotation",
    [{ asks: "referrers", ref: "referrer_subject_annotation:v1" }, { is: ["sha256:1d9e4d28d3fc"] }],
    [{ asks: "verify" }, { is: [] }],
    [{ asks: "collect", untagged: true }, { is: nothing }]
  )
]

const read: ReadonlyArray<Expectation> = [
  ...of(
    "08-copy-refuses-manifest-without-layers/null_config",
    [{ asks: "inspect", ref: "null_config:nolayers" }, { says: [/7cc5b38db52d/u] }],
    [{ asks: "copy", ref: "null_config:nolayers" }, {
      is: ["sha256:7cc5b38db52d", "sha256:7cc5b38db52d", "sha256:cdd5f4c7cef5"]
    }],
    [{ asks: "copy", ref: "null_config:nulllayers" }, {
      is: ["sha256:312ba64ecaee", "sha256:312ba64ecaee", "sha256:cdd5f4c7cef5"]
    }]
  ),
  ...of(
    "11-same-platform-twice/homebrew",
    [{ asks: "inspect", ref: "homebrew:1.2.3" }, { says: [/macOS 14/u, /macOS 13/u] }],
    [{ asks: "inspect", ref: "homebrew:1.2.3", platform: "darwin/arm64" }, {
      refused: "PLATFORM_UNKNOWN",
      says: [/several images are for darwin\/arm64/u, /macOS 14/u, /macOS 13/u]
    }],
    [{ asks: "copy", ref: "homebrew:1.2.3", platform: "darwin/arm64" }, {
      refused: "PLATFORM_UNKNOWN",
      says: [/macOS 14/u, /macOS 13/u]
    }]
  ),
  ...of(
    "11-same-platform-twice/windows",
    [{ asks: "inspect", ref: "windows:nano" }, { says: [/10\.0\./u] }],
    [{ asks: "resolve", ref: "windows:nano", platform: "windows/amd64" }, {
      refused: "PLATFORM_UNKNOWN",
      says: [/10\.0\./u]
    }]
  ),
  ...of(
    "11-same-platform-twice/gzip_and_zstd",
    [{ asks: "inspect", ref: "gzip_and_zstd:v1" }, { says: [/zstd/u] }],
    [{ asks: "resolve", ref: "gzip_and_zstd:v1", platform: "linux/amd64" }, {
      refused: "PLATFORM_UNKNOWN",
      says: [/zstd/u]
    }]
  ),
  ...of(
    "11-same-platform-twice/same_arch_twice",
    [{ asks: "resolve", ref: "same_arch_twice:v1", platform: "linux/amd64" }, {
      refused: "PLATFORM_UNKNOWN",
      says: [/several images/u]
    }]
  ),
  ...of(
    "13-sparse-index/docker_save_sparse",
    [{ asks: "inspect", ref: "docker.io/library/alpine:3.20" }, { says: [/missing/u] }],
    [{ asks: "inspect", ref: "docker.io/library/alpine:3.20", platform: "linux/arm64" }, {
      refused: "PLATFORM_UNKNOWN",
      says: [/linux\/arm64\/v8 is in the index/u, /there is: linux\/amd64/u]
    }],
    [{ asks: "copy", ref: "docker.io/library/alpine:3.20" }, {
      refused: "MANIFEST_UNKNOWN",
      says: [/1750d35d52d2.* is in the index .*dad4bc5edf73.*, its manifest is not in this layout/u]
    }],
    [{ asks: "copy", ref: "docker.io/library/alpine:3.20", sparse: true }, {
      is: [
        "sha256:dad4bc5edf73",
        "sha256:12ff3b2bfcd7",
        "sha256:713882b587a9",
        "sha256:dad4bc5edf73",
        "sha256:fcf0fea05555"
      ]
    }],
    [{ asks: "verify" }, {
      is: ["error MANIFEST_MISSING", "error MANIFEST_MISSING", "error MANIFEST_MISSING", "info BLOB_UNREFERENCED"]
    }],
    [{ asks: "verify", sparse: true }, {
      is: ["info BLOB_UNREFERENCED", "info MANIFEST_MISSING", "info MANIFEST_MISSING", "info MANIFEST_MISSING"]
    }]
  ),
  ...of(
    "17-wrong-sizes/entry_size_wrong",
    [{ asks: "inspect", ref: "entry_size_wrong:v1" }, { says: [/linux\/amd64/u, /fcf0fea05555/u] }],
    [{ asks: "copy", ref: "entry_size_wrong:v1" }, { is: ["sha256:942d110086ed", "all"] }],
    [{ asks: "findings" }, { says: [/its entry says 1 bytes/u, /the content is right, and has 302/u] }],
    // What the index itself says of its image cannot be corrected: it would be another index.
    [{ asks: "repair" }, { is: ["error SIZE_MISMATCH", "entry_size_wrong:v1"] }]
  ),
  ...of(
    "17-wrong-sizes/wrong_layer_size",
    [{ asks: "findings" }, { says: [/layers\[0\] of sha256:69b3d50ed8b2.* says 1632 bytes.*right, and has 96/u] }],
    [{ asks: "copy", ref: "docker.io/library/foo:latest" }, { is: ["sha256:69b3d50ed8b2", "all"] }]
  ),
  ...of(
    "17-wrong-sizes/zero_layer_size",
    [{ asks: "findings" }, { says: [/layers\[\d\] of sha256:3fc37d21a0b1.* says 0 bytes/u] }],
    [{ asks: "copy", ref: "zero_layer_size:latest" }, { is: ["sha256:3fc37d21a0b1", "all"] }]
  ),
  ...of(
    "22-image-with-missing-layers/pack_sparse",
    [{ asks: "inspect", ref: "pack_sparse:latest" }, {
      says: [/4be6488e859f[^}]*missing|missing":\["sha256:4be6488e859f/u]
    }],
    [{ asks: "verify" }, { is: ["error BLOB_MISSING"] }],
    [{ asks: "verify", sparse: true }, { is: ["info BLOB_MISSING"] }],
    [{ asks: "copy", ref: "pack_sparse:latest", sparse: true }, { is: ["sha256:ca6a049366d1", "all"] }],
    [{ asks: "repair", source: "22-image-with-missing-layers/pack_base" }, { is: ["pack_sparse:latest"] }]
  ),
  ...of(
    "22-image-with-missing-layers/pack_base",
    [{ asks: "inspect", ref: "pack_base:run" }, {
      says: [/4be6488e859f/u],
      never: [/"state":"missing"|"missing":\["/u]
    }]
  ),
  ...of(
    "23-platform-ignored-for-a-single-image/readonly_files",
    [{ asks: "inspect", ref: "readonly_files:v1", platform: "linux/s390x" }, {
      refused: "PLATFORM_UNKNOWN",
      says: [/is an image for linux\/amd64, not linux\/s390x/u]
    }],
    [{ asks: "copy", ref: "readonly_files:v1", platform: "linux/s390x" }, { refused: "PLATFORM_UNKNOWN" }],
    [{ asks: "resolve", ref: "readonly_files:v1", platform: "linux/amd64" }, { is: ["sha256:713882b587a9"] }]
  ),
  ...of(
    "25-nulls/nulls",
    [{ asks: "names" }, { is: ["nulls:v1", "nulls:v2", "nulls@sha256:101bc11bfdd9"] }],
    [{ asks: "verify" }, { is: ["warning MANIFEST_IRREGULAR", "warning MANIFEST_IRREGULAR"] }],
    [{ asks: "copy", ref: "nulls:v1" }, {
      is: ["sha256:9c13a2259f10", "sha256:5096b388f4ff", "sha256:9c13a2259f10", "sha256:bb1c97a42fa9"]
    }],
    [{ asks: "copy", ref: "nulls:v2" }, {
      is: [
        "sha256:e8d47995afb2",
        "sha256:5096b388f4ff",
        "sha256:9c13a2259f10",
        "sha256:bb1c97a42fa9",
        "sha256:e8d47995afb2"
      ]
    }]
  )
]

const damaged: ReadonlyArray<Expectation> = [
  ...of(
    "05-index-json-is-a-manifest/index_is_manifest",
    [{ asks: "repair" }, { is: ["recovered:713882b587a9"] }]
  ),
  ...of(
    "19-emptied-index/empty_index_with_blobs",
    [{ asks: "findings" }, { says: [/MANIFEST_UNLISTED/u, /a4689e969c84/u] }],
    [{ asks: "repair" }, { is: ["recovered:a4689e969c84"] }]
  ),
  ...of(
    "20-tar-archives-and-other-formats/oci_archive",
    // The command line reads archives in place.
    [{ asks: "open", path: "image.tar" }, { on: ["command line"], is: [] }],
    [{ asks: "open", path: "image.tar" }, {
      on: ["library", "MCP"],
      refused: "LAYOUT_NOT_FOUND",
      says: [/image\.tar": it is a tar archive/u, /tar -xf/u]
    }]
  ),
  ...of(
    "20-tar-archives-and-other-formats/dir_transport",
    [{ asks: "open" }, { refused: "LAYOUT_NOT_FOUND", says: [/skopeo's dir: transport/u, /skopeo copy dir:/u] }]
  ),
  ...of(
    "20-tar-archives-and-other-formats/sparse_rules_img",
    [{ asks: "open" }, { refused: "LAYOUT_NOT_FOUND", says: [/sparse-oci-layout/u] }]
  )
]

const single = "sha256:713882b587a9"

/** What was right from the beginning, and stays so. */
const passed: ReadonlyArray<Expectation> = [
  ...of(
    "passed/01-symlinks-inside-blobs/symlinked_inside",
    [{ asks: "inspect", ref: "symlinked_inside:bookworm" }, {
      linked: true,
      refused: "SYMLINK_REFUSED",
      says: [/symbolic link/u]
    }],
    [{ asks: "inspect", ref: "symlinked_inside:bookworm" }, {
      linked: true,
      symlinks: "inside",
      says: [/sha256:713882b587a9/u]
    }],
    [{ asks: "verify" }, {
      linked: true,
      symlinks: "inside",
      is: ["warning STRAY_FILE", "warning STRAY_FILE", "warning STRAY_FILE"]
    }]
  ),
  ...of(
    "passed/03-docker-media-types/kaniko_docker_types",
    [{ asks: "verify" }, { is: [] }],
    [{ asks: "inspect", ref: "kaniko_docker_types@sha256:6ecfae6c8461" }, { says: [/linux\/amd64/u] }],
    [{ asks: "copy", ref: "kaniko_docker_types@sha256:6ecfae6c8461" }, { is: ["sha256:6ecfae6c8461", "all"] }]
  ),
  ...of(
    "passed/04-full-names/docker_save_two_latest",
    [{ asks: "names" }, { is: ["docker.io/library/alpine:latest", "docker.io/library/busybox:latest"] }]
  ),
  ...of(
    "passed/04-full-names/linuxkit_cache",
    [{ asks: "names" }, {
      is: [
        "docker.io/library/alpine:3.11",
        "docker.io/linuxkit/dhcpcd@sha256:0db70ee84c99",
        "docker.io/linuxkit/init:305e6125c5a36e175e6e97bb101579df72ef9fe0"
      ]
    }]
  ),
  ...of(
    "passed/04-full-names/name_tag_digest",
    [{ asks: "names" }, { is: ["docker.io/library/docker:dind"] }]
  ),
  ...of(
    "passed/04-full-names/two_names",
    [{ asks: "names" }, { is: ["localhost/ko-smoke:latest", "localhost/ko-smoke:stable"] }],
    [{ asks: "tag", ref: "localhost/ko-smoke:latest", tag: "v1" }, {
      is: ["localhost/ko-smoke:latest", "localhost/ko-smoke:stable", "localhost/ko-smoke:v1"]
    }]
  ),
  ...of(
    "passed/06-zero-size-config/zero_size_config",
    [{ asks: "inspect", ref: "zero_size_config:1" }, {
      says: [/application\/vnd\.devcontainers/u, /devcontainer-feature-git\.tgz/u]
    }],
    [{ asks: "copy", ref: "zero_size_config:1" }, { is: ["sha256:c6ae5e32af31", "all"] }]
  ),
  ...of(
    "passed/06-zero-size-config/zero_size_config_missing",
    [{ asks: "verify" }, { is: ["error BLOB_MISSING"] }],
    [{ asks: "inspect", ref: "zero_size_config_missing:1" }, { says: [/devcontainer-feature-git\.tgz/u] }]
  ),
  ...of(
    "passed/07-digest-tag-that-is-the-subject/fallback_tag_is_subject",
    [{ asks: "referrers", ref: "fallback_tag_is_subject:v1" }, { is: [] }]
  ),
  ...of(
    "passed/09-empty-index-file/zero_byte_index",
    [{ asks: "verify" }, { is: ["error INDEX_INVALID", "info BLOB_UNREFERENCED"] }],
    [{ asks: "repair" }, { is: ["recovered:a4689e969c84"] }]
  ),
  ...of(
    "passed/10-read-only/readonly_files",
    [{ asks: "tag", ref: "readonly_files:v1", tag: "v2" }, { is: ["readonly_files:v1", "readonly_files:v2"] }]
  ),
  ...of(
    "passed/10-read-only/attestations",
    [{ asks: "names" }, { is: ["docker.io/acme/shop:latest"] }],
    [{ asks: "verify" }, { is: [] }]
  ),
  ...of(
    "passed/12-buildkit-cache-manifest/buildkit_cache_manifest",
    [{ asks: "collect" }, { is: ["0 tags, 0 manifests, 9 blobs, 1934 bytes"] }],
    [{ asks: "collect", untagged: true }, { is: ["0 tags, 1 manifests, 12 blobs, 2570 bytes"] }]
  ),
  ...of(
    "passed/14-unknown-top-level-type/unknown_top_type",
    [{ asks: "names" }, { is: ["unknown_top_type:flat", "unknown_top_type:v1"] }],
    [{ asks: "collect", untagged: true }, { is: nothing }]
  ),
  ...of(
    "passed/15-artifacts/model_files",
    [{ asks: "inspect", ref: "model_files:tiny-1b" }, {
      says: [
        /artifact/u,
        /model-00001-of-00002\.safetensors/u,
        /model-00002-of-00002\.safetensors/u,
        /tokenizer\.json/u
      ]
    }]
  ),
  ...of(
    "passed/15-artifacts/wasm",
    [{ asks: "inspect", ref: "wasm:0.1.0" }, { says: [/application\/wasm/u] }]
  ),
  ...of(
    "passed/16-per-repository-trees/pack_tree",
    [{ asks: "names" }, {
      perRepository: true,
      is: [
        "index.docker.io/cnbs/sample-stack-run/bionic@sha256:810f6b496925",
        "index.docker.io/library/my-java-app/latest@sha256:bee9a3154c2e"
      ]
    }]
  ),
  ...of(
    "passed/16-per-repository-trees/zot_tree",
    [{ asks: "names" }, { perRepository: true, is: ["team/app:1.0"] }],
    [{ asks: "resolve", ref: "team/app:1.0" }, { perRepository: true, is: [single] }],
    [{ asks: "copy", ref: "team/app:1.0" }, { perRepository: true, says: [/^sha256:713882b587a9/u] }]
  ),
  ...of(
    "passed/17-tagged-empty-index/empty_index_tagged",
    [{ asks: "inspect", ref: "empty_index_tagged:v1" }, { says: [/sha256:0de3ff5142db/u] }],
    [{ asks: "verify" }, { is: [] }],
    [{ asks: "collect", untagged: true }, { is: nothing }]
  ),
  ...of(
    "passed/19-missing-layers-from-base/pack_sparse",
    [{ asks: "repair", source: "passed/19-missing-layers-from-base/pack_base" }, { is: ["pack_sparse:latest"] }]
  ),
  ...of("passed/19-missing-layers-from-base/pack_base", [{ asks: "verify" }, { is: [] }]),
  ...of(
    "passed/20-referrers-of-children/child_signed",
    [{ asks: "copy", ref: "child_signed:v1", referrers: true }, { is: ["sha256:a4689e969c84", "all"] }],
    [{ asks: "referrers", ref: `child_signed@${amd64}` }, { is: ["sha256:7dcefe088cf3"] }]
  )
]

export const expectations: ReadonlyArray<Expectation> = [...named, ...belonging, ...read, ...damaged, ...passed]
