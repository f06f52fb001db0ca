/** What is asked for when a layout is opened. */

/** What an acknowledged change survives: a power cut, the death of the process, or nothing in particular. */
export type Durability = "power" | "process" | "none"

/** Whether links inside a layout are refused, followed while they stay inside, or followed anywhere. */
export type SymlinkPolicy = "refuse" | "inside" | "follow"

/**
 * For how long content that an index of ours reaches has a second name in `.ocilayout`, so that no other tool's garbage
 * collection takes it away: as long as an index, a version that can be brought back or a pin needs it, for a day after it
 * was pushed or named, or never.
 */
export type HoldPolicy = "always" | "day" | "never"
