/** Giving an image one more tag, and taking one away. */
import type { VNode } from "preact"
import { useId, useState } from "preact/hooks"
import type { Image } from "../../http/ui/answers.ts"
import { change } from "../data/api.ts"
import { shortOf } from "../data/format.ts"
import { go } from "../data/route.ts"
import { useAnswer } from "../data/useAnswer.ts"
import { Confirm } from "../parts/Confirm.tsx"
import { Icon } from "../parts/Icon.tsx"
import { Text } from "../parts/Text.tsx"

interface Props {
  readonly image: Image
  readonly reference: string
}

export const TagActions = ({ image, reference }: Props): VNode | null => {
  const { repository } = image
  const rights = useAnswer("repositories", {}).value?.repositories.find(({ name }) => name === repository)?.rights
  const [doing, setDoing] = useState<"tag" | "delete">()
  const close = (): void => setDoing(undefined)
  // What the tag names is the index, where there is one.
  const digest = image.index?.digest ?? image.digest
  return (
    <>
      {rights?.push === true
        ? (
          <button type="button" class="button small" onClick={() => setDoing("tag")}>
            <Icon name="tag" /> Add a tag…
          </button>
        )
        : null}
      {rights?.delete === true && !reference.includes(":")
        ? (
          <button type="button" class="button small" onClick={() => setDoing("delete")}>
            <Icon name="trash" /> Delete…
          </button>
        )
        : null}
      {doing === "tag" ? <AddTag repository={repository} digest={digest} onClose={close} /> : null}
      {doing === "delete"
        ? (
          <Confirm
            title="Delete the tag?"
            doing="Delete it"
            tone="bad"
            onClose={close}
            onConfirm={async () => {
              await change("DELETE tag", { repository, tag: reference, ifDigest: digest })
              go("images", { repository })
            }}
          >
            <p>
              <strong>
                <Text>{`${repository}:${reference}`}</Text>
              </strong>{" "}
              goes away, unless another client moves it first. What it named stays reachable by its digest, and the
              history brings the tag back.
            </p>
          </Confirm>
        )
        : null}
    </>
  )
}

const AddTag = ({ digest, onClose, repository }: {
  readonly repository: string
  readonly digest: string
  readonly onClose: () => void
}): VNode => {
  const [tag, setTag] = useState("")
  const id = useId()
  return (
    <Confirm
      title="Add a tag"
      doing="Add it"
      isReady={tag !== ""}
      onClose={onClose}
      onConfirm={async () => {
        await change("POST tag", { repository, tag, digest })
        go("image", { repository, reference: tag })
      }}
    >
      <label for={id}>
        A further name of <code>{shortOf(digest)}</code> in{" "}
        <Text>{repository}</Text>; one that is there already is not moved.
      </label>
      <input
        id={id}
        class="field"
        value={tag}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => setTag(event.currentTarget.value.trim())}
      />
    </Confirm>
  )
}
