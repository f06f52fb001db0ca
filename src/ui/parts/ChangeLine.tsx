/** One name that was changed, from what to what. */
import type { VNode } from "preact"
import { useContext } from "preact/hooks"
import type { Change } from "../../http/ui/answers.ts"
import { Digest } from "./Digest.tsx"
import { HasViews, Place } from "./Place.tsx"
import { Text } from "./Text.tsx"

/** How a change looks, and what it is called. */
export const kindOf = ({ from, to }: Change): "added" | "removed" | "changed" =>
  from === undefined ? "added" : to === undefined ? "removed" : "changed"

const signs = { added: "+", removed: "−", changed: "→" } as const

export const ChangeLine = ({ change: one }: { readonly change: Change }): VNode => {
  const { from, name, repository, tag, to } = one
  const kind = kindOf(one)
  return (
    <li class={`change ${kind}`}>
      <span class="sign" role="img" aria-label={kind}>{signs[kind]}</span>
      <span class="change-name">
        {repository === undefined ? name === undefined ? "content" : <Text>{name}</Text> : (
          <>
            <Place view="images" params={{ repository }}>
              <Text>{repository}</Text>
            </Place>
            {tag === undefined ? <span class="dim">{" "}without a tag</span> : (
              <>
                :
                {to === undefined
                  ? <Text>{tag}</Text>
                  : (
                    <Place class="tag-name" view="image" params={{ repository, reference: tag }}>
                      <Text>{tag}</Text>
                    </Place>
                  )}
              </>
            )}
          </>
        )}
      </span>
      <span class="change-digests">
        {from === undefined ? null : <DigestLink repository={repository}>{from}</DigestLink>}
        {from === undefined || to === undefined ? null : <span aria-label="to">→</span>}
        {to === undefined ? null : <DigestLink repository={repository}>{to}</DigestLink>}
        {kind !== "changed" || repository === undefined || from === undefined || to === undefined ?
          null :
          <Compare repository={repository} from={from} to={to} />}
      </span>
    </li>
  )
}

const DigestLink = (
  { children, repository }: { readonly children: string; readonly repository: string | undefined }
): VNode =>
  repository === undefined
    ? <Digest>{children}</Digest>
    : (
      <Place view="image" params={{ repository, reference: children }}>
        <Digest>{children}</Digest>
      </Place>
    )

const Compare = ({ from, repository, to }: {
  readonly repository: string
  readonly from: string
  readonly to: string
}): VNode | null =>
  useContext(HasViews)
    ? (
      <Place
        class="compare"
        view="diff"
        params={{ repository1: repository, reference1: from, repository2: repository, reference2: to }}
      >
        compare
      </Place>
    )
    : null
