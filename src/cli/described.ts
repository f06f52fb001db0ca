/** Help of a command: in a line, in full, and by examples. */
import { Command } from "effect/cli"

export const described = (
  short: string,
  long: string,
  examples: ReadonlyArray<readonly [command: string, description: string]>
) =>
<Name extends string, Input, ContextInput, E, R>(
  command: Command.Command<Name, Input, ContextInput, E, R>
): Command.Command<Name, Input, ContextInput, E, R> =>
  command.pipe(
    Command.withShortDescription(short),
    Command.withDescription(`${short}. ${long}`.trim()),
    Command.withExamples(examples.map(([command, description]) => ({ command: `ocilayout ${command}`, description })))
  )
