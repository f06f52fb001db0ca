/** Puts the page into its document. */
import { render } from "preact"
import { App } from "./app.tsx"
import { askEarly } from "./data/api.ts"
import { parseRoute } from "./data/route.ts"
import { firstTags } from "./data/tags.ts"

const { params: { repository }, view } = parseRoute(location.hash)
askEarly("session")
if (view === "images") askEarly("repositories")
if (view === "images" && repository !== undefined) askEarly("tags", firstTags(repository))

const root = document.getElementById("app")
if (root !== null) render(<App />, root)
