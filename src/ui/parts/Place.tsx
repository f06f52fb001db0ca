/** A way to another view; in the chat of an agent, where there is none, the text alone. */
import { type ComponentChildren, createContext, type VNode } from "preact"
import { useContext } from "preact/hooks"
import { hrefOf, type Params, type ViewName } from "../data/route.ts"

/** Whether there are other views to go to. */
export const HasViews = createContext(true)

interface Props {
  readonly view: ViewName
  readonly params: Params
  readonly class?: string
  readonly children: ComponentChildren
}

export const Place = ({ children, class: name, params, view }: Props): VNode =>
  useContext(HasViews)
    ? <a class={name} href={hrefOf(view, params)}>{children}</a>
    : <span class={name}>{children}</span>
