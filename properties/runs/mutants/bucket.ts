/** The rules of docs/protocol-bucket.md. */
import { type Mutant, plainTest, property } from "./Mutant.ts"

const again = plainTest("bucket/days", "is deleted again, as often as one likes, for all machines")
const goes = plainTest("bucket/days", "condemns what nothing needs, removes it a day later, and then forgets it")

export const bucket: ReadonlyArray<Mutant> = [
  {
    name: "B1: an old head read on from",
    breaks: "A process that stood still takes a record that was removed for one that is not there yet.",
    in: "makeLook",
    find: "if (first.date - known.date > headMillis) return yield* cold",
    replace: "",
    caughtBy: plainTest(
      "bucket/days",
      "are folded, and removed a day later; history, undo and other tools' words go on"
    )
  },
  {
    name: "B2: refused on an old head",
    breaks: "A change that is refused, or changes nothing, is answered on what this process knew.",
    in: "makeBucketLayout",
    find: "if (!isFresh && (isIdle || doomed.length > 0)) return undefined",
    replace: "",
    caughtBy: plainTest(
      "bucket/registry",
      "a registry in a simulated store refuses nothing on what it knew a moment ago"
    )
  },
  {
    name: "B3: a record in the place of another",
    breaks: "A record is written in the place of another of its number.",
    in: "createRecord",
    find: "store.put(key, bytes, { condition: absent, relies })",
    replace: "store.put(key, bytes, { relies })",
    caughtBy: property("bucket", "lets one win, however the requests of several machines end")
  },
  {
    name: "B4: a lost answer taken for a refusal",
    breaks: "A record whose answer was lost is decided again under the next number.",
    in: "createRecord",
    find: "return found._tag === \"Success\" && found.success.hash === line.hash ? \"created\" : \"taken\"",
    replace: "return found._tag === \"Success\" ? \"taken\" : \"created\"",
    caughtBy: property("bucket", "answers once and truly when a request is answer lost")
  },
  {
    name: "B5: answered before it is published",
    breaks: "Tools that read the index alone do not see what was answered.",
    in: "makeBucketLayout",
    find: "if (isBehind()) yield* publishMillis > 0 && !proposals.includes(lookOnly) ? publishLater : publishAll()",
    replace: "",
    caughtBy: property("bucket", "answers once and truly when a request is not sent")
  },
  {
    name: "B13: what was seen long ago",
    breaks: "A commit counts on an object that was seen at any time before.",
    in: "makeSeen",
    find: "known !== undefined && date - known.date < seenMillis && !condemned.has(digest)",
    replace: "known !== undefined && !condemned.has(digest)",
    caughtBy: plainTest("bucket/days", "of what a machine has seen long ago is noticed when it counts on that")
  },
  {
    name: "B14: young content condemned",
    breaks: "What was uploaded a moment ago and is not named yet is condemned where a short grace is asked for.",
    in: "makeBlobs",
    find: "const from = Math.min(since, (yield* Clock.currentTimeMillis) - unwrittenMillis)",
    replace: "const from = since",
    caughtBy: plainTest(
      "bucket/days",
      "condemns nothing that was written less than a day ago, with any grace"
    )
  },
  {
    name: "B14: a second deletion that hides nothing",
    breaks: "What was deleted, pushed and deleted again is there.",
    in: "makeRemoval",
    find: "hides.set(digest, { digest, etag, size })",
    replace: "",
    caughtBy: again
  },
  {
    name: "B14: denied on an old head",
    breaks: "What another machine revealed a moment ago is denied.",
    in: "makeBlobs",
    find: "Effect.map(standingAnew, (later) => isHidden(later, digest, etag) || isCondemned(later, digest, etag))",
    replace: "Effect.succeed(true)",
    caughtBy: again
  },
  {
    name: "B14: hidden content that comes back by itself",
    breaks: "What is hidden is there again when the other ETag is taken off the list.",
    in: "sentencesAfter",
    find: "[...condemns, ...over.map((one) => ({ ...one, deleted: true as const }))]",
    replace: "condemns.slice()",
    caughtBy: plainTest("bucket/days", "stays away when its list is forgotten, and is removed a day later")
  },
  {
    name: "B15: a commit that names hidden content",
    breaks: "A push that loses the race against a deletion names what that has hidden.",
    in: "makeBlobs",
    find:
      "if (found === undefined || (yield* isHiddenStill(now, digest, found.etag))) return Option.none()\nif (!isCondemned(now, digest, found.etag)) return Option.some(found.size)",
    replace:
      "if (found === undefined) return Option.none()\nif (!isCondemned(now, digest, found.etag)) return Option.some(found.size)",
    caughtBy: plainTest("bucket/days", "is not relied on by a push that found it there just before")
  },
  {
    name: "B15: an upload that reveals nothing",
    breaks: "An upload of what is hidden is answered, and no client can read it.",
    in: "makeBlobs",
    find: "if (yield* reveal(digest)) return { digest, size, existed: false }",
    replace: "return { digest, size, existed: false }",
    caughtBy: again
  },
  {
    name: "B15: what is condemned counts as there",
    breaks: "A commit names condemned content as it is, and its removal takes it.",
    in: "makeBlobs",
    find: "if (!isCondemned(now, digest, found.etag)) return Option.some(found.size)",
    replace: "if (!isCondemned(now, digest, found.etag) || found.size > 0) return Option.some(found.size)",
    caughtBy: plainTest("bucket/days", "keeps what a push needs again, so that its removal finds another object")
  },
  {
    name: "B15: the condemned ETag given again",
    breaks: "Content that was removed is uploaded with the ETag that a removal under way still has.",
    in: "makeBlobs",
    find: "formBeside(now.condemned.get(digest)?.etag, size)",
    replace: "formBeside(undefined, size)",
    caughtBy: goes
  },
  {
    name: "B16: removed without a condition",
    breaks: "What was written anew is removed as if it were the condemned object.",
    in: "makeRemoval",
    find: "store.remove(keyOfBlob(digest), { etag, relies })",
    replace: "store.remove(keyOfBlob(digest), { relies })",
    caughtBy: plainTest("bucket/days", "does not take what a push needs again just before it is removed")
  },
  {
    name: "B16: removed at once",
    breaks: "A collection removes what was condemned a moment ago.",
    in: "isRemovable",
    find: "date - time >= removableFrom && date - time < removableUntil",
    replace: "date - time < removableUntil",
    caughtBy: goes
  },
  {
    name: "B16: removed however late",
    breaks: "What is on the list is removed at any time, also when it is about to be forgotten.",
    in: "isRemovable",
    find: "date - time >= removableFrom && date - time < removableUntil",
    replace: "date - time >= removableFrom",
    caughtBy: plainTest("bucket/days", "removes nothing later than two days after it was condemned")
  }
]
