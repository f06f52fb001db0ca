/** An image with a picture in it. */
import { layerTar } from "../../../src/oci/MediaType.ts"
import { image } from "../../evals/world/content.ts"
import { file, tar } from "../../image/support/tars.ts"
import { sample } from "../../support/images.ts"
import { png } from "./hostile.ts"

export const pictured = image({
  created: "2024-05-01T08:00:00Z",
  layers: [[sample(new Uint8Array(tar(file("logo.png", png))), layerTar), "COPY logo.png /"]]
})
