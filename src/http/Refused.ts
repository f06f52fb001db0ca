/** A request that is refused before, or besides, what the registry says. */
import { Schema } from "effect"

export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  /** Of HTTP. */
  status: Schema.Int,
  /** Of the distribution-spec ("Error Codes"), where it has one. */
  code: Schema.String,
  message: Schema.String,
  headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
}) {}
