/** `npx vitest run -u test/cli/schemas.test.ts` writes the files; a missing one fails where `CI` is set. */
import { assert, describe, expect, it } from "@effect/vitest"
import { Struct } from "effect"
import { readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { publishedSchema, schemaName } from "../../src/cli/publishedSchema.ts"
import { schemas } from "../../src/cli/schemas.ts"

const folder = fileURLToPath(new URL("../../schemas/", import.meta.url))

const commands = Struct.keys(schemas)

/** All fields below a schema, with what is said of each. */
const fieldsIn = (value: unknown): ReadonlyArray<readonly [field: string, schema: object]> =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([key, inner]: readonly [string, unknown]) => [
      ...(key === "properties" && typeof inner === "object" && inner !== null
        ? Object.entries(inner).map(([field, schema]: readonly [string, unknown]) => [field, Object(schema)] as const)
        : []),
      ...fieldsIn(inner)
    ])

describe("the JSON of commands", () => {
  it.each(commands)("%s is published as it is", async (command) => {
    const published = publishedSchema(command)
    assert.strictEqual(published["title"], `ocilayout ${command} --json`)
    await expect(`${JSON.stringify(published, null, 2)}\n`).toMatchFileSnapshot(`${folder}${schemaName(command)}.json`)
  })

  it.each(commands)("%s says of every field what it means", (command) => {
    const bare = fieldsIn(publishedSchema(command)).filter(([, schema]) => !("description" in schema))
    assert.deepStrictEqual(bare.map(([field]) => field), [])
  })

  it("has one case for all keys", () => {
    for (const command of commands) {
      const keys = fieldsIn(publishedSchema(command)).map(([field]) => field)
      assert.isNotEmpty(keys, command)
      assert.deepStrictEqual(keys.filter((key) => !/^[a-z]+(?:_[a-z]+)*$/u.test(key)), [], command)
    }
  })

  it("has no schema of a command that is no more", () => {
    assert.deepStrictEqual(
      readdirSync(folder).toSorted(),
      commands.map((command) => `${schemaName(command)}.json`).toSorted()
    )
  })
})
