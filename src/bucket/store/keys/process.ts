/** What `credential_process` of a profile prints. */
import { Effect, Result } from "effect"
import { execFile } from "node:child_process"
import { readJson } from "../../../oci/Json.ts"
import { Unauthorized } from "../../../oci/OciError.ts"
import { type Lender, lentIn } from "./Lent.ts"

export const byProcess = (profile: string, command: string): Lender =>
  Effect.gen(function*() {
    const [program = "", ...args] = command.match(/"[^"]*"|\S+/gu)?.map((word) => word.replaceAll("\"", "")) ?? []
    const failed = () =>
      new Unauthorized({ host: `credential_process of profile ${profile}`, store: true, reason: "it prints no keys" })
    const text = yield* Effect.tryPromise({
      try: () =>
        new Promise<string>((resolve, reject) =>
          execFile(program, args, { timeout: 60_000 }, (error, out) => error === null ? resolve(out) : reject(error))
        ),
      catch: failed
    })
    return lentIn(Result.getOrUndefined(readJson(Buffer.from(text))), "SessionToken") ?? (yield* failed())
  })
