/** Puts the view of a tool's result into its document, in the chat of an agent. */
import { render } from "preact"
import { ChatApp } from "./chat/ChatApp.tsx"

const root = document.getElementById("app")
if (root !== null) render(<ChatApp />, root)
