import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Latch, Scope } from "effect"
import { makeGroupCommit } from "../../../src/node/commit/groupCommit.ts"

/** Groups whose rounds are told and can be held up; a round answers every member with its name and the round's. */
const rounds = Effect.fnUntraced(function*(options: {
  /** How many of the members a round answers. */
  readonly answers?: (members: ReadonlyArray<string>) => number
  readonly fails?: (members: ReadonlyArray<string>) => Effect.Effect<void, string>
  readonly acquire?: Effect.Effect<void, string>
} = {}) {
  const log: Array<string> = []
  const gate = yield* Latch.make(true)
  const running = yield* Latch.make(false)
  const { acquire = Effect.void, answers = (members) => members.length, fails = () => Effect.void } = options
  const groups = yield* makeGroupCommit<string, string, string>({
    acquire: Effect.andThen(
      acquire,
      Effect.acquireRelease(Effect.sync(() => log.push("acquire")), () => Effect.sync(() => log.push("release")))
    ),
    run: (members) =>
      Effect.gen(function*() {
        log.push(`run ${members.join(" ")}`)
        yield* running.open
        yield* gate.await
        yield* fails(members)
        return members.slice(0, answers(members)).map((member) => `${member} of ${members.join(" ")}`)
      })
  })
  const submit = (member: string) => Effect.forkChild(groups.submit(member), { startImmediately: true })
  return { log, gate, running, groups, submit }
})

/** One round under way with `a`, and these members waiting behind it. */
const waiting = Effect.fnUntraced(function*(
  { gate, running, submit }: Effect.Success<ReturnType<typeof rounds>>,
  ...members: ReadonlyArray<string>
) {
  yield* gate.close
  const first = yield* submit("a")
  yield* running.await
  return { first, rest: yield* Effect.forEach(members, submit) }
})

const interruptedOnly = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)

describe("groups", () => {
  it.effect("take one member that comes alone in a round of its own", () =>
    Effect.gen(function*() {
      const { groups, log } = yield* rounds()
      assert.strictEqual(yield* groups.submit("a"), "a of a")
      assert.strictEqual(yield* groups.submit("b"), "b of b")
      assert.deepStrictEqual(log, ["acquire", "run a", "release", "acquire", "run b", "release"])
    }))

  it.effect("take all that wait while a round is under way in the next one, in order", () =>
    Effect.gen(function*() {
      const some = yield* rounds()
      const { first, rest } = yield* waiting(some, "b", "c", "d")
      yield* some.gate.open
      assert.strictEqual(yield* Fiber.join(first), "a of a")
      assert.deepStrictEqual(yield* Effect.forEach(rest, Fiber.join), ["b of b c d", "c of b c d", "d of b c d"])
      assert.deepStrictEqual(some.log, ["acquire", "run a", "release", "acquire", "run b c d", "release"])
    }))

  it.effect("take those again in the next round, first, that a round did not get to", () =>
    Effect.gen(function*() {
      const some = yield* rounds({ answers: (members) => Math.min(2, members.length) })
      const { rest } = yield* waiting(some, "b", "c", "d", "e", "f")
      yield* some.gate.open
      assert.deepStrictEqual(yield* Effect.forEach(rest, Fiber.join), [
        "b of b c d e f",
        "c of b c d e f",
        "d of d e f",
        "e of d e f",
        "f of f"
      ])
    }))

  it.effect("tell every member of a round of its failure, and go on with the next", () =>
    Effect.gen(function*() {
      const some = yield* rounds({ fails: (members) => members.includes("c") ? Effect.fail("full") : Effect.void })
      const { first, rest } = yield* waiting(some, "b", "c")
      yield* some.gate.open
      assert.strictEqual(yield* Fiber.join(first), "a of a")
      assert.deepStrictEqual(yield* Effect.forEach(rest, (fiber) => Effect.flip(Fiber.join(fiber))), ["full", "full"])
      assert.strictEqual(yield* some.groups.submit("d"), "d of d")
    }))

  it.effect("tell every member of a round of its defect", () =>
    Effect.gen(function*() {
      const some = yield* rounds({ fails: () => Effect.die("bug") })
      const { first, rest } = yield* waiting(some, "b")
      yield* some.gate.open
      for (const fiber of [first, ...rest]) {
        const exit = yield* Fiber.await(fiber)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }
    }))

  it.effect("tell every waiting caller when the lock cannot be had", () =>
    Effect.gen(function*() {
      let locked = true
      const asked = yield* Deferred.make<void>()
      const some = yield* rounds({
        acquire: Effect.suspend(() =>
          locked ? Effect.andThen(Deferred.await(asked), Effect.fail("locked")) : Effect.void
        )
      })
      const fibers = yield* Effect.forEach(["a", "b"], some.submit)
      yield* Deferred.succeed(asked, undefined)
      assert.deepStrictEqual(yield* Effect.forEach(fibers, (fiber) => Effect.flip(Fiber.join(fiber))), [
        "locked",
        "locked"
      ])
      locked = false
      assert.strictEqual(yield* some.groups.submit("c"), "c of c")
      assert.deepStrictEqual(some.log, ["acquire", "run c", "release"])
    }))
})

describe("interruption", () => {
  it.effect("withdraws a member that waits", () =>
    Effect.gen(function*() {
      const some = yield* rounds()
      const { rest: [b, c] } = yield* waiting(some, "b", "c")
      assert(b && c)
      yield* Fiber.interrupt(b)
      yield* some.gate.open
      assert.strictEqual(yield* Fiber.join(c), "c of c")
      assert.notInclude(some.log.join(), "b")
    }))

  it.effect("withdraws a decision that waits for the lock, and holds no empty round", () =>
    Effect.gen(function*() {
      const lock = yield* Latch.make(false)
      const some = yield* rounds({ acquire: lock.await })
      const fiber = yield* some.submit("a")
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      yield* lock.open
      while (!some.log.includes("release")) yield* Effect.yieldNow
      assert.deepStrictEqual(some.log, ["acquire", "release"])
      assert.strictEqual(yield* some.groups.submit("b"), "b of b")
    }))

  it.effect("of a member that is part of a round waits until that is over", () =>
    Effect.gen(function*() {
      const some = yield* rounds()
      const { first } = yield* waiting(some)
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(first), { startImmediately: true })
      yield* Effect.yieldNow
      assert.isUndefined(interrupting.pollUnsafe())
      yield* some.gate.open
      yield* Fiber.join(interrupting)
      assert.isTrue(interruptedOnly(yield* Fiber.await(first)))
      assert.deepStrictEqual(some.log, ["acquire", "run a", "release"])
    }))

  it.effect("withdraws a member again that a round did not get to", () =>
    Effect.gen(function*() {
      let taken = 0
      const some = yield* rounds({
        answers: () => 1,
        acquire: Effect.suspend(() => ++taken > 2 ? Effect.never : Effect.void)
      })
      const { rest: [b, c] } = yield* waiting(some, "b", "c")
      assert(b && c)
      yield* some.gate.open
      assert.strictEqual(yield* Fiber.join(b), "b of b c")
      yield* Fiber.interrupt(c)
      assert.isTrue(interruptedOnly(yield* Fiber.await(c)))
    }))
})

describe("the end of the scope", () => {
  const closing = Effect.fnUntraced(function*(acquire: Effect.Effect<void, string>) {
    const scope = yield* Scope.make()
    return { scope, some: yield* Effect.provideService(rounds({ acquire }), Scope.Scope, scope) }
  })

  it.effect("tells those who wait, whether a round was begun or not", () =>
    Effect.gen(function*() {
      for (const turns of [0, 5]) {
        const { scope, some } = yield* closing(Effect.never)
        const fiber = yield* some.submit("a")
        for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
        yield* Scope.close(scope, Exit.void)
        assert.isTrue(interruptedOnly(yield* Fiber.await(fiber)))
      }
    }))

  it.effect("tells those who come too late", () =>
    Effect.gen(function*() {
      const { scope, some } = yield* closing(Effect.void)
      yield* Scope.close(scope, Exit.void)
      for (const member of ["a", "b"]) {
        assert.isTrue(interruptedOnly(yield* Effect.exit(some.groups.submit(member))))
      }
      assert.deepStrictEqual(some.log, [])
    }))

  it.effect("lets a round end that was begun", () =>
    Effect.gen(function*() {
      const { scope, some } = yield* closing(Effect.void)
      const { first, rest: [second] } = yield* waiting(some, "b")
      assert(second)
      const closed = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* some.gate.open
      yield* Fiber.join(closed)
      assert.strictEqual(yield* Fiber.join(first), "a of a")
      assert.isTrue(interruptedOnly(yield* Fiber.await(second)))
    }))
})
