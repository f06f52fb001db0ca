/** Every kind of server there is, and what each of them lists. */
import { Effect } from "effect"
import { applyBundle, saveImages } from "../../../src/archive/index.ts"
import { makeInside } from "../../../src/image/inside/openImage.ts"
import { makeToolCatalog, type ToolCatalog } from "../../../src/mcp/catalog/toolCatalog.ts"
import type { Mode, ServedLayout } from "../../../src/mcp/tool/ServerConfig.ts"
import { makeMemory, makeMemoryTree } from "../../../src/memory/index.ts"
import { layerCodec } from "../../../src/node/layers/layerCodec.ts"
import { folderTar } from "../../../src/node/making/folderTar.ts"
import { layerMaker } from "../../../src/node/making/layerMaker.ts"
import { memoryFiles } from "./memoryFiles.ts"

/** What the flags of the command line decide. */
export interface Kind {
  readonly mode: Mode
  /** Whether there is a directory that files may be written to. */
  readonly files: boolean
  readonly layouts: "one" | "several"
  readonly perRepository: boolean
  /** Whether there are registries that may be reached; not by default. */
  readonly registries?: boolean
}

/** As `ocilayout mcp <directory>` starts it. */
export const byDefault: Kind = { mode: "write", files: false, layouts: "one", perRepository: false }

/** Offers everything. */
export const longest: Kind = { mode: "delete", files: true, layouts: "several", perRepository: false }

const modes: ReadonlyArray<Mode> = ["read", "write", "delete"]

export const kinds: ReadonlyArray<Kind> = modes.flatMap((mode) =>
  [false, true].flatMap((files) =>
    (["one", "several"] as const).flatMap((layouts) =>
      [false, true].map((perRepository) => ({ mode, files, layouts, perRepository }))
    )
  )
)

export const nameOf = ({ files, layouts, mode, perRepository }: Kind): string =>
  `${mode}, ${files ? "files" : "no files"}, ${layouts}${perRepository ? " per repository" : ""}`

export const catalogueOf = Effect.fnUntraced(function*(
  { files, layouts, mode, perRepository, registries = false }: Kind
): Effect.fn.Return<ToolCatalog> {
  const registry = perRepository ? makeMemoryTree : Effect.orDie(makeMemory({ defaultRepository: "app" }))
  const layout = (id: string) =>
    Effect.map(registry, (registry): ServedLayout => ({ id, path: `/layouts/${id}`, registry, perRepository }))
  return makeToolCatalog({
    layouts: [yield* layout("main"), ...(layouts === "one" ? [] : [yield* layout("mirror")])],
    mode,
    inside: makeInside(layerCodec),
    making: { maker: layerMaker, folderTar },
    archives: { take: applyBundle, make: saveImages },
    ...(registries ? { registries: { hosts: ["registry.example.com"], open: () => Effect.orDie(makeMemory()) } } : {}),
    files: memoryFiles(files ? ["/files"] : [])
  })
})
