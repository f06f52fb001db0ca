/** `npx vitest run -u test/cli/schemas.test.ts` writes the files; a missing one fails where `CI` is set. */
import { assert, describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { schemas } from "../../src/cli/schemas.ts"

const folder = fileURLToPath(new URL("../../schemas/", import.meta.url))

const fileOf = (command: string): string => `${command.replace(" ", "-")}.json`

describe("the JSON of commands", () => {
  it.each(Object.entries(schemas))("%s is published as it is", async (command, schema) => {
    const document = Schema.toJsonSchemaDocument(schema)
    const published = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: `ocilayout ${command} --json`,
      ...document.schema,
      ...(Object.keys(document.definitions).length === 0 ? {} : { $defs: document.definitions })
    }
    assert.strictEqual(document.schema["$schema"], undefined)
    await expect(`${JSON.stringify(published, null, 2)}\n`).toMatchFileSnapshot(`${folder}${fileOf(command)}`)
  })

  it("has one case for all keys", () => {
    const keysIn = (value: unknown): ReadonlyArray<string> =>
      typeof value !== "object" || value === null
        ? []
        : Object.entries(value).flatMap(([key, inner]: readonly [string, unknown]) => [
          ...(key === "properties" && typeof inner === "object" && inner !== null ? Object.keys({ ...inner }) : []),
          ...keysIn(inner)
        ])
    for (const [command, schema] of Object.entries(schemas)) {
      const keys = keysIn(Schema.toJsonSchemaDocument(schema))
      assert.isNotEmpty(keys, command)
      assert.deepStrictEqual(keys.filter((key) => !/^[a-z]+(?:_[a-z]+)*$/u.test(key)), [], command)
    }
  })

  it("has no schema of a command that is no more", () => {
    assert.deepStrictEqual(readdirSync(folder).toSorted(), Object.keys(schemas).map(fileOf).toSorted())
  })
})
