/** serve: the server for container tools. */
import { Config, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { Repository } from "../../oci/Reference.ts"
import { described } from "../described.ts"
import { fail } from "../Failure.ts"
import * as f from "../flags.ts"

/** More of them only take memory. */
const mostWorkers = 64

/** A flag that a variable of the environment stands in for. */
const orVariable = (name: string, metavar: string, variable: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(`${description}. Also ${variable}`),
    Flag.withFallbackConfig(Config.String(variable))
  )

export const serve = Command.make("serve", {
  directory: f.argument("directory", "A layout; the first push makes one where there is nothing"),
  listen: orVariable(
    "listen",
    "[HOST:]PORT",
    "OCILAYOUT_LISTEN",
    "Where to listen: on 127.0.0.1 unless HOST is given, and on port 5000 by default"
  ).pipe(Flag.withDefault("5000")),
  tlsCert: Flag.optional(
    orVariable("tls-cert", "FILE", "OCILAYOUT_TLS_CERT", "The certificate with its chain, as PEM; read again on SIGHUP")
  ),
  tlsKey: Flag.optional(orVariable("tls-key", "FILE", "OCILAYOUT_TLS_KEY", "The key of the certificate, as PEM")),
  htpasswd: Flag.optional(
    orVariable(
      "htpasswd",
      "FILE",
      "OCILAYOUT_HTPASSWD",
      "Users and bcrypt hashes of their passwords, as htpasswd -B writes them; read again on SIGHUP"
    )
  ),
  tokenFile: Flag.optional(
    orVariable(
      "token-file",
      "FILE",
      "OCILAYOUT_TOKEN_FILE",
      "Tokens, one on each line: a bearer token, or the password of any user; read again on SIGHUP"
    )
  ),
  anonymousPull: f.off("anonymous-pull", "Everybody may pull, and only pushing and deleting need a login"),
  readOnly: f.off("read-only", "Change nothing; wins over --allow-delete"),
  noDelete: f.off("no-delete", "Delete nothing, not even tags and manifests; wins over --allow-delete"),
  allowDelete: f.off("allow-delete", "Also allow what cannot be undone: deleting blobs"),
  sparse: f.off("sparse", "Take manifests and indexes of which parts are not there"),
  metrics: f.off(
    "metrics",
    "Count what is answered, and tell it at /metrics as Prometheus reads it, to those who may pull"
  ),
  at: f.text("at", "POINT", "Serve what was there then, and change nothing: a revision (12), or a time (2026-11-25)"),
  perRepository: f.off("per-repository", "The directory is a tree of layouts, one per repository"),
  defaultRepository: Flag.String("default-repository").pipe(
    Flag.withMetavar("NAME"),
    Flag.withSchema(Repository),
    Flag.withDescription(
      "The repository of entries that are only a tag; by default what the layout has kept, or else its directory's name"
    ),
    Flag.optional
  ),
  workers: Flag.Int("workers").pipe(
    Flag.withMetavar("NUMBER"),
    Flag.filter(
      (value) => value >= 1 && value <= mostWorkers,
      (value) => `${value} is not between 1 and ${mostWorkers}`
    ),
    Flag.withDescription("Processes that answer on the one port, for machines with more cores; 1 by default"),
    Flag.withDefault(1)
  ),
  durability: f.durability,
  hold: f.hold,
  symlinks: f.symlinks
}, ({ at, defaultRepository, htpasswd, tlsCert, tlsKey, tokenFile, ...options }) =>
  // Loaded when it is needed: help and mistakes answer without the server's code.
  Effect.promise(() => import("../serve/serve.ts")).pipe(
    Effect.flatMap(({ serve }) =>
      serve({
        ...options,
        at: Option.getOrUndefined(at),
        defaultRepository: Option.getOrUndefined(defaultRepository),
        htpasswd: Option.getOrUndefined(htpasswd),
        tlsCert: Option.getOrUndefined(tlsCert),
        tlsKey: Option.getOrUndefined(tlsKey),
        tokenFile: Option.getOrUndefined(tokenFile)
      })
    ),
    Effect.catch((failure) => failure._tag === "Ended" ? Effect.fail(failure) : fail(failure, false))
  )).pipe(
    described(
      "Serve a layout as a registry",
      "Podman, Docker, skopeo, crane and everything else that speaks the distribution-spec push to it and pull from it, " +
        "while it stays a layout that other commands work on. Without --htpasswd or --token-file only this machine " +
        "reaches it. Tags and manifests may be deleted, which restore takes back; blobs need --allow-delete.",
      [
        ["serve ./images", "For this machine, at localhost:5000"],
        ["serve ./images --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem --htpasswd users", "For a network"],
        ["serve ./images --listen 0.0.0.0:5000 --anonymous-pull --read-only", "Everybody reads, nobody writes"],
        ["serve ./images --at 2026-11-25", "As it was then"]
      ]
    )
  )
