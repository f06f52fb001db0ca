/** Bugs that could be in `src`, each with the property that finds it. */
import { bucket } from "./bucket.ts"
import { commits } from "./commits.ts"
import { content } from "./content.ts"
import { core } from "./core.ts"
import type { Mutant } from "./Mutant.ts"
import { rights } from "./rights.ts"
import { rules } from "./rules.ts"

export const mutants: ReadonlyArray<Mutant> = [...rules, ...commits, ...content, ...rights, ...core, ...bucket]
