/** Shows an address in the browser of those who sit before this machine. */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import process from "node:process"

/** What opens an address; nothing where there is no screen. */
const opener = ({ env, platform }: Pick<NodeJS.Process, "env" | "platform">): string | undefined => {
  if (platform === "darwin") return "open"
  const hasScreen = ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"].some((name) => (env[name] ?? "") !== "")
  return hasScreen ? "xdg-open" : undefined
}

/** Whether there is a browser is not waited for: the address has been told. */
export const openBrowser = (url: string): Effect.Effect<void> =>
  Effect.sync(() => {
    const command = opener(process)
    if (command === undefined) return
    const child = spawn(command, [url], { stdio: "ignore", detached: true })
    child.on("error", () => undefined)
    child.unref()
  })
