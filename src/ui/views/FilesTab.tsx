/** Files of an image: a tree, a search, and what is in a file. */
import type { VNode } from "preact"
import { useEffect, useMemo, useRef, useState } from "preact/hooks"
import type { File, Image } from "../../http/ui/answers.ts"
import { ask, messageOf } from "../data/api.ts"
import { counted, sizeOf } from "../data/format.ts"
import { replace, type Route } from "../data/route.ts"
import { useAnswer } from "../data/useAnswer.ts"
import { Icon, type IconName } from "../parts/Icon.tsx"
import { Empty, Failed, Waiting } from "../parts/Notice.tsx"
import { Rows } from "../parts/Rows.tsx"
import { Search } from "../parts/Search.tsx"
import { Text } from "../parts/Text.tsx"
import { FileView } from "./FileView.tsx"

interface Props {
  readonly image: Image
  readonly params: Route["params"]
}

/** One line of the tree. */
interface Leaf {
  readonly file: File
  readonly path: string
  readonly depth: number
  readonly isOpen: boolean
}

interface Folder {
  readonly files: ReadonlyArray<File>
  readonly isComplete: boolean
}

const below = (folder: string, name: string): string => folder === "/" ? `/${name}` : `${folder}/${name}`

const foldersAbove = (path: string): ReadonlyArray<string> => {
  const parts = path.split("/").slice(1, -1)
  return ["/", ...parts.map((_, at) => `/${parts.slice(0, at + 1).join("/")}`)]
}

const rowHeight = 28

export const FilesTab = ({ image, params }: Props): VNode => {
  const { path, platform, reference = "", repository = "" } = params
  const where = { repository, reference, platform }
  const [wanted, setWanted] = useState("")
  const tree = useTree(where, image.digest, path)
  const text = useLater(wanted.trim())
  const found = useAnswer("find", text === "" ? undefined : { ...where, name: text }, false)
  const open = (to: string): void => replace("image", { ...params, path: to })
  const leaves = useMemo(
    () =>
      text === ""
        ? tree.leaves
        : (found.value?.files ?? []).map((file): Leaf => ({ file, path: file.name, depth: 0, isOpen: false })),
    [text, tree.leaves, found.value]
  )
  const active = path === undefined ? undefined : leaves.findIndex((leaf) => leaf.path === path)
  return (
    <div class={path === undefined ? "files split at-list" : "files split at-detail"}>
      <div class="tree-pane">
        <Search label="Search all files: a part of a name, or *.so" value={wanted} onInput={setWanted} isMain />
        {tree.failure === undefined ? null : <Failed message={tree.failure} />}
        {text !== "" && found.failure !== undefined ? <Failed message={found.failure} /> : null}
        {leaves.length === 0
          ? tree.isLoading || found.isLoading
            ? <Waiting what="looking into the layers" />
            : <Empty title="Nothing here" />
          : (
            <Rows
              items={leaves}
              height={rowHeight}
              label={text === "" ? "Files" : "Files that were found"}
              role="tree"
              {...(active === undefined || active < 0 ? {} : { active })}
              onOpen={({ file, path }) => file.type === "directory" && text === "" ? tree.toggle(path) : open(path)}
              onKey={(key, leaf, at) => movedBy(key, leaf, at, leaves, tree.toggle)}
              rowProps={({ depth, file, isOpen, path: own }) => ({
                "aria-level": depth + 1,
                "aria-selected": own === path,
                ...(file.type === "directory" && text === "" ? { "aria-expanded": isOpen } : {})
              })}
            >
              {(leaf) => <Line leaf={leaf} isChosen={leaf.path === path} />}
            </Rows>
          )}
        <p class="dim tree-foot" role="status">
          {text === "" ? counted(leaves.length, "row") : counted(leaves.length, "file")}
          {text !== "" && found.value?.next !== undefined ? ", and more" : ""}
        </p>
      </div>
      {path === undefined
        ? (
          <div class="viewer">
            <Empty title="No file is open">Choose one from the tree: text, pictures and bytes are shown.</Empty>
          </div>
        )
        : (
          <FileView
            key={path}
            where={where}
            path={path}
            onClose={() => replace("image", { ...params, path: undefined })}
          />
        )}
    </div>
  )
}

/** The keys of a tree: right opens or goes in, left closes or goes out. */
const movedBy = (
  key: string,
  leaf: Leaf,
  at: number,
  leaves: ReadonlyArray<Leaf>,
  toggle: (path: string) => void
): number | undefined => {
  const isFolder = leaf.file.type === "directory"
  if (key === "ArrowRight" && isFolder) {
    if (!leaf.isOpen) toggle(leaf.path)
    return leaf.isOpen ? Math.min(at + 1, leaves.length - 1) : at
  }
  if (key === "ArrowLeft") {
    if (isFolder && leaf.isOpen) {
      toggle(leaf.path)
      return at
    }
    const parent = leaves.slice(0, at).findLastIndex(({ depth }) => depth < leaf.depth)
    return parent < 0 ? at : parent
  }
  return undefined
}

const icons: Readonly<Record<string, IconName>> = { directory: "folder", symlink: "link", hardlink: "link" }

const Line = (
  { isChosen, leaf: { depth, file, isOpen } }: { readonly leaf: Leaf; readonly isChosen: boolean }
): VNode => (
  <span class={isChosen ? "leaf chosen" : "leaf"} style={{ paddingLeft: `${8 + depth * 16}px` }}>
    <span class={isOpen ? "twist open" : "twist"}>{file.type === "directory" ? <Icon name="right" /> : null}</span>
    <Icon name={icons[file.type] ?? "file"} />
    <span class="leaf-name">
      <Text>{file.name}</Text>
      {file.target === undefined ? null : (
        <span class="dim">
          → <Text>{file.target}</Text>
        </span>
      )}
    </span>
    <span class={`dot tone-${file.layer % 8}`} title={`layer ${file.layer + 1}`} />
    <span class="dim num leaf-size">{file.type === "file" ? sizeOf(file.size) : ""}</span>
  </span>
)

const typedMillis = 200

/** What was typed, once there is a pause. */
const useLater = (text: string): string => {
  const [later, setLater] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setLater(text), typedMillis)
    return () => clearTimeout(timer)
  }, [text])
  return text === "" ? "" : later
}

interface Where {
  readonly repository: string
  readonly reference: string
  readonly platform: string | undefined
}

/** Folders as they are opened, each in pages. */
const useTree = (where: Where, digest: string, path: string | undefined) => {
  const [folders, setFolders] = useState<ReadonlyMap<string, Folder>>(new Map())
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set(["/"]))
  const [failure, setFailure] = useState<string>()
  const loading = useRef(new Set<string>())
  const load = async (folder: string): Promise<void> => {
    const files: Array<File> = []
    let after: string | undefined
    do {
      const page = await ask("files", { ...where, path: folder, after })
      files.push(...page.files)
      after = page.next
      const so = { files: files.slice(), isComplete: after === undefined }
      setFolders((before) => new Map(before).set(folder, so))
    } while (after !== undefined)
  }
  const show = (folder: string): void => {
    if (loading.current.has(folder)) return
    loading.current.add(folder)
    load(folder).catch((error: unknown) => {
      loading.current.delete(folder)
      setFailure(messageOf(error))
    })
  }
  useEffect(() => {
    loading.current = new Set()
    setFolders(new Map())
    setFailure(undefined)
    show("/")
  }, [digest])
  useEffect(() => {
    if (path === undefined) return
    const above = foldersAbove(path)
    setOpened((before) => new Set([...before, ...above]))
    for (const folder of above) show(folder)
  }, [path, digest])
  const toggle = (folder: string): void => {
    if (!opened.has(folder)) show(folder)
    setOpened((before) => {
      const after = new Set(before)
      if (!after.delete(folder)) after.add(folder)
      return after
    })
  }
  const leaves = useMemo(() => Array.from(leavesOf(folders, opened)), [folders, opened])
  return { leaves, toggle, failure, isLoading: !folders.has("/") && failure === undefined }
}

function* leavesOf(
  folders: ReadonlyMap<string, Folder>,
  opened: ReadonlySet<string>
): Generator<Leaf> {
  // No recursion: folders lie in each other thousands deep.
  const waiting: Array<{ readonly path: string; readonly depth: number; at: number }> = [{ path: "/", depth: 0, at: 0 }]
  for (let inside = waiting.at(-1); inside !== undefined; inside = waiting.at(-1)) {
    const file = folders.get(inside.path)?.files[inside.at++]
    if (file === undefined) {
      waiting.pop()
      continue
    }
    const path = below(inside.path, file.name)
    const isOpen = file.type === "directory" && opened.has(path)
    yield { file, path, depth: inside.depth, isOpen }
    if (isOpen) waiting.push({ path, depth: inside.depth + 1, at: 0 })
  }
}
