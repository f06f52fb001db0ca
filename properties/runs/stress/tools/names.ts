/** The names that processes of ours and other tools write, and the images that all of them have. */

/** The repository that processes of ours write. */
export const repository = "app"

/** How many tags each process of ours has to itself. */
export const ownNames = 6

/** Tags of the repository that tools write as well. */
export const sharedNames: ReadonlyArray<string> = Array.from({ length: 4 }, (_, at) => `shared-${at}`)

/** Notes of the images that lie in another layout, from which tools copy. */
export const pool: ReadonlyArray<string> = Array.from({ length: 16 }, (_, at) => `p${at}`)

/** Those whose content lies in the layout already, old and without a name: garbage that a tool may count on. */
export const garbage: ReadonlyArray<string> = pool.slice(8)
