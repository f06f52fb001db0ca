/** Chooses an image of an index by platform, and shows platforms. */
import { Effect } from "effect"
import type { Descriptor } from "../../oci/Descriptor.ts"
import { type Manifest, parseManifest } from "../../oci/Manifest.ts"
import { platformOf } from "../../oci/Platform.ts"
import { chooseImage } from "../../ops/refs/chooseImage.ts"
import { readSource, sourceOf } from "../../ops/refs/copySource.ts"
import { candidatesOf, type Found, type Source } from "../../ops/refs/find.ts"
import { clean } from "./display.ts"
import { manifestBytes } from "./reference.ts"
import type { ToolError } from "./SurfaceError.ts"

/** `os/arch[/variant]` of an index's child, if it says, as a summary shows it. */
export const shownPlatform = (child: Descriptor): string | undefined => {
  const platform = platformOf(child)
  return platform === undefined ? undefined : clean(platform)
}

/** A manifest that a name leads to beside another: its digest, and what it is for. */
export const shownChoice = (descriptor: Descriptor): string => {
  const platform = shownPlatform(descriptor)
  return platform === undefined ? descriptor.digest : `${descriptor.digest} (${platform})`
}

export interface Chosen {
  readonly descriptor: Descriptor
  readonly manifest: Manifest
  readonly bytes: Uint8Array
  /** As the index says. */
  readonly platform?: string
}

/** A manifest as its descriptor names it. */
export const readManifest = Effect.fnUntraced(function*(
  source: Source,
  descriptor: Descriptor
): Effect.fn.Return<Chosen, ToolError> {
  const bytes = yield* manifestBytes(source, descriptor)
  return { descriptor, bytes, manifest: yield* Effect.fromResult(parseManifest(bytes, descriptor.mediaType, "read")) }
})

/** The image for a platform, found below an index; a manifest that is no index stands for itself. */
export const choosePlatform = Effect.fnUntraced(function*(
  found: Found,
  platform: string
): Effect.fn.Return<Chosen, ToolError> {
  const { child, manifest: chosen } = yield* chooseImage(readSource(sourceOf(found)), candidatesOf(found), platform)
  const stated = child === undefined ? undefined : shownPlatform(child)
  return stated === undefined ? chosen : { ...chosen, platform: stated }
})
