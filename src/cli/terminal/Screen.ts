/** What answers to people are shown on. */
import { Context } from "effect"
import process from "node:process"

export interface Screen {
  /** Characters in a line; none where lines may be as long as they are. */
  readonly columns: number | undefined
  readonly colour: boolean
  /** Now, in milliseconds since 1970: ages are told from here. */
  readonly now: number
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== ""

/** Standard output as it is: lines are cut to a terminal alone, and `NO_COLOR` is respected (no-color.org). */
const standardOutput = (): Screen => {
  const { env, stdout } = process
  const forced = isSet(env["FORCE_COLOR"]) && env["FORCE_COLOR"] !== "0"
  return {
    columns: stdout.isTTY ? stdout.columns : undefined,
    colour: !isSet(env["NO_COLOR"]) && (forced || (stdout.isTTY && env["TERM"] !== "dumb")),
    now: Date.now()
  }
}

export const Screen: Context.Reference<Screen> = Context.Reference<Screen>("ocilayout/cli/Screen", {
  defaultValue: standardOutput
})
