/** Questions about what is in images. */
import { Effect } from "effect"
import { list, text, texts } from "../answers.ts"
import type { Question } from "../Question.ts"
import * as apps from "../world/apps.ts"

const layout = "apps"

export const inside: ReadonlyArray<Question> = [
  {
    id: "does-not-start",
    question:
      "Containers of store/db:2 in the layout apps do not start. What is wrong with the program that the entrypoint runs? Answer with missing, empty, or not executable.",
    answer: "not executable",
    calls: 2,
    tokens: 430,
    play: Effect.fnUntraced(function*(ask) {
      const program = text(yield* ask("oci_inspect_image", { layout, ref: "store/db:2" }), "config", "entrypoint", 0)
      const file = yield* ask("oci_list_files", { layout, ref: "store/db:2", path: program })
      const [size, mode] = [text(file, "files", 0, "size"), text(file, "files", 0, "mode")]
      if (size === "") return "missing"
      return size === "0" ? "empty" : (Number.parseInt(mode, 8) & 0o111) === 0 ? "not executable" : "nothing"
    })
  },
  {
    id: "what-changed",
    question:
      "Which file below /etc has other content in store/db:2 than in store/db:1, both in the layout apps? Answer with its path.",
    answer: apps.changedFile,
    calls: 1,
    tokens: 190,
    play: Effect.fnUntraced(function*(ask) {
      const changes = list(yield* ask("oci_diff", { layout, ref: "store/db:1", other: "store/db:2" }), "changes")
      const found = changes.find((one) =>
        text(one, "path").startsWith("/etc/") && texts(one, "aspects").includes("content")
      )
      return text(found, "path")
    })
  },
  {
    id: "which-version",
    question:
      "A fault is fixed in version 3.0.15-1 of libssl3. Which tag of store/db in the layout apps has an older version, and which one? Answer with the tag, a space, and the version.",
    answer: `1 ${apps.libssl["1"]}`,
    calls: 3,
    tokens: 205,
    play: Effect.fnUntraced(function*(ask) {
      const tags = texts(yield* ask("oci_list_tags", { layout, repository: "store/db" }), "tags")
      const versions = yield* Effect.forEach(tags, (tag) =>
        Effect.map(
          ask("oci_packages", { layout, ref: `store/db:${tag}`, name: "libssl3" }),
          (found) => text(found, "packages", 0, "version")
        ))
      const at = versions.findIndex((version) => version !== "3.0.15-1")
      return `${tags[at]} ${versions[at]}`
    })
  },
  {
    id: "why-so-large",
    question:
      "Which build instruction made the layer of store/db:2 in the layout apps that takes the most space? Answer with the instruction as it is recorded.",
    answer: apps.largeStep,
    calls: 1,
    tokens: 490,
    play: Effect.fnUntraced(function*(ask) {
      const layers = list(yield* ask("oci_usage", { layout, ref: "store/db:2" }), "image", "layers")
      const sizes = layers.map((layer) => Number(text(layer, "stored")))
      return text(layers[sizes.indexOf(Math.max(...sizes))], "created_by")
    })
  },
  {
    id: "hidden-secret",
    question:
      "Layers of store/db:2 in the layout apps have files that later layers delete. Which layer, from 0, has the largest of them, and how many bytes? Answer with both numbers and a space between.",
    answer: `3 ${apps.secretBytes}`,
    calls: 1,
    tokens: 490,
    play: Effect.fnUntraced(function*(ask) {
      const layers = list(yield* ask("oci_usage", { layout, ref: "store/db:2" }), "image", "layers")
      const found = layers.find((layer) => text(layer, "hidden") !== "0")
      return `${text(found, "layer")} ${text(found, "hidden")}`
    })
  },
  {
    id: "setuid",
    question:
      "Which file of store/db:1 in the layout apps runs with the rights of its owner, and on which port does the image listen according to /etc/db/db.conf? Answer with the path, a space, and the port.",
    answer: "/usr/bin/su 5432",
    calls: 2,
    tokens: 235,
    play: Effect.fnUntraced(function*(ask) {
      const found = yield* ask("oci_find_files", { layout, ref: "store/db:1", setuid: true })
      const settings = yield* ask("oci_read_file", { layout, ref: "store/db:1", path: "/etc/db/db.conf" })
      return `${text(found, "files", 0, "path")} ${/\d+/u.exec(text(settings, "data"))?.[0]}`
    })
  }
]
