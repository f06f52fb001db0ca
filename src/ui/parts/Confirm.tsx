/** Asks once more before something is changed, and says what became of it. */
import type { ComponentChildren, VNode } from "preact"
import { useEffect, useId, useRef, useState } from "preact/hooks"
import { messageOf } from "../data/api.ts"
import { Failed } from "./Notice.tsx"

interface Props {
  readonly title: string
  /** What the button says that does it. */
  readonly doing: string
  readonly tone?: "accent" | "bad"
  /** Whether what it would do has been told; true by default. */
  readonly isReady?: boolean
  readonly children: ComponentChildren
  readonly onConfirm: () => Promise<void>
  readonly onClose: () => void
}

export const Confirm = (
  { children, doing, isReady = true, onClose, onConfirm, title, tone = "accent" }: Props
): VNode => {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  const [isBusy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string>()
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  const confirm = (): void => {
    setBusy(true)
    setFailure(undefined)
    onConfirm().then(onClose, (error: unknown) => {
      setBusy(false)
      setFailure(messageOf(error))
    })
  }
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      <div class="dialog-body">{children}</div>
      {failure === undefined ? null : <Failed message={failure} />}
      <div class="dialog-foot">
        <button type="button" class="button" onClick={onClose}>Cancel</button>
        <button type="button" class={`button ${tone}`} disabled={isBusy || !isReady} onClick={confirm}>
          {isBusy ? "…" : doing}
        </button>
      </div>
    </dialog>
  )
}
