/** What people can start with one word: each prompt asks a model for a piece of work that takes several tools. */

/** What an argument can be completed to. */
export type Completing = "ref" | "layout" | "artifact_type"

export interface PromptArgument {
  readonly name: string
  readonly description: string
  readonly required: boolean
  /** Absent where no values are offered, as for local paths. */
  readonly completing?: Completing
}

export interface Prompt {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly arguments: ReadonlyArray<PromptArgument>
  /** It is offered where all of these tools are; it speaks of further ones only where they are offered. */
  readonly tools: ReadonlyArray<string>
  /** Whether it reads files of the person's. */
  readonly files?: true
  /** What the model is asked for, with `{name}` where an argument goes. */
  readonly text: string
}

const ref = (name: string, description: string): PromptArgument => ({
  name,
  description,
  required: true,
  completing: "ref"
})

export const prompts: ReadonlyArray<Prompt> = [
  {
    name: "inspect_image",
    title: "Inspect an image",
    description: "What an image is, and what stands out about it",
    arguments: [ref("ref", "repository:tag or repository@digest")],
    tools: ["oci_inspect_image", "oci_list_referrers"],
    text:
      "Inspect the container image {ref} with oci_inspect_image; if it is an index of several platforms, look at each. Look with oci_list_referrers for what is attached. Tell in a few sentences what the image is and how it is run. Then list what stands out: the user it runs as (root, or none said), open ports, volumes, environment variables that look like secrets, layers that are large for what they add, an old creation date, and a missing SBOM, signature or attestation."
  },
  {
    name: "compare_images",
    title: "Compare two images",
    description: "What differs between two images, and what they share",
    arguments: [ref("ref_a", "The first image"), ref("ref_b", "The second image")],
    tools: ["oci_resolve", "oci_inspect_image"],
    text:
      "Compare the container images {ref_a} and {ref_b}. Resolve both with oci_resolve; if they have the same digest, say so and stop. Otherwise inspect both with oci_inspect_image, for the same platform if they are indexes. Report the differences in configuration (entrypoint, command, environment, user, ports, labels), which layers they share and which only one has, with their sizes and the instructions that made them, and the difference in total size. Say what the change seems to be for, and what is only a guess."
  },
  {
    name: "attach_artifact",
    title: "Attach an artifact to an image",
    description: "Attaches a file, such as an SBOM or a signature, to an image",
    arguments: [
      ref("ref", "The image it is about"),
      { name: "path", description: "The file, in an allowed directory", required: true },
      { name: "artifact_type", description: "Its media type", required: true, completing: "artifact_type" }
    ],
    tools: ["oci_resolve", "oci_push_blob", "oci_push_manifest", "oci_list_referrers"],
    files: true,
    text:
      "Attach the file {path} as an artifact of type {artifact_type} to the image {ref}. First resolve the image with oci_resolve: its media type, full digest and size are the subject. Then push the file into the same repository with oci_push_blob and path, and the two bytes {} as text: they are the empty config. Then push with oci_push_manifest an image manifest (schemaVersion 2, mediaType application/vnd.oci.image.manifest.v1+json) with artifactType {artifact_type}, the descriptor of {} as config with mediaType application/vnd.oci.empty.v1+json, the file's descriptor as its only layer with mediaType {artifact_type} and its file name as annotation org.opencontainers.image.title, and the subject. Do not tag it. Check with oci_list_referrers that it is attached, and report its digest."
  },
  {
    name: "check_layout",
    title: "Check a layout",
    description: "Looks for everything that is wrong with a layout, and explains it",
    arguments: [],
    tools: ["oci_verify"],
    text:
      "Check the layout for damage. Run oci_verify at level links first, and then at level content, which reads every byte. Explain every problem in plain words: what it means, which images suffer, how bad it is, and what would repair it. See with oci_repair and dry_run what could be repaired, and ask before repairing anything. If nothing is wrong, say what was checked."
  },
  {
    name: "free_space",
    title: "Free space",
    description: "Finds what could be removed from a layout, and removes it once that was agreed to",
    arguments: [],
    tools: ["oci_gc"],
    text:
      "Find out what space can be freed in the layout. Call oci_gc without plan: it only reports. Explain what would go and why, with sizes, what stays for which reason, and what more would go with untagged or keep rules. Then ask whether to go on. Only after a clear yes, and if a plan was returned, call oci_gc again with exactly that plan, and report what was freed; what it removes does not come back. Without a plan nothing can be removed here: say so."
  }
]
