/** Writes the files of an artifact below a folder. */
import { Effect, Stream } from "effect"
import { wrongTitle } from "../../make/artifacts/pushArtifact.ts"
import { title as titleKey } from "../../oci/Annotations.ts"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { field } from "../../oci/field.ts"
import { emptyJson } from "../../oci/MediaType.ts"
import { FileExists, ImageUnsuitable, InputUnsuitable, LimitExceeded } from "../../oci/OciError.ts"
import type { CopySource } from "../../ops/api/Copy.ts"
import type { SourceError } from "../../ops/api/errors.ts"
import { readSource } from "../../ops/refs/copySource.ts"
import { asStorage } from "../files/asStorage.ts"
import { FsError } from "../fs/LayoutFs.ts"
import { type NewFile, NewTree, type TreePath } from "../fs/NewTree.ts"

/** Of `pullArtifact`. */
export type PullArtifactError = SourceError | FileExists | ImageUnsuitable | InputUnsuitable | LimitExceeded

/** What pulling an artifact did. */
export interface ArtifactPulled {
  /** Of its manifest. */
  readonly digest: string
  readonly artifactType?: string
  readonly files: ReadonlyArray<PulledFile>
  /** Digests of content that has no title, and was not written. */
  readonly untitled: ReadonlyArray<string>
}

/** A file that was written. */
export interface PulledFile {
  readonly title: string
  readonly digest: string
  /** In bytes. */
  readonly size: number
}

/** All of them are held open until the last is checked. */
const mostFiles = 500

interface Titled {
  readonly title: string
  readonly path: TreePath
  readonly descriptor: Descriptor
}

/**
 * Writes the files of an artifact into `directory`, which is made where it is missing, each under its title. Nothing is
 * written elsewhere, whatever the titles are and whatever others do there meanwhile; nothing that is there is replaced;
 * and no file has its name before all of them are checked against their digests.
 *
 * `InputUnsuitable` for a title that leads elsewhere, `ImageUnsuitable` for an index, `FileExists`, `ContentMismatch`,
 * `LimitExceeded` for more than 500 files.
 */
export const pullArtifact = Effect.fn("pullArtifact")(function*(
  source: CopySource,
  directory: string
): Effect.fn.Return<ArtifactPulled, PullArtifactError> {
  const reader = readSource(source)
  const { descriptor: { digest }, manifest } = yield* reader.root
  if (manifest.kind === "index") {
    return yield* new ImageUnsuitable({ digest, reason: "is an index; pull one of the manifests that it names" })
  }
  const layers = manifest.layers.filter(({ mediaType }) => mediaType !== emptyJson)
  const titled = layers.flatMap((descriptor): ReadonlyArray<Titled> => {
    const title = descriptor.annotations?.[titleKey]
    return title === undefined
      ? []
      : [{ title, descriptor, path: title.split("/").map((part) => Buffer.from(part)) }]
  })
  yield* checkTitles(titled)
  const storage = asStorage(directory)
  const attempt = <A>(run: () => A) => storage(Effect.try({ try: run, catch: failureOf }))
  yield* Effect.scoped(Effect.gen(function*() {
    const tree = yield* Effect.acquireRelease(
      attempt(() => new NewTree(directory)),
      (tree) => Effect.sync(() => tree.close())
    )
    const begun = new Set<NewFile>()
    yield* Effect.addFinalizer(() =>
      Effect.forEach(begun, (file) => Effect.ignore(attempt(() => file.discard())), { discard: true })
    )
    const folders = new Set<string>()
    for (const { descriptor, path } of titled) {
      for (let depth = 1; depth < path.length; depth++) {
        const folder = path.slice(0, depth)
        if (folders.has(folder.join("/"))) continue
        folders.add(folder.join("/"))
        yield* attempt(() => tree.folder(folder, 0o777))
      }
      const file = yield* attempt(() => tree.file(path, 0o666))
      begun.add(file)
      const { stream } = yield* source.registry.getBlob(reader.repository, descriptor.digest)
      yield* Stream.runForEach(stream, (bytes) => attempt(() => file.write(bytes)))
    }
    for (const file of begun) {
      begun.delete(file)
      yield* attempt(() => file.finish())
    }
  }))
  return {
    digest,
    ...field("artifactType", manifest.artifactType),
    files: titled.map(({ descriptor, title }) => ({ title, digest: descriptor.digest, size: descriptor.size })),
    untitled: layers.filter(({ annotations }) => annotations?.[titleKey] === undefined).map(({ digest }) => digest)
  }
})

const checkTitles = Effect.fnUntraced(function*(
  titled: ReadonlyArray<Titled>
): Effect.fn.Return<void, InputUnsuitable | LimitExceeded> {
  if (titled.length > mostFiles) {
    return yield* new LimitExceeded({ what: "files of an artifact", limit: mostFiles })
  }
  const seen = new Set<string>()
  for (const { title } of titled) {
    const wrong = seen.has(title) ? "is the title of two files" : wrongTitle(title)
    if (wrong !== undefined) return yield* new InputUnsuitable({ input: title, reason: wrong })
    seen.add(title)
  }
})

/** What is in the way was there before. */
const failureOf = (cause: unknown): FsError | FileExists => {
  if (cause instanceof FsError) return cause.code === "EEXIST" ? new FileExists({ path: cause.path }) : cause
  throw cause
}
