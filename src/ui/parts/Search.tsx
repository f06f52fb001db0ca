/** A field that narrows a list down while one types; `/` leads into it. */
import type { VNode } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { Icon } from "./Icon.tsx"

interface Props {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
  /** Whether `/` leads into it. */
  readonly isMain?: boolean
}

export const Search = ({ isMain = false, label, onInput, value }: Props): VNode => {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (!isMain) return undefined
    const keyed = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement
      if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey) return
      field.current?.focus()
      event.preventDefault()
    }
    addEventListener("keydown", keyed)
    return () => removeEventListener("keydown", keyed)
  }, [isMain])
  return (
    <label class="search">
      <Icon name="search" />
      <input
        ref={field}
        type="search"
        value={value}
        placeholder={label}
        aria-label={label}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {isMain ? <kbd aria-hidden="true">/</kbd> : null}
    </label>
  )
}
