/** What a bill of materials lists, in either of the two usual forms. */

export interface Component {
  readonly name: string
  readonly version: string
  readonly license: string
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined

const textOf = (value: unknown): string => typeof value === "string" ? value : ""

const listOf = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : []

const said = (text: string): string => text === "NOASSERTION" || text === "NONE" ? "" : text

/** SPDX 2 (`packages`), or CycloneDX (`components`), by itself or as what an in-toto statement says; nothing of other text. */
export const billOf = (text: string): ReadonlyArray<Component> | undefined => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  const predicate = fieldOf(json, "predicate") ?? json
  if (fieldOf(predicate, "spdxVersion") !== undefined) {
    return listOf(fieldOf(predicate, "packages")).map((one) => ({
      name: textOf(fieldOf(one, "name")),
      version: textOf(fieldOf(one, "versionInfo")),
      license: said(textOf(fieldOf(one, "licenseConcluded"))) || said(textOf(fieldOf(one, "licenseDeclared")))
    }))
  }
  if (fieldOf(predicate, "bomFormat") === "CycloneDX") {
    return listOf(fieldOf(predicate, "components")).map((one) => ({
      name: textOf(fieldOf(one, "name")),
      version: textOf(fieldOf(one, "version")),
      license: listOf(fieldOf(one, "licenses")).map((license) =>
        textOf(fieldOf(fieldOf(license, "license"), "id")) || textOf(fieldOf(fieldOf(license, "license"), "name")) ||
        textOf(fieldOf(license, "expression"))
      ).filter((license) => license !== "").join(", ")
    }))
  }
  return undefined
}
