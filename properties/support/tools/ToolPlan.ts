/** Every tool that is modelled, as a plan that fast-check draws and prints. */
import fc from "fast-check"
import { buildkitExport } from "./buildkit.ts"
import { containersCopy } from "./containersImage.ts"
import { craneCollect, cranePull } from "./crane.ts"
import { goHandle } from "./goPackage.ts"
import { imageOf } from "./images.ts"
import { orasCopy, orasDelete, orasTag } from "./oras.ts"
import { putBack, replaceByCopy, wipe } from "./person.ts"
import { regctlCopy, regctlTagDelete } from "./regctl.ts"
import { script } from "./script.ts"
import type { Desk, Work } from "./Tool.ts"
import { umociBuild, umociCollect, umociRemove, umociTag } from "./umoci.ts"

interface Names {
  readonly note: string
  readonly name: string
}

type Use = { readonly does: "push" } & Names | { readonly does: "untag"; readonly name: string }

export type ToolPlan =
  | { readonly tool: "skopeo" | "buildah" | "oras cp" | "regctl copy" | "crane pull" | "buildkit" | "wipe" } & Names
  | { readonly tool: "umoci build"; readonly from?: string | undefined } & Names
  | { readonly tool: "umoci tag" | "oras tag"; readonly from: string; readonly name: string }
  | { readonly tool: "umoci rm" | "oras delete" | "regctl delete"; readonly name: string }
  | { readonly tool: "umoci gc" | "crane gc" | "replace by copy" }
  | { readonly tool: "go handle"; readonly uses: ReadonlyArray<Use> }
  | { readonly tool: "script" } & Parameters<typeof script>[1]
  | { readonly tool: "put back"; readonly by: "mv" | "cp" | "cp -p" }

/** Carries a plan out, to its end or until the tool gives up. */
export const runTool = (desk: Desk, plan: ToolPlan): Work => {
  switch (plan.tool) {
    case "skopeo":
    case "buildah":
      return containersCopy(desk, { ...imaged(plan), compresses: plan.tool === "buildah" })
    case "oras cp":
      return orasCopy(desk, imaged(plan))
    case "regctl copy":
      return regctlCopy(desk, imaged(plan))
    case "crane pull":
      return cranePull(desk, imaged(plan))
    case "buildkit":
      return buildkitExport(desk, imaged(plan))
    case "wipe":
      return wipe(desk, imaged(plan))
    case "umoci build":
      return umociBuild(desk, { ...imaged(plan), from: plan.from })
    case "umoci tag":
      return umociTag(desk, plan)
    case "oras tag":
      return orasTag(desk, plan)
    case "umoci rm":
      return umociRemove(desk, plan)
    case "oras delete":
      return orasDelete(desk, plan)
    case "regctl delete":
      return regctlTagDelete(desk, plan)
    case "umoci gc":
      return umociCollect(desk)
    case "crane gc":
      return craneCollect(desk)
    case "replace by copy":
      return replaceByCopy(desk)
    case "go handle":
      return goHandle(desk, plan.uses.map((use) => use.does === "push" ? { ...use, ...imaged(use) } : use))
    case "script":
      return script(desk, plan)
    case "put back":
      return putBack(desk, plan)
  }
}

const imaged = ({ name, note }: Names) => ({ image: imageOf(note), name })

/**
 * @param names those that a tool sets, and takes as sources
 * @param notes the images that it brings
 */
export const toolPlan = (names: ReadonlyArray<string>, notes: ReadonlyArray<string>): fc.Arbitrary<ToolPlan> => {
  const name = fc.constantFrom(...names)
  const note = fc.constantFrom(...notes)
  const copies = fc.constantFrom("skopeo", "skopeo", "buildah", "oras cp", "regctl copy", "buildkit")
  const use: fc.Arbitrary<Use> = fc.oneof(
    fc.record({ does: fc.constant("push"), name, note }),
    fc.record({ does: fc.constant("untag"), name })
  )
  const edit = fc.oneof(fc.record({ from: name, name }), fc.record({ removes: name }), fc.constant(undefined))
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ tool: copies, name, note }) },
    // An entry more, whatever has its name: crane is given names of its own.
    {
      weight: 1,
      arbitrary: fc.record({ tool: fc.constant("crane pull"), name: name.map((one) => `${one}-crane`), note })
    },
    { weight: 2, arbitrary: fc.record({ tool: fc.constantFrom("umoci tag", "oras tag"), from: name, name }) },
    {
      weight: 1,
      arbitrary: fc.record({ tool: fc.constant("umoci build"), name, note, from: fc.option(name, { nil: undefined }) })
    },
    { weight: 2, arbitrary: fc.record({ tool: fc.constantFrom("umoci rm", "oras delete", "regctl delete"), name }) },
    { weight: 3, arbitrary: fc.record({ tool: fc.constantFrom("umoci gc", "crane gc") }) },
    {
      weight: 2,
      arbitrary: fc.record({ tool: fc.constant("go handle"), uses: fc.array(use, { minLength: 1, maxLength: 3 }) })
    },
    {
      weight: 2,
      arbitrary: fc.record({
        tool: fc.constant("script"),
        by: fc.constantFrom("mv", "redirection"),
        dropsAnnotations: fc.boolean(),
        edit
      })
    },
    { weight: 1, arbitrary: fc.record({ tool: fc.constantFrom("wipe"), name, note }) },
    { weight: 1, arbitrary: fc.record({ tool: fc.constant("replace by copy") }) },
    { weight: 2, arbitrary: fc.record({ tool: fc.constant("put back"), by: fc.constantFrom("mv", "cp", "cp -p") }) }
  )
}

/** Whether it does what the lab leaves to quiet times: no other tool may be at work. */
export const wantsQuiet = ({ tool }: ToolPlan): boolean => tool === "wipe" || tool === "replace by copy"
