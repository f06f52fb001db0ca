/** Where the bytes are, and what a collection would free and why. */
import type { VNode } from "preact"
import { useMemo, useState } from "preact/hooks"
import type { Space } from "../../http/ui/answers.ts"
import { counted, countOf, percentOf, shortOf, sizeOf } from "../data/format.ts"
import { hrefOf } from "../data/route.ts"
import { useSession } from "../data/session.ts"
import { useAnswer } from "../data/useAnswer.ts"
import { Answered, Empty } from "../parts/Notice.tsx"
import { Text } from "../parts/Text.tsx"
import { type Area, Treemap } from "../parts/Treemap.tsx"
import { Garbage } from "./Garbage.tsx"

type Image = Space["repositories"][number]["images"][number]

const layerArea = (tone: number) => ({ digest, images, size }: Image["layers"][number]): Area => ({
  name: sizeOf(size),
  // What several have is divided between them, so that all areas together are what there is.
  size: size / images,
  children: [],
  tone,
  form: images > 1 ? "shared" : "unique",
  title: `layer ${shortOf(digest)}, ${sizeOf(size)}, ${
    images > 1 ? `shared by ${counted(images, "image")}` : "in this image alone"
  }`
})

const imageArea = (repository: string, tone: number) => ({ digest, layers, others, platform, tag }: Image): Area => {
  const size = layers.reduce((sum, { size }) => sum + size, 0)
  const unique = layers.reduce((sum, { images, size }) => images > 1 ? sum : sum + size, 0)
  return {
    name: platform === undefined ? tag : `${tag} ${platform}`,
    size,
    children: layers.map(layerArea(tone)),
    tone,
    form: "group",
    title: `${repository}:${tag}${platform === undefined ? "" : ` ${platform}`}, ${sizeOf(size)}, of these ${
      sizeOf(unique)
    } in no other image${others === 0 ? "" : `, and ${counted(others, "more tag")}`}`,
    href: hrefOf("image", { repository, reference: platform === undefined ? tag : digest })
  }
}

const repositoryArea = ({ images, name }: Space["repositories"][number], at: number): Area => {
  const children = images.map(imageArea(name, at))
  const size = children.reduce((sum, image) => sum + image.children.reduce((all, layer) => all + layer.size, 0), 0)
  return {
    name,
    size,
    children,
    tone: at,
    form: "group",
    title: `${name}, ${counted(images.length, "image")}, ${sizeOf(size)}`
  }
}

export const SpaceView = (): VNode => {
  const { whole } = useSession()
  const space = useAnswer("space", {})
  return (
    <section class="pane wide" aria-labelledby="space-title">
      <header class="pane-head">
        <h1 id="space-title">Space</h1>
        <span class="dim">by repository, image and layer</span>
      </header>
      <div class="pane-body">
        <Answered of={space} what="adding up the layers">{(value) => <Picture space={value} />}</Answered>
        {whole ? <Garbage /> : null}
      </div>
    </section>
  )
}

const Picture = ({ space: { bytes, omitted, repositories, stored } }: { readonly space: Space }): VNode => {
  const [path, setPath] = useState<string>()
  const areas = useMemo(() => repositories.map(repositoryArea).filter(({ size }) => size > 0), [repositories])
  const root: Area = { name: "all", size: bytes, children: areas, tone: 0, form: "group", title: "all" }
  const shown = areas.find(({ name }) => name === path)
  const shared = repositories.reduce(
    (sum, { images }) =>
      sum +
      images.reduce((all, { layers }) =>
        all + layers.reduce((some, one) => one.images > 1 ? some + one.size / one.images : some, 0), 0),
    0
  )
  const images = repositories.reduce((sum, one) => sum + one.images.length, 0)
  if (areas.length === 0) return <Empty title="Nothing here yet" />
  return (
    <>
      <dl class="facts">
        <div>
          <dt>Tags lead to</dt>
          <dd class="num">{sizeOf(bytes)}</dd>
        </div>
        {stored === undefined ? null : (
          <div>
            <dt>In the layout</dt>
            <dd class="num">
              {sizeOf(stored.bytes)} <span class="dim">in {counted(stored.blobs, "blob")}</span>
            </dd>
          </div>
        )}
        <div>
          <dt>Images</dt>
          <dd class="num">{countOf(images + omitted)}</dd>
        </div>
        <div>
          <dt>Shared by several</dt>
          <dd class="num">
            {sizeOf(shared)} <span class="dim">{percentOf(shared, bytes)}</span>
          </dd>
        </div>
      </dl>
      <section class="card treemap-card">
        <h2>
          {shown === undefined ? "All repositories" : (
            <>
              <button type="button" class="link" onClick={() => setPath(undefined)}>All repositories</button>
              <span aria-hidden="true">/</span>
              <Text>{shown.name}</Text>
            </>
          )}
          <span class="grow" />
          <span class="legend">
            <span class="key unique" /> in one image <span class="key shared" /> shared
          </span>
        </h2>
        <Treemap
          area={shown ?? root}
          label="Space by repository, image and layer"
          onOpen={(area) => {
            if (area.href !== undefined) location.hash = area.href
            else if (shown === undefined) {
              setPath(
                areas.find((one) => one === area || one.children.some((image) => image.children.includes(area)))?.name
              )
            }
          }}
        />
        {omitted === 0 ? null : <p class="dim">{counted(omitted, "more image")} are not drawn.</p>}
      </section>
    </>
  )
}
