/** A commit as a CloudEvent, version 1.0, in the structured JSON mode (cloudevents/spec, "JSON Event Format"). */
import { DateTime } from "effect"
import { createHash } from "node:crypto"
import type { NameChange } from "../../layout/changes.ts"
import { field } from "../../oci/field.ts"
import type { HistoryCommit } from "../../ops/api/History.ts"

export const cloudEventType = "application/cloudevents+json"

interface Change {
  readonly repository?: string
  readonly tag?: string
  /** The name of an entry that fits no repository. */
  readonly name?: string
  readonly from?: string
  readonly to?: string
}

export interface CloudEvent {
  readonly specversion: "1.0"
  readonly id: string
  readonly source: string
  readonly type: "dev.ocilayout.commit"
  /** Of a tree of layouts, the repository whose history it is in. */
  readonly subject?: string
  /** RFC 3339. */
  readonly time: string
  readonly datacontenttype: "application/json"
  /** As `ocilayout history --json` tells it. */
  readonly data: {
    readonly revision: number
    readonly actor: string
    readonly changes: ReadonlyArray<Change>
    readonly pending?: true
  }
}

const changeOf = ({ from, refName, repository, tag, to }: NameChange): Change => ({
  ...field("repository", repository),
  ...field("tag", tag),
  ...field("name", refName),
  ...field("from", from),
  ...field("to", to)
})

/**
 * Its number and a hash of what it says: the same for one that is told again, and another one for a change of another
 * tool that has grown, or in a history that has begun anew.
 */
export const idOf = ({ actor, changes, revision, time }: HistoryCommit): string =>
  `${revision}-${
    createHash("sha256").update(JSON.stringify([DateTime.toEpochMillis(time), actor, changes.map(changeOf)])).digest(
      "hex"
    ).slice(0, 16)
  }`

/**
 * @param source of the events, as a URI
 * @param subject the repository of a tree; none in a layout that repositories share
 */
export const cloudEventOf = (source: string, subject: string | undefined, commit: HistoryCommit): CloudEvent => {
  const { actor, changes, pending, revision, time } = commit
  return {
    specversion: "1.0",
    id: idOf(commit),
    source,
    type: "dev.ocilayout.commit",
    ...field("subject", subject),
    time: DateTime.formatIso(time),
    datacontenttype: "application/json",
    data: { revision, actor, changes: changes.map(changeOf), ...field("pending", pending) }
  }
}
