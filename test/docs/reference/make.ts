/**
 * Writes the reference of everything that is exported into `docs/api`: `npm run docs`. TypeDoc needs a compiler that is
 * written in JavaScript, which the project's own is no longer; it gets the one that `@arethetypeswrong/core` brings along,
 * with options that this older compiler knows. The types are checked elsewhere.
 */
import { createRequire, registerHooks } from "node:module"
import process from "node:process"
import { pathToFileURL } from "node:url"

const ours = createRequire(import.meta.url)
const theirs = createRequire(
  createRequire(ours.resolve("@arethetypeswrong/cli/package.json")).resolve("@arethetypeswrong/core")
)
const compiler = pathToFileURL(theirs.resolve("typescript")).href

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "typescript" && /[\\/]node_modules[\\/]typedoc[\\/]/u.test(context.parentURL ?? "")
      ? { url: compiler, format: "commonjs", shortCircuit: true }
      : next(specifier, context)
})

const { Application } = await import("typedoc")

const app = await Application.bootstrapWithPlugins({
  entryPoints: ["index", "node/index", "memory/index", "mcp/index", "remote/index", "archive/index"].map((entry) =>
    `src/${entry}.ts`
  ),
  tsconfig: "test/docs/reference/tsconfig.json",
  skipErrorChecking: true,
  excludeExternals: true,
  readme: "docs/library.md",
  name: "ocilayout",
  disableGit: true,
  disableSources: true,
  logLevel: "Error",
  out: "docs/api"
})
const project = await app.convert()
if (project === undefined || app.logger.hasErrors()) process.exitCode = 1
else await app.generateOutputs(project)
