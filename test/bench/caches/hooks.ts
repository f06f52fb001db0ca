/** Loads `src` a second time without one of its caches: `?without=NUMBER` behind a file, and it is passed on to what that imports. */
import { readFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { fileURLToPath } from "node:url"
import { type Cache, caches } from "./caches.ts"

const source = new URL("../../../src/", import.meta.url).href

const without = (text: string, { edits, name }: Cache): string =>
  edits.reduce((text, [find, replace]) => {
    if (text.split(find).length !== 2) throw new Error(`${name}: its code is not there once: ${find}`)
    return text.replace(find, () => replace)
  }, text)

export const loadWithout = (): void => {
  registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context)
      const query = /\?without=\d+$/u.exec(context.parentURL ?? "")?.[0]
      return query === undefined || !found.url.startsWith(source) ? found : { ...found, url: found.url + query }
    },
    load: (url, context, next) => {
      const [plain = url, place] = url.split("?without=")
      const cache = place === undefined ? undefined : caches[Number(place)]
      if (cache === undefined || plain !== source + cache.file) return next(url, context)
      const text = readFileSync(fileURLToPath(plain), "utf8")
      return { format: "module-typescript", source: without(text, cache), shortCircuit: true }
    }
  })
}
