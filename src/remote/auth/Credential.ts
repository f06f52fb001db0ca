/** What a registry is told so that it knows who asks. */
import type { Effect, Redacted } from "effect"
import type { StorageError, Unauthorized } from "../../oci/OciError.ts"

/** A name with its password, a token that is exchanged for others, or one that is sent as it is. */
export type Credential =
  | { readonly _tag: "Password"; readonly username: string; readonly password: Redacted.Redacted }
  | { readonly _tag: "IdentityToken"; readonly token: Redacted.Redacted }
  | { readonly _tag: "RegistryToken"; readonly token: Redacted.Redacted }

/** The credential for a registry, as it is named in references; none where it is asked anonymously. */
export type Credentials = (
  host: string,
  repository: string | undefined
) => Effect.Effect<Credential | undefined, StorageError | Unauthorized>
