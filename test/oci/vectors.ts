/** What docker/oci and the spec's own expressions said about 223 names (see the note in the file). */
import { Schema } from "effect"
import { readFileSync } from "node:fs"

const Name = Schema.Struct({ in: Schema.String, valid: Schema.Boolean })
const Parts = Schema.Struct({
  host: Schema.String,
  repository: Schema.String,
  tag: Schema.String,
  digest: Schema.String
})
const Outcome = Schema.Union([Parts, Schema.Struct({ error: Schema.String })])
export type Outcome = typeof Outcome.Type

const Vectors = Schema.Struct({
  host: Schema.Array(Name),
  repository: Schema.Array(Schema.Struct({ ...Name.fields, refNameWithLatest: Schema.Boolean })),
  tag: Schema.Array(Schema.Struct({ ...Name.fields, refName: Schema.Boolean })),
  digest: Schema.Array(Schema.Struct({
    in: Schema.String,
    valid: Schema.Union([Schema.Boolean, Schema.Literal("grammar-only")]),
    dockerOci: Schema.Boolean
  })),
  reference: Schema.Array(Schema.Struct({ in: Schema.String, relative: Outcome, absolute: Outcome }))
})

export const vectors = Schema.decodeUnknownSync(Schema.fromJsonString(Vectors))(
  readFileSync(new URL("../fixtures/vectors/references.json", import.meta.url), "utf8")
)
