/** Questions about single files of images: where they come from, what they say, what has become of them. */
import { Effect } from "effect"
import { list, text, texts } from "../answers.ts"
import type { Ask, Question } from "../Question.ts"
import * as apps from "../world/apps.ts"

const layout = "apps"

/** The instruction that made a layer of an image. */
const stepOf = (ask: Ask, ref: string, layer: number) =>
  Effect.map(ask("oci_usage", { layout, ref }), (usage) => text(usage, "image", "layers", layer, "created_by"))

export const files: ReadonlyArray<Question> = [
  {
    id: "who-has-openssl",
    question:
      "Which tagged image of the layout apps has the package openssl, and in which version? Answer with REPOSITORY:TAG, a space, and the version.",
    answer: Object.entries(apps.openssl).map((found) => found.join(" ")).join(),
    calls: 5,
    tokens: 400,
    play: Effect.fnUntraced(function*(ask) {
      const tags = list(yield* ask("oci_usage", { layout }), "tags").map((tag) => text(tag, "ref"))
      const found = yield* Effect.forEach(tags, (ref) =>
        Effect.map(
          ask("oci_packages", { layout, ref, name: "openssl" }),
          (answer) => list(answer, "packages").map((one) => `${ref} ${text(one, "version")}`)
        ))
      return found.flat().join()
    })
  },
  {
    id: "setuid-origin",
    question:
      "A program of store/web:1 in the layout apps runs with the rights of its owner. Which build instruction brought it? Answer with the instruction as it is recorded.",
    answer: apps.agentStep,
    calls: 2,
    tokens: 625,
    play: Effect.fnUntraced(function*(ask) {
      const found = yield* ask("oci_find_files", { layout, ref: "store/web:1", setuid: true })
      return yield* stepOf(ask, "store/web:1", Number(text(found, "files", 0, "layer")))
    })
  },
  {
    id: "wasted-bytes",
    question:
      "How many bytes of files in the layers of store/web:2 in the layout apps does no container see, because later layers replace or delete them? Answer with the number.",
    answer: String(apps.repeatedBytes),
    calls: 1,
    tokens: 520,
    play: Effect.fnUntraced(function*(ask) {
      return text(yield* ask("oci_usage", { layout, ref: "store/web:2" }), "image", "hidden")
    })
  },
  {
    id: "same-content",
    question:
      "Under which other path does store/web:1 in the layout apps have the content of /srv/web/app.js once more? Answer with the path.",
    answer: apps.copiedScript,
    calls: 2,
    tokens: 345,
    play: Effect.fnUntraced(function*(ask) {
      const script = "/srv/web/app.js"
      const listed = yield* ask("oci_list_files", { layout, ref: "store/web:1", path: script })
      const digest = text(listed, "files", 0, "digest")
      const found = list(yield* ask("oci_find_files", { layout, ref: "store/web:1", digest }), "files")
      return found.map((file) => text(file, "path")).filter((path) => path !== script).join()
    })
  },
  {
    id: "setting",
    question:
      "Some file limits.conf of store/web:1 in the layout apps sets worker_connections. To what? Answer with the number.",
    answer: String(apps.workerConnections),
    calls: 2,
    tokens: 240,
    play: Effect.fnUntraced(function*(ask) {
      const found = yield* ask("oci_find_files", { layout, ref: "store/web:1", name: "limits.conf" })
      const path = text(found, "files", 0, "path")
      const settings = text(yield* ask("oci_read_file", { layout, ref: "store/web:1", path }), "data")
      return /worker_connections (\d+)/u.exec(settings)?.[1] ?? ""
    })
  },
  {
    id: "dead-link",
    question:
      "A symbolic link in /usr/lib/web of store/web:2 in the layout apps leads to a file that is not there. To which? Answer with the target of the link as it is written.",
    answer: apps.missingLibrary,
    calls: 1,
    tokens: 145,
    play: Effect.fnUntraced(function*(ask) {
      const found = list(yield* ask("oci_list_files", { layout, ref: "store/web:2", path: "/usr/lib/web" }), "files")
      const names = new Set(found.map((file) => text(file, "path")))
      const targets = found.map((file) => text(file, "target")).filter((target) => target !== "")
      return targets.filter((target) => !names.has(`/usr/lib/web/${target}`)).join()
    })
  },
  {
    id: "looser-mode",
    question:
      "Which file has the same content in store/web:1 and store/web:2 of the layout apps, but other permissions, and which ones in store/web:2? Answer with the path, a space, and the permissions as four octal digits.",
    answer: `${apps.looserFile} 0644`,
    calls: 2,
    tokens: 235,
    play: Effect.fnUntraced(function*(ask) {
      const changes = list(yield* ask("oci_diff", { layout, ref: "store/web:1", other: "store/web:2" }), "changes")
      const path = text(changes.find((one) => texts(one, "aspects").join() === "mode"), "path")
      const listed = yield* ask("oci_list_files", { layout, ref: "store/web:2", path })
      return `${path} ${text(listed, "files", 0, "mode")}`
    })
  },
  {
    id: "leaked-blob",
    question:
      "A private key was copied into store/db:2 of the layout apps, and a later layer removes it. Who has the blob of the earlier layer still has the key. Which blob is it? Answer with sha256: and the first twelve digits of its digest.",
    answer: apps.db2.layers[3]?.descriptor.digest.slice(0, 19) ?? "",
    calls: 2,
    tokens: 770,
    play: Effect.fnUntraced(function*(ask) {
      const layers = list(yield* ask("oci_usage", { layout, ref: "store/db:2" }), "image", "layers")
      const at = layers.findIndex((layer) => text(layer, "hidden") !== "0")
      return text(yield* ask("oci_inspect_image", { layout, ref: "store/db:2" }), "layers", at, "digest").slice(0, 19)
    })
  },
  {
    id: "npm-origin",
    question:
      "Which version of the npm package express does store/web:2 in the layout apps have, and in which layer, from 0, is it? Answer with the version, a space, and the layer.",
    answer: `${apps.express["2"]} ${apps.web2.layers.length - 1}`,
    calls: 1,
    tokens: 85,
    play: Effect.fnUntraced(function*(ask) {
      const found = yield* ask("oci_packages", { layout, ref: "store/web:2", name: "express" })
      return `${text(found, "packages", 0, "version")} ${text(found, "packages", 0, "layer")}`
    })
  }
]
