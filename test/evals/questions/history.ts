/** Questions about what was, and who did it. */
import { Effect } from "effect"
import { list, text, texts } from "../answers.ts"
import type { Question } from "../Question.ts"
import { incident } from "../world/build.ts"
import * as world from "../world/content.ts"

const revisionIn = (image: unknown): string => text(image, "config", "labels", "org.opencontainers.image.revision")

const isVersion = (tag: string): boolean => /^\d/u.test(tag)

const minutesBetween = (from: string, to: string): string => String((Date.parse(to) - Date.parse(from)) / 60_000)

const eventsIn = (commits: unknown): ReadonlyArray<unknown> => list(commits).flatMap((commit) => list(commit, "events"))

export const history: ReadonlyArray<Question> = [
  {
    id: "stable",
    question:
      "Which version of shop/api does its tag stable point at now, and which one did it point at before it was moved for the last time? Answer with the two version tags, separated by a comma and a space.",
    answer: "1.1.0, 1.2.0",
    calls: 2,
    tokens: 320,
    play: Effect.fnUntraced(function*(ask) {
      const now = yield* ask("oci_resolve", { ref: "shop/api:stable" })
      const before = yield* ask("oci_resolve", { ref: "shop/api:stable", at: "-1" })
      return [now, before].map(({ tags }) => texts(tags).filter(isVersion).join("/")).join(", ")
    })
  },
  {
    id: "incident",
    question:
      "At 09:20 UTC on 10 April 2024 customers could not check out. Which version of shop/web was in production (tag prod) then? Answer with the version's tag alone.",
    answer: "2.2",
    calls: 1,
    tokens: 190,
    play: Effect.fnUntraced(function*(ask) {
      const { tags } = yield* ask("oci_resolve", { ref: "shop/web:prod", at: "2024-04-10T09:20:00Z" })
      return texts(tags).filter(isVersion).join(", ")
    })
  },
  {
    id: "rollback",
    question:
      "On 10 April 2024 shop/web was released to production (tag prod) and rolled back the same day. For how many minutes was the release in production? Answer with the number alone.",
    answer: minutesBetween(incident.from, incident.to),
    calls: 1,
    tokens: 180,
    play: Effect.fnUntraced(function*(ask) {
      const { commits } = yield* ask("oci_history", { repository: "shop/web", tag: "prod", since: "2024-04-10" })
      return minutesBetween(text(commits, 1, "time"), text(commits, 0, "time"))
    })
  },
  {
    id: "deleted-candidate",
    question:
      "A release candidate of shop/web was deleted in April 2024. From which source revision (label org.opencontainers.image.revision) was it built? Answer with the revision alone.",
    answer: world.candidateRevision,
    calls: 2,
    tokens: 800,
    play: Effect.fnUntraced(function*(ask) {
      const { commits } = yield* ask("oci_history", { repository: "shop/web", since: "2024-04-01" })
      const gone = eventsIn(commits)
        .find((event) => text(event, "ref").startsWith("shop/web:") && text(event, "to") === "")
      return revisionIn(yield* ask("oci_inspect_image", { ref: `shop/web@${text(gone, "from")}` }))
    })
  },
  {
    id: "overwritten",
    question:
      "A version tag of shop/worker was pushed a second time with other content. From which source revision (label org.opencontainers.image.revision) was the image built that it pointed at first? Answer with the revision alone.",
    answer: world.firstWorkerRevision,
    calls: 2,
    tokens: 490,
    play: Effect.fnUntraced(function*(ask) {
      const { commits } = yield* ask("oci_history", { repository: "shop/worker" })
      const moved = eventsIn(commits).find((event) => text(event, "from") !== "" && text(event, "to") !== "")
      return revisionIn(yield* ask("oci_inspect_image", { ref: `shop/worker@${text(moved, "from")}` }))
    })
  },
  {
    id: "taken-back",
    question:
      "Do not change anything. If shop/web were made what it was at the beginning of 10 April 2024 (UTC), which tag would exist that does not exist now? Answer with the tag alone.",
    answer: "2.2-rc1",
    calls: 1,
    tokens: 140,
    play: Effect.fnUntraced(function*(ask) {
      const { events } = yield* ask("oci_restore", { to: "2024-04-10", repository: "shop/web", dry_run: true })
      const back = list(events).filter((event) => text(event, "from") === "").map((event) => text(event, "ref"))
      return back.flatMap((ref) => /^shop\/web:(.+)$/u.exec(ref)?.[1] ?? []).join(", ")
    })
  }
]
