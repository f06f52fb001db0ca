/** Preloaded by a process (`node --import`): the package's entry points are its sources, as they are before a build. */
import { registerHooks } from "node:module"

const entries = new Map([
  ["ocilayout", "index.ts"],
  ...["node", "memory", "mcp"].map((entry) => [`ocilayout/${entry}`, `${entry}/index.ts`] as const)
])

registerHooks({
  resolve: (specifier, context, next) => {
    const path = entries.get(specifier)
    return path === undefined
      ? next(specifier, context)
      : { url: new URL(`../../src/${path}`, import.meta.url).href, shortCircuit: true }
  }
})
