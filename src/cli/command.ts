/** All commands there are. */
import { Command, Completions } from "effect/cli"
import { load, save } from "./commands/archive.ts"
import { blob } from "./commands/blob.ts"
import { bundle } from "./commands/bundle.ts"
import { cat } from "./commands/cat.ts"
import { completing, completions } from "./commands/completions.ts"
import { copy } from "./commands/copy.ts"
import { diff } from "./commands/diff.ts"
import { du } from "./commands/du.ts"
import { extract } from "./commands/extract.ts"
import { filesCommand, find, which } from "./commands/files.ts"
import { gc, pin, pins, unpin } from "./commands/garbage.ts"
import { grep } from "./commands/grep.ts"
import { history, restore, revert, watch } from "./commands/history.ts"
import { init } from "./commands/init.ts"
import { inspect } from "./commands/inspect.ts"
import { inventory } from "./commands/inventory.ts"
import { repositories, tags } from "./commands/list.ts"
import { login, logout } from "./commands/login.ts"
import { manifest } from "./commands/manifest.ts"
import { mcp } from "./commands/mcp.ts"
import { findPackageCommand, packages } from "./commands/packages.ts"
import { referrers, resolve } from "./commands/resolve.ts"
import { serve } from "./commands/serve.ts"
import { sync } from "./commands/sync.ts"
import { rm, tag } from "./commands/tag.ts"
import { pull, push } from "./commands/transfer.ts"
import { ui } from "./commands/ui.ts"
import { repair, verify } from "./commands/upkeep.ts"
import { upload } from "./commands/upload.ts"
import { usage } from "./commands/usage.ts"
import { annotate } from "./making/annotate.ts"
import { artifact } from "./making/artifact.ts"
import { image } from "./making/image.ts"
import { index } from "./making/indexes.ts"

const commands = [
  init,
  repositories,
  Command.withAlias(tags, "ls"),
  Command.withAlias(resolve, "digest"),
  manifest,
  cat,
  blob,
  upload,
  tag,
  rm,
  image,
  index,
  artifact,
  annotate,
  referrers,
  inspect,
  filesCommand,
  find,
  which,
  diff,
  du,
  extract,
  grep,
  packages,
  findPackageCommand,
  usage,
  Command.withAlias(copy, "cp"),
  pull,
  push,
  sync,
  save,
  load,
  bundle,
  inventory,
  login,
  logout,
  pin,
  unpin,
  pins,
  history,
  watch,
  revert,
  restore,
  verify,
  repair,
  gc,
  serve,
  ui,
  mcp,
  completions
] as const

const root = Command.make("ocilayout").pipe(
  Command.withDescription("A registry in a directory: OCI image layouts for people, programs and agents")
)

/** What there is to be completed. */
const described = (): Completions.CommandDescriptor => Completions.fromCommand(Command.withSubcommands(root, commands))

export const ocilayout = Command.withSubcommands(root, [...commands, completing(described)])
