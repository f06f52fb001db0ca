/** What a program could fail to do of the rules of the bucket; each is a mistake that one of the worlds notices. */
export const mistakes = {
  "the index is put without a condition": "publish: PUT of index.json with If-Match",
  "a record is put without a condition": "a record: PUT with If-None-Match",
  "a reader trusts the index": "a reader takes the head from the list of records",
  "answered before the index is published": "publish, then answer",
  "a lost answer is decided again": "the same bytes under the same name, until it is known whose record it is",
  "refused is taken for not done": "a refused record may have been created by its first sending",
  "foreign bytes are taken in twice": "a record says which bytes of an index it took in",
  "garbage is removed without being condemned": "condemn by a record",
  "what a record condemned is removed at once": "a day between condemning and removing",
  "garbage is computed from the index": "the head of the records says what is needed",
  "a blob is deleted without a condition": "DELETE with If-Match",
  "a refreshed blob keeps its ETag": "refresh: rewrite so that the ETag changes",
  "signed when sent": "sign with the Date of the oldest fact",
  "forgotten while a DELETE may arrive": "forget two days after condemning",
  "condemned twice": "what is on the list is not condemned again",
  "a push relies on what is hidden": "what a caller deleted is brought back by an upload alone",
  "an upload leaves hidden what it finds": "an upload reveals what it finds hidden",
  "what was hidden comes back": "the record that takes the other ETag off the list condemns what is hidden",
  "a machine that stood still goes on": "who knows nothing younger than an hour looks at the head again"
} as const

export type Mistake = keyof typeof mistakes

/** The rules that the machines follow: all but these. */
export type Without = ReadonlySet<Mistake>

export const all: Without = new Set()

/**
 * Time is counted in periods of more than 15 minutes. A request may be signed in one period and take effect in the next,
 * no later. So what is decided on old facts ends one period after them, and what relies on that one period later.
 */
export const periods = {
  /** For how long what was signed is accepted. */
  valid: 1,
  /** Between condemning and removing, between writing and condemning, between raising the floor and removing records. */
  day: 3,
  /** Between condemning and forgetting: the last DELETE was signed after a day. */
  twoDays: 5
} as const
