/** What is in one file: text with its lines, a picture, or bytes. */
import type { VNode } from "preact"
import { useMemo } from "preact/hooks"
import { addressOf, type Query } from "../data/api.ts"
import { counted, sizeOf } from "../data/format.ts"
import { plainOf } from "../data/odd.ts"
import { useAnswer } from "../data/useAnswer.ts"
import { Chip } from "../parts/Chip.tsx"
import { Icon } from "../parts/Icon.tsx"
import { Answered } from "../parts/Notice.tsx"
import { Rows } from "../parts/Rows.tsx"
import { Text } from "../parts/Text.tsx"

interface Props {
  readonly where: Query
  readonly path: string
  readonly onClose: () => void
}

export const FileView = ({ onClose, path, where }: Props): VNode => {
  const file = useAnswer("file", { ...where, path }, false)
  return (
    <section class="viewer" aria-label={`File ${plainOf(path)}`}>
      <header class="viewer-head">
        <code>
          <Text>{path}</Text>
        </code>
        <span class="grow" />
        {file.value === undefined ? null : (
          <span class="dim num file-facts">
            <span>{sizeOf(file.value.size)}</span>
            <span title="mode">{file.value.mode}</span>
            <span title="owner and group">{file.value.owner}</span>
            <span>layer {file.value.layer + 1}</span>
          </span>
        )}
        {file.value?.isCut === true ? <Chip tone="warn">only its beginning</Chip> : null}
        <button type="button" class="quiet" aria-label="close the file" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <Answered of={file} what="reading the file">
        {({ form, text }) =>
          form === "picture"
            ? (
              <div class="picture">
                <img src={addressOf("picture", { ...where, path })} alt={plainOf(path)} />
              </div>
            )
            : <Lines text={text} hasNumbers={form === "text"} />}
      </Answered>
    </section>
  )
}

const lineHeight = 20

/** Characters of a line that are shown. */
const lineCharacters = 2000

const Lines = ({ hasNumbers, text }: { readonly text: string; readonly hasNumbers: boolean }): VNode => {
  const lines = useMemo(() => text.replace(/\n$/u, "").split("\n"), [text])
  const digits = String(lines.length).length
  if (text === "") return <p class="dim viewer-empty">The file is empty.</p>
  return (
    <div class="code" style={{ "--digits": `${digits}ch` }}>
      <Rows items={lines} height={lineHeight} label={counted(lines.length, "line")} role="listbox">
        {(line, at) => (
          <span class="line">
            {hasNumbers ? <span class="line-number" aria-hidden="true">{at + 1}</span> : null}
            <code>
              <Text lines>{line.slice(0, lineCharacters)}</Text>
              {line.length > lineCharacters ? <span class="dim">… {counted(line.length, "character")}</span> : null}
            </code>
          </span>
        )}
      </Rows>
    </div>
  )
}
