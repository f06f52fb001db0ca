/** completions: the shell's side of `complete`, which knows what could come next. */
import { Config, Effect, Option, Stream } from "effect"
import { Argument, Command, type Completions } from "effect/cli"
import { complete } from "../complete.ts"
import { described } from "../described.ts"
import * as f from "../flags.ts"
import { bytes, write } from "../output.ts"

const scripts = {
  // A colon divides words in bash, which then asks for what comes after it.
  bash: `_ocilayout() {
  local line="\${COMP_LINE:0:COMP_POINT}" word prefix=""
  word="\${line##*[[:space:]]}"
  if [[ "$COMP_WORDBREAKS" == *:* && "$word" == *:* ]]; then prefix="\${word%"\${word##*:}"}"; fi
  if [[ "$COMP_WORDBREAKS" == *=* && "\${word#"$prefix"}" == *=* ]]; then prefix="\${word%"\${word##*=}"}"; fi
  local IFS=$'\\n'
  COMPREPLY=($(ocilayout complete "$line" 2>/dev/null))
  COMPREPLY=("\${COMPREPLY[@]#"$prefix"}")
  if [[ "\${#COMPREPLY[@]}" -eq 1 && "\${COMPREPLY[0]}" == *[/:=] ]]; then compopt -o nospace; fi
  if [[ "\${#COMPREPLY[@]}" -eq 0 ]]; then compopt -o default; fi
}
complete -F _ocilayout ocilayout
`,
  zsh: `#compdef ocilayout
_ocilayout() {
  local -a found going
  found=("\${(@f)$(ocilayout complete "\${(j: :)words[1,CURRENT]}" 2>/dev/null)}")
  found=(\${found:#})
  going=(\${(M)found:#*[/:=]})
  found=(\${found:#*[/:=]})
  (( \${#going} )) && compadd -S '' -- $going
  (( \${#found} )) && compadd -- $found
  (( \${#going} + \${#found} )) || _files
}
compdef _ocilayout ocilayout
`,
  fish: `complete -c ocilayout -f -a '(ocilayout complete (commandline -cp) 2>/dev/null)'
complete -c ocilayout -F -n 'test -z "$(ocilayout complete (commandline -cp) 2>/dev/null)"'
`
} as const

export const completions = Command.make("completions", {
  shell: Argument.Literals("shell", ["bash", "zsh", "fish"]).pipe(
    Argument.withDescription("Whose script to print: bash, zsh or fish")
  )
}, ({ shell }) => bytes(Stream.succeed(Buffer.from(scripts[shell])))).pipe(
  described("Print a script for completion", "It completes commands and flags, and layouts, repositories and tags.", [
    ["completions bash > ~/.local/share/bash-completion/completions/ocilayout", "For bash"],
    ["completions zsh > \"${fpath[1]}/_ocilayout\"", "For zsh"],
    ["completions fish > ~/.config/fish/completions/ocilayout.fish", "For fish"]
  ])
)

/** What the scripts call; it never fails: who presses a key wants no messages. */
export const completing = (root: () => Completions.CommandDescriptor) =>
  Command.unlisted(Command.make(
    "complete",
    {
      line: f.argument("line", "The command line so far")
    },
    Effect.fnUntraced(function*({ line }) {
      const layout = yield* Effect.orElseSucceed(Config.option(Config.String("OCILAYOUT_LAYOUT")), Option.none)
      const found = yield* Effect.orElseSucceed(
        complete(root(), line, layout),
        (): ReadonlyArray<string> => []
      )
      yield* Effect.catchTag(write(found.map((one) => `${one}\n`).join("")), "StorageError", () => Effect.void)
    })
  ))
