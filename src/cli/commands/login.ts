/** login and logout: who asks a registry, kept where other tools look for it. */
import { Effect, Redacted, Schema } from "effect"
import { Command } from "effect/cli"
import { HttpClient } from "effect/http/HttpClient"
import { decodeText } from "../../oci/Json.ts"
import { collectBytes } from "../../ops/manifests/collectBytes.ts"
import { forgetLogin, keepLogin, makeRemote } from "../../remote/index.ts"
import { described } from "../described.ts"
import { Mistake, orMistake } from "../Failure.ts"
import * as f from "../flags.ts"
import { open } from "../input.ts"
import { type Answer, report } from "../output.ts"
import { surroundings } from "../remote/opener.ts"
import { clientFor, plainFor, remoteFlags } from "../remote/remotes.ts"

export const LoggedIn = Schema.Struct({
  host: Schema.String,
  username: Schema.String,
  /** The file, or the credential helper. */
  kept_in: Schema.String
})

const loggedIn: Answer<typeof LoggedIn.Type> = {
  schema: LoggedIn,
  show: ({ host, kept_in, username }) => `${username} at ${host}, kept in ${kept_in}`
}

export const LoggedOut = Schema.Struct({
  host: Schema.String,
  /** The files and credential helpers that had a login. */
  forgotten_in: Schema.Array(Schema.String)
})

const loggedOut: Answer<typeof LoggedOut.Type> = {
  schema: LoggedOut,
  show: ({ forgotten_in, host }) =>
    forgotten_in.length === 0 ? `no login at ${host} was kept` : `no longer at ${host}: ${forgotten_in.join(", ")}`
}

const passwordBytes = 64 * 1024

const host = f.argument("host", "The registry: registry.example.com, localhost:5000, docker.io")

/** All of standard input but a line break at its end. */
const passwordOf = Effect.fnUntraced(function*() {
  const { content } = yield* open("-")
  const bytes = yield* collectBytes(
    content,
    (size) =>
      size > passwordBytes ? Effect.fail(new Mistake("what comes on standard input is no password")) : Effect.void
  )
  const text = (yield* orMistake(decodeText(bytes))).replace(/\r?\n$/u, "")
  return text === "" ? yield* Effect.fail(new Mistake("there is no password on standard input")) : Redacted.make(text)
})

export const login = Command.make("login", {
  host,
  username: f.required("username", "NAME", "Who asks").pipe(f.alias("u")),
  passwordStdin: f.off("password-stdin", "Read the password from standard input, the only place it is taken from"),
  remote: remoteFlags,
  wanted: f.wanted
}, ({ host, passwordStdin, remote, username, wanted }) =>
  report(
    loggedIn,
    wanted,
    Effect.gen(function*() {
      if (!passwordStdin) {
        return yield* Effect.fail(
          new Mistake("a password on the command line can be read by others; pass it by --password-stdin")
        )
      }
      if (username === "" || username.includes(":")) {
        return yield* Effect.fail(new Mistake("a name of a user has at least one character, and no colon"))
      }
      const password = yield* passwordOf()
      const registry = yield* makeRemote({
        host,
        credentials: () => Effect.succeed({ _tag: "Password", username, password }),
        ...plainFor(remote, host)
      }).pipe(Effect.provideService(HttpClient, yield* clientFor(remote)))
      yield* registry.check
      const { place } = yield* keepLogin(surroundings(), host, username, password)
      return { host, username, kept_in: place }
    })
  )).pipe(
    described(
      "Keep a name and a password for a registry",
      "They are tried first. They are kept where Docker and others look for them: in $REGISTRY_AUTH_FILE, or else in " +
        "Docker's config.json, or by the credential helper that it names.",
      [["login registry.example.com --username ada --password-stdin < password.txt", "From a file"]]
    )
  )

export const logout = Command.make("logout", { host, wanted: f.wanted }, ({ host, wanted }) =>
  report(
    loggedOut,
    wanted,
    Effect.map(forgetLogin(surroundings(), host), (places) => ({
      host,
      forgotten_in: places.map(({ place }) => place)
    }))
  )).pipe(
    described("Forget the name and the password for a registry", "Wherever they are kept.", [
      ["logout registry.example.com", "In every file, and by every helper"]
    ])
  )
