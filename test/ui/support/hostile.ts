/** A layout whose names, labels and files are made to do harm where they are shown. */
import { Effect } from "effect"
import { layerTar as layerType } from "../../../src/oci/MediaType.ts"
import type { LayoutRegistry } from "../../../src/ops/api/Layout.ts"
import { image as built } from "../../evals/world/content.ts"
import { layerTar, type Written } from "../../image/support/layers.ts"
import { pushImage, referrerOf, sample, type SampleImage } from "../../support/images.ts"

/** Markup that would run, and characters that would turn what follows around. */
export const markup = "<img src=x onerror=\"window.owned=1\"><script>window.owned=1</script>"
export const turned = "safe\u202egnp.exe\u2066\u200b"
const address = "javascript:window.owned=1"

/** Characters of a label. */
export const longLabel = 10 * 1024 * 1024

const layer = (...entries: ReadonlyArray<Written>) => sample(new Uint8Array(layerTar(entries)), layerType)

const svg = `<svg xmlns="http://www.w3.org/2000/svg" onload="window.owned=1"><script>window.owned=1</script></svg>`

/** One pixel. */
export const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64"
)

const hostile: SampleImage = built({
  created: markup,
  config: {
    Entrypoint: [markup],
    Env: [`${turned}=${markup}`, "PATH=/bin"],
    Labels: { [markup]: turned, [turned]: markup, address, long: "x".repeat(longLabel) }
  },
  layers: [
    [
      layer(
        [`${markup.replaceAll("/", "_")}.txt`, "f", `${markup}\n${turned}\n`],
        [`${turned}.svg`, "f", svg],
        ["page.html", "f", markup],
        ["link", "s", address]
      ),
      markup
    ],
    [layer(["etc/motd", "f", "hello\n"], ["bytes", "f", "\u0000\u0001"]), turned]
  ]
})

export const attachment = referrerOf(hostile, "attached", {
  artifactType: "application/vnd.example+json",
  annotations: { [markup]: turned }
})

export const fillHostile = Effect.fnUntraced(function*(registry: LayoutRegistry) {
  yield* pushImage(registry, "hostile", hostile, ["v1", "v2"])
  yield* pushImage(registry, "hostile", attachment)
})
