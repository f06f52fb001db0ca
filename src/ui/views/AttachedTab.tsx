/** What belongs to an image, and what is in it. */
import type { VNode } from "preact"
import type { Attached, Document, Image } from "../../http/ui/answers.ts"
import { sizeOf } from "../data/format.ts"
import { hrefOf, type Route } from "../data/route.ts"
import { useAnswer } from "../data/useAnswer.ts"
import { Bill } from "../parts/Bill.tsx"
import { Chip } from "../parts/Chip.tsx"
import { Digest } from "../parts/Digest.tsx"
import { Icon, type IconName } from "../parts/Icon.tsx"
import { Answered, Empty } from "../parts/Notice.tsx"
import { Pairs } from "../parts/Pairs.tsx"
import { Text } from "../parts/Text.tsx"

interface Props {
  readonly image: Image
  readonly params: Route["params"]
}

interface Kind {
  readonly name: string
  readonly icon: IconName
}

/** By its type, as far as that says what it is for. */
const kindOf = ({ artifactType = "", tag = "" }: Pick<Attached, "artifactType" | "tag">): Kind => {
  if (/spdx|cyclonedx|sbom/iu.test(artifactType) || tag.endsWith(".sbom")) {
    return { name: "Bill of materials", icon: "file" }
  }
  if (/sigstore|cosign|signature|notary|simplesigning/iu.test(artifactType) || tag.endsWith(".sig")) {
    return { name: "Signature", icon: "seal" }
  }
  if (/in-toto|provenance|attestation|slsa/iu.test(artifactType) || tag.endsWith(".att")) {
    return { name: "Attestation", icon: "seal" }
  }
  return { name: "Artifact", icon: "link" }
}

const ways: Readonly<Record<string, string>> = {
  subject: "it names the image as its subject",
  tag: "by a tag made of the digest",
  kind: "it follows the image in the index",
  annotation: "an annotation names the image"
}

export const AttachedTab = ({ image, params }: Props): VNode => {
  const { attached, digest, index } = image
  const listed = new Set(attached.map((one) => one.digest))
  const attestations = (index?.attestations ?? []).filter((one) => !listed.has(one.digest)).map((one): Attached => ({
    digest: one.digest,
    size: 0,
    artifactType: "attestation",
    by: one.of === digest ? "annotation" : "index",
    annotations: []
  }))
  const all = [...attached, ...attestations]
  const chosen = all.find((one) => one.digest === params["document"]) ?? all[0]
  if (chosen === undefined) {
    return (
      <Empty title="Nothing belongs to this image">
        Signatures, SBOMs and attestations appear here once they are attached.
      </Empty>
    )
  }
  return (
    <div class="attached">
      <nav class="graph" aria-label="What belongs to the image">
        {index === undefined ? null : (
          <div class="node root">
            <Icon name="images" />
            <span>
              Index<br />
              <Digest>{index.digest}</Digest>
            </span>
          </div>
        )}
        <div class="node own">
          <Icon name="tag" />
          <span>
            Image<br />
            <Digest>{digest}</Digest>
          </span>
        </div>
        <ul>
          {all.map((one) => {
            const { icon, name } = kindOf(one)
            return (
              <li key={one.digest}>
                <a
                  class="node"
                  href={hrefOf("image", { ...params, document: one.digest })}
                  aria-current={one === chosen ? "true" : undefined}
                  title={ways[one.by]}
                >
                  <Icon name={icon} />
                  <span>
                    {name}
                    <br />
                    <span class="dim">
                      <Text>{one.artifactType ?? one.tag ?? "no type"}</Text>
                    </span>
                  </span>
                </a>
              </li>
            )
          })}
        </ul>
      </nav>
      <Shown key={chosen.digest} attached={chosen} repository={image.repository} />
    </div>
  )
}

const Shown = ({ attached: { annotations, by, digest }, repository }: {
  readonly attached: Attached
  readonly repository: string
}): VNode => {
  const found = useAnswer("document", { repository, digest }, false)
  return (
    <div class="document">
      <p class="document-head">
        <Digest copy>{digest}</Digest>
        {ways[by] === undefined ? null : <span class="dim">{ways[by]}</span>}
      </p>
      {annotations.length === 0 ? null : <Pairs pairs={annotations} />}
      <Answered of={found} what="reading it">
        {({ manifest, parts }) => (
          <>
            {parts.map((part) => <Part key={part.digest} part={part} />)}
            <details class="card">
              <summary>Manifest</summary>
              <pre tabIndex={0}><Text lines>{manifest}</Text></pre>
            </details>
          </>
        )}
      </Answered>
    </div>
  )
}

const Part = (
  { part: { mediaType, payload, size, text, title, why } }: { readonly part: Document["parts"][number] }
): VNode | null => {
  // An empty config says nothing.
  if (text?.trim() === "{}") return null
  const shown = payload ?? text
  return (
    <section class="card">
      <h2>
        <Text>{title ?? mediaType}</Text>
        <span class="grow" />
        <span class="dim num">{sizeOf(size)}</span>
      </h2>
      {title === undefined ? null : (
        <p class="dim">
          <Text>{mediaType}</Text>
        </p>
      )}
      {why === undefined ? null : (
        <p>
          <Chip tone="warn">{why}</Chip>
        </p>
      )}
      {shown === undefined ? null : <Bill text={shown} />}
      {shown === undefined ? null : <pre tabIndex={0}><Text lines>{shown}</Text></pre>}
      {payload === undefined || text === undefined ? null : (
        <details>
          <summary>The envelope that signs it</summary>
          <pre tabIndex={0}><Text lines>{text}</Text></pre>
        </details>
      )}
    </section>
  )
}
