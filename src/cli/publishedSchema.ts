/** The JSON Schema of a command's answer, as it is published in `schemas/`. */
import { Schema } from "effect"
import { describeField } from "./jsonFields.ts"
import { schemas } from "./schemas.ts"

type Fields = Readonly<Record<string, unknown>>

/** A schema with what each of its fields means, and of those below it. */
const described = (command: string, schema: Fields): Fields =>
  Object.fromEntries(
    Object.entries(schema).map(([key, part]) => [
      key,
      key === "properties" && isRecord(part) ? withDescriptions(command, part) : inside(command, part)
    ])
  )

const inside = (command: string, part: unknown): unknown =>
  Array.isArray(part)
    ? part.map((one) => inside(command, one))
    : isRecord(part)
    ? described(command, part)
    : part

const withDescriptions = (command: string, properties: Fields): Fields =>
  Object.fromEntries(
    Object.entries(properties).map(([field, schema]) => {
      const description = describeField(command, field)
      const whole = isRecord(schema) ? described(command, schema) : {}
      return [field, description === undefined ? whole : { description, ...whole }]
    })
  )

const isRecord = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The name of the file that has the schema of a command. */
export const schemaName = (command: string): string => command.replace(" ", "-")

/** A whole document, in the dialect of 2020-12. */
export const publishedSchema = (command: keyof typeof schemas): Fields => {
  const { definitions, schema } = Schema.toJsonSchemaDocument(schemas[command])
  const document = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: `ocilayout ${command} --json`,
    ...schema,
    ...(Object.keys(definitions).length === 0 ? {} : { $defs: definitions })
  }
  return described(schemaName(command), document)
}
