/** One image: what it is, what it is made of, what is in it, what belongs to it, what happened to its tag. */
import type { ComponentChildren, VNode } from "preact"
import type { Image } from "../../http/ui/answers.ts"
import { countOf, sizeOf } from "../data/format.ts"
import { hrefOf, type Route } from "../data/route.ts"
import { useAnswer } from "../data/useAnswer.ts"
import { Chip } from "../parts/Chip.tsx"
import { Copy, Digest } from "../parts/Digest.tsx"
import { Answered } from "../parts/Notice.tsx"
import { Text } from "../parts/Text.tsx"
import { Time } from "../parts/Time.tsx"
import { AttachedTab } from "./AttachedTab.tsx"
import { FilesTab } from "./FilesTab.tsx"
import { Overview } from "./Overview.tsx"
import { TagActions } from "./TagActions.tsx"
import { TagHistory } from "./TagHistory.tsx"

const tabs = ["overview", "files", "attached", "history"] as const
type TabName = typeof tabs[number]

const titles: Readonly<Record<TabName, string>> = {
  overview: "Overview",
  files: "Files",
  attached: "Attached",
  history: "History"
}

const isTab = (name: string | undefined): name is TabName => tabs.some((tab) => tab === name)

export const ImageView = ({ params }: Pick<Route, "params">): VNode => {
  const { platform, reference = "", repository = "", tab } = params
  const image = useAnswer("image", { repository, reference, platform })
  return (
    <section class="pane wide" aria-labelledby="image-name">
      <Answered of={image} what="reading the image">
        {(value) => <Whole image={value} params={params} tab={isTab(tab) ? tab : "overview"} />}
      </Answered>
    </section>
  )
}

interface Props {
  readonly image: Image
  readonly params: Route["params"]
  readonly tab: TabName
}

const Whole = ({ image, params, tab }: Props): VNode => {
  const { reference = "", repository = "" } = params
  const isDigest = reference.includes(":")
  const shown = tabs.filter((name) => (name !== "files" || image.kind === "image") && (name !== "history" || !isDigest))
  const counts: Partial<Record<TabName, number>> = {
    attached: image.attached.length + (image.index?.attestations.length ?? 0)
  }
  return (
    <>
      <header class="image-head">
        <div class="pane-head">
          <a class="back" href={hrefOf("images", { repository })}>
            <Text>{repository}</Text>
          </a>
          <h1 id="image-name">
            <Text>{isDigest ? repository : reference}</Text>
          </h1>
          {isDigest ? <Digest copy>{reference}</Digest> : null}
          <span class="grow" />
          <TagActions image={image} reference={reference} />
          <Pull repository={repository} reference={reference} />
        </div>
        <Facts image={image} />
        <Platforms image={image} params={params} />
        <nav class="tabs" aria-label="Parts of the image">
          {shown.map((name) => (
            <a
              key={name}
              href={hrefOf("image", { ...params, tab: name === "overview" ? undefined : name, path: undefined })}
              aria-current={name === tab ? "page" : undefined}
            >
              {titles[name]}
              {counts[name] === undefined ? null : <span class="count">{countOf(counts[name])}</span>}
            </a>
          ))}
        </nav>
      </header>
      <div class="pane-body">{bodyOf({ image, params, tab })}</div>
    </>
  )
}

const bodyOf = ({ image, params, tab }: Props): ComponentChildren => {
  switch (tab) {
    case "overview":
      return <Overview image={image} params={params} />
    case "files":
      return <FilesTab image={image} params={params} />
    case "attached":
      return <AttachedTab image={image} params={params} />
    case "history":
      return <TagHistory repository={params["repository"] ?? ""} tag={params["reference"] ?? ""} />
  }
}

/** What is typed to get it. */
const Pull = ({ reference, repository }: { readonly repository: string; readonly reference: string }): VNode => {
  const command = `podman pull ${location.host}/${repository}${reference.includes(":") ? "@" : ":"}${reference}`
  return (
    <span class="pull">
      <code>{command}</code>
      <Copy text={command} label="copy the command that pulls it" />
    </span>
  )
}

const Facts = (
  { image: { artifactType, created, digest, index, kind, layers, platform, size, tags } }: { readonly image: Image }
): VNode => (
  <dl class="facts">
    <div>
      <dt>Size</dt>
      <dd class="num">{sizeOf(size)}</dd>
    </div>
    <div>
      <dt>Layers</dt>
      <dd class="num">{countOf(layers.length)}</dd>
    </div>
    <div>
      <dt>Built</dt>
      <dd>{created === undefined ? "not said" : <Time>{created}</Time>}</dd>
    </div>
    {kind === "image"
      ? platform === undefined || index !== undefined ? null : (
        <div>
          <dt>Platform</dt>
          <dd>
            <Text>{platform}</Text>
          </dd>
        </div>
      )
      : (
        <div>
          <dt>Kind</dt>
          <dd>{artifactType === undefined ? kind : <Text>{artifactType}</Text>}</dd>
        </div>
      )}
    <div>
      <dt>Digest</dt>
      <dd>
        <Digest copy>{digest}</Digest>
      </dd>
    </div>
    <div>
      <dt>Tags</dt>
      <dd>
        {tags.length === 0 ? "none" : tags.slice(0, 8).map((tag) => (
          <Chip key={tag}>
            <Text>{tag}</Text>
          </Chip>
        ))}
      </dd>
    </div>
  </dl>
)

const Platforms = ({ image: { digest, index }, params }: {
  readonly image: Image
  readonly params: Route["params"]
}): VNode | null => {
  if (index === undefined) return null
  return (
    <nav class="platform-list" aria-label="Platforms">
      {index.platforms.map((one) => (
        <a
          key={one.digest}
          class="platform"
          href={hrefOf("image", {
            ...params,
            platform: one.platform,
            // Where the index does not say what it is for, its digest leads to it.
            ...(one.platform === undefined ? { reference: one.digest } : {})
          })}
          aria-current={one.digest === digest ? "true" : undefined}
        >
          <span>
            <Text>{one.platform ?? "no platform"}</Text>
          </span>
          <span class="dim num">
            {one.state === "present" ? one.size === undefined ? "" : sizeOf(one.size) : one.state}
          </span>
        </a>
      ))}
    </nav>
  )
}
