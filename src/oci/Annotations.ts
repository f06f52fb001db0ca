/** The annotation keys this library reads and writes (image-spec, annotations.md). */

/** The name of an entry of `index.json`; it means something there and nowhere else. */
export const refName = "org.opencontainers.image.ref.name"

/** The full image name beside a ref.name that is only a tag, as containerd and Docker export it. */
export const containerdName = "io.containerd.image.name"

/** On the index itself: `<journalId>.<seq>`, the version a foreign rewrite started from. */
export const generation = "dev.ocilayout.generation"

/** On an index that was pruned: the digest of the index that it was made of. */
export const prunedFrom = "dev.ocilayout.pruned-from"

/** The file name that a blob had, or is to have. */
export const title = "org.opencontainers.image.title"

/** When an image, or what else a manifest is of, was made; RFC 3339. */
export const created = "org.opencontainers.image.created"
