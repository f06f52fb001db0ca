/**
 * The rules of the disk, numbered as in the protocol document, and what can be left out of them. Rule 21 is what R15 says
 * there of syncing.
 */
export const rules: Readonly<Record<number, string>> = {
  1: "The last group of the journal happened unless the file with its hash `after` still waits under its own name in " +
    "`displaced/`. The bytes of the index never make it not happened.",
  2: "An index that carries the generation of the last group proves that it happened, whatever waits. Who has the lock " +
    "then removes the waiting file and syncs its folder before it answers anything.",
  3: "The order: waiting file written and synced, record appended and synced, exchange, sync of the layout's folder and " +
    "of `displaced/`, answer. Where the index has no generation of ours, `displaced/` is synced before the record too.",
  4: "Only who holds the lock and sees the file waiting, or the writer itself before its exchange, writes an abort " +
    "record. It is synced before the waiting file goes, before the next try and before a refusal is answered.",
  5: "A sweep keeps every file that belongs to the last group of the journal.",
  6: "A reader without a lock reads the index, the end of the journal, the waiting file, and the end again. If the end " +
    "changed, it starts anew.",
  7: "After an error of the exchange the waiting name decides whether it was done.",
  8: "A generation is the journal, the number and a random name.",
  9: "A name of which a foreign index says what any version since its base said is as we have it now. Only what no such " +
    "version said is its word. What a copy that went its own way lacks says nothing.",
  10:
    "In an index without generation a name that we have changed since the adoption stays ours. Its word goes into the " +
    "history.",
  11: "Displaced files are merged by rules 9 and 10, against the versions up to their own record. Removals count.",
  12:
    "Bytes equal to an earlier version are a restored copy only if the version had been superseded a day before the " +
    "file arrived, by ctime and mtime, and `oci-layout` was not written by the same hand after that, and `.ocilayout` " +
    "is the one of the last record. Otherwise they are stale.",
  13: "A look that may write renews the generation even when the entries are equal.",
  14: "A new layout: no generation of this journal, another folder `blobs/`, the same `.ocilayout`, and another " +
    "`oci-layout` or content of the head that is missing. Neither index nor `oci-layout` beside a journal: at once. " +
    "Journal and displaced files are put aside together. A copy's folders are recorded anew.",
  15: "Whatever an index of ours reaches has a second name of ours from before the record that names it, until no " +
    "index, undo version, pin or lease needs it.",
  16: "A look that may write completes every entry before the index names it. It may skip that while the stamp of " +
    "`blobs/` is the one of the last listing and was older than that listing.",
  17: "Content is put back by a link or a copy. Our second name stays.",
  18: "No sweep removes a second name that rule 15 needs. Windows count from the time in the record, which is never " +
    "before that of the record before it.",
  19:
    "Our collection moves content to `trash/`. A later one deletes it, a day after the move as we noted it, never what " +
    "rule 15 needs or an index names, and neither while a temporary file of a known tool is fresh, nor where a needed " +
    "manifest cannot be read.",
  20: "Old and new rules never write one layout: a program refuses a journal of a newer format.",
  21:
    "Content that a record of ours reaches is synced before that record, also where a tool wrote it. What is pushed " +
    "again is verified, and replaced under both names where it is wrong."
}

/** One thing each that a program could fail to do; the number is the rule that says it has to. */
export const omissions = {
  "the bytes of the index decide on the last line": 1,
  "a file that decides wrongly is left": 2,
  "the journal is not synced before the exchange": 3,
  "no folder is synced before the answer": 3,
  "the folder of displaced files is not synced": 3,
  "a first waiting file is not synced by name": 3,
  "no abort record is written": 4,
  "the abort record is not synced": 4,
  "the waiting file goes before the abort record": 4,
  "a sweep takes a file that still decides": 5,
  "a reader reads the journal once": 6,
  "the index decides on a failed exchange": 7,
  "a generation is known by its number alone": 8,
  "a foreign index is merged with its base alone": 9,
  "what a diverged copy says is laid over ours": 9,
  "the adopted index is forgotten after an hour": 10,
  "without a generation its word wins": 10,
  "removals in displaced files do not count": 11,
  "bytes of an earlier version are taken as they are": 12,
  "the age counts from when the version was made": 12,
  "the age counts up to our look": 12,
  "an hour is enough": 12,
  "a restored copy is never honoured": 12,
  "the stamp of oci-layout is not looked at": 12,
  "oci-layout counts beside an old file": 12,
  "the file times of a copy count": 12,
  "the generation is not renewed": 13,
  "a new layout is one that shares nothing and lacks content": 14,
  "a new layout is never seen": 14,
  "the identity of oci-layout is not looked at": 14,
  "the identity of .ocilayout is not looked at": 14,
  "displaced files stay when the journal is put aside": 14,
  "the folders of a copy are not recorded anew": 14,
  "only what is pushed is held": 15,
  "what was found and replaced is not held": 15,
  "second names are not synced before the record": 15,
  "only entries that come back are completed": 16,
  "nothing is completed": 16,
  "only manifests are completed": 16,
  "a young stamp is trusted": 16,
  "content is put back by moving the second name": 17,
  "a hold ends after a day": 18,
  "windows count from file times": 18,
  "times of records go back": 18,
  "a collection deletes at once": 19,
  "an hour in the trash is enough": 19,
  "temporary files are not looked at": 19,
  "an older program goes on": 20,
  "content of others is not synced": 21,
  "what is pushed again is not verified": 21
} as const

export type Omission = keyof typeof omissions

/** The rules that a process follows: all but these. */
export type Without = ReadonlySet<Omission>

export const all: Without = new Set<Omission>()

export const without = (...omitted: ReadonlyArray<Omission>): Without => new Set(omitted)

/** A program from before these rules, as far as it matters to a newer one beside it. */
export const older: Without = without(
  "the bytes of the index decide on the last line",
  "the folder of displaced files is not synced",
  "bytes of an earlier version are taken as they are",
  "a generation is known by its number alone",
  "a foreign index is merged with its base alone",
  "only what is pushed is held",
  "nothing is completed"
)
