/**
 * An MCP server inside of a program: it serves a layout to an agent over standard input and output, and reads from the same
 * registry itself.
 *
 *     node embedMcp.ts LAYOUT
 */
import { Effect, Logger, Stream } from "effect"
import { makeToolCatalog, serveStdio } from "ocilayout/mcp"
import { localFiles, makeDisk } from "ocilayout/node"

const [directory = "images"] = process.argv.slice(2)

const serve = Effect.gen(function*() {
  const registry = yield* makeDisk({ directory, mustExist: true })
  const repositories = yield* Stream.runCollect(registry.repositories())
  // Standard output is the protocol's: a program that serves there says everything on standard error.
  console.error(`serves ${repositories.join(", ")}`)

  const catalogue = makeToolCatalog({
    layouts: [{ id: "images", path: directory, registry, perRepository: false }],
    mode: "read",
    files: localFiles([])
  })
  yield* serveStdio(catalogue, "1.0.0", { input: process.stdin, output: process.stdout })
})

await Effect.runPromise(
  serve.pipe(
    Effect.scoped,
    Effect.provideService(Logger.LogToStderr, true)
  )
)
