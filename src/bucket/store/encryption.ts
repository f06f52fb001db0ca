/** How a store encrypts what is written into it, as S3's headers of server-side encryption say it. */
import { Result } from "effect"
import { InputUnsuitable } from "../../oci/OciError.ts"

/** `AES256` is a key of the store's own; with the others a key is one of its key management, by default that of the account. */
export type Encryption =
  | { readonly algorithm: "AES256" }
  | { readonly algorithm: "aws:kms" | "aws:kms:dsse"; readonly key?: string | undefined }

/** `AES256`, `aws:kms`, `aws:kms:dsse`; the last two may be followed by `=` and the id or ARN of a key. */
export const parseEncryption = (text: string): Result.Result<Encryption, InputUnsuitable> => {
  const [, algorithm, key] = /^(AES256|aws:kms|aws:kms:dsse)(?:=([!-~]{1,2048}))?$/u.exec(text) ?? []
  if (algorithm === "AES256" && key === undefined) return Result.succeed({ algorithm })
  if (algorithm === "aws:kms" || algorithm === "aws:kms:dsse") return Result.succeed({ algorithm, key })
  return Result.fail(
    new InputUnsuitable({ input: text, reason: "is no encryption of a store; write AES256, aws:kms or aws:kms=KEY" })
  )
}

/** The headers of a request that makes an object. */
export const encryptionHeaders = (encryption: Encryption | undefined): Readonly<Record<string, string>> => {
  if (encryption === undefined) return {}
  const { algorithm } = encryption
  const key = algorithm === "AES256" ? undefined : encryption.key
  return {
    "x-amz-server-side-encryption": algorithm,
    ...(key === undefined ? {} : { "x-amz-server-side-encryption-aws-kms-key-id": key })
  }
}
