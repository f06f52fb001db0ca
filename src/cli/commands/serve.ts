/** serve: the server for container tools. */
import { Config, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { Repository } from "../../oci/Reference.ts"
import { described } from "../described.ts"
import { fail } from "../Failure.ts"
import * as f from "../flags.ts"
import { limitFlags } from "../serve/limitFlags.ts"
import { choice, number, off, several, text, value, variableOf } from "../serve/serveFlags.ts"
import { upstreamFlags } from "../serve/upstreamFlags.ts"

/** More of them only take memory. */
const mostWorkers = 64

export const serve = Command.make("serve", {
  directory: f.argument(
    "directory",
    "A layout, also s3://BUCKET/PREFIX; the first push makes one where there is nothing"
  ),
  config: text("config", "FILE", "Variables that stand in for flags, one on each line: OCILAYOUT_LISTEN=0.0.0.0:5000"),
  listen: value(
    "listen",
    "[HOST:]PORT",
    "Where to listen: on 127.0.0.1 unless HOST is given, and on port 5000 by default"
  ).pipe(Flag.withDefault("5000")),
  tlsCert: text("tls-cert", "FILE", "The certificate with its chain, as PEM; read again on SIGHUP"),
  tlsKey: text("tls-key", "FILE", "The key of the certificate, as PEM"),
  htpasswd: text(
    "htpasswd",
    "FILE",
    "Users and bcrypt hashes of their passwords, as htpasswd -B writes them; read again on SIGHUP"
  ),
  tokenFile: text(
    "token-file",
    "FILE",
    "Tokens, one on each line: a bearer token, or the password of any user; read again on SIGHUP"
  ),
  rules: text(
    "rules",
    "FILE",
    "Who may pull, push and delete where, one rule on each line: alice team/* pull,push; read again on SIGHUP"
  ),
  allowedHosts: several(
    "allowed-host",
    "NAME",
    "Without users, a name that clients may call this server by, besides addresses and localhost"
  ),
  anonymousPull: off("anonymous-pull", "Everybody may pull, and only pushing and deleting need a login"),
  readOnly: off("read-only", "Change nothing; wins over --allow-delete"),
  noDelete: off("no-delete", "Delete nothing, not even tags and manifests; wins over --allow-delete"),
  allowDelete: off("allow-delete", "Also allow what cannot be undone: deleting blobs"),
  sparse: off("sparse", "Take manifests and indexes of which parts are not there"),
  metrics: off(
    "metrics",
    "Count what is answered, and tell it at /metrics as Prometheus reads it, to those who may pull"
  ),
  ui: off("ui", "Also show the layout in a browser, at /ui/, to those who may pull"),
  log: choice(
    "log",
    ["none", "text", "json"],
    "FORM",
    "A line on standard output for each request: none (default), text for people, json for programs"
  ),
  notify: text("notify", "URL", "Tell every commit to a receiver, as a CloudEvent by POST, at least once and in order"),
  notifySource: text(
    "notify-source",
    "URI",
    "What the events say they come from; by default the address that the server listens at"
  ),
  gc: text(
    "gc",
    "SCHEDULE",
    "Free space at set times, as ocilayout gc --yes does; as cron writes it, in UTC: '0 3 * * *'"
  ),
  keep: several("keep", "RULE", "With --gc, let tags go that are outside of it: as --keep of ocilayout gc"),
  untagged: off("untagged", "With --gc, also manifests that no tag, index or subject keeps"),
  graceMinutes: number("grace-minutes", 0, "With --gc, keep younger content; 1440 by default, and an hour in any case"),
  undoDays: number("undo-days", 0, "With --gc, keep what taking back changes of so many days needs; 7 by default"),
  upstream: upstreamFlags,
  at: f.text("at", "POINT", "Serve what was there then, and change nothing: a revision (12), or a time (2026-11-25)"),
  perRepository: off("per-repository", "The directory is a tree of layouts, one per repository"),
  defaultRepository: Flag.String("default-repository").pipe(
    Flag.withMetavar("NAME"),
    Flag.withFallbackConfig(Config.String(variableOf("default-repository"))),
    Flag.withSchema(Repository),
    Flag.withDescription(
      "The repository of entries that are only a tag; by default what the layout has kept, or else its directory's name"
    ),
    Flag.optional
  ),
  endpoint: text(
    "endpoint",
    "URL",
    "The store of a layout named s3://BUCKET/PREFIX, where it is not that of AWS; also AWS_ENDPOINT_URL"
  ),
  sse: text(
    "sse",
    "METHOD",
    "How the store of a layout named s3://BUCKET/PREFIX encrypts what is written: AES256, aws:kms or aws:kms=KEY"
  ),
  publishEvery: number(
    "publish-every",
    0,
    "In a bucket, answer before index.json is written: it may stay behind for so many seconds; 0 by default"
  ),
  workers: number(
    "workers",
    1,
    "Processes that answer on the one port; by default one for each core, up to 4",
    mostWorkers
  ),
  limits: limitFlags,
  durability: choice(
    "durability",
    ["power", "process", "none"],
    "LEVEL",
    "What an acknowledged change survives: a power cut (default), the end of the process, or nothing"
  ),
  hold: choice(
    "hold",
    ["always", "day", "never"],
    "TIME",
    "How long content has a second name that other tools' garbage collections do not know: as long as it is needed " +
      "(default), a day, or never"
  ),
  symlinks: choice(
    "symlinks",
    ["refuse", "inside", "follow"],
    "POLICY",
    "What becomes of symbolic links in a layout: refuse (default), follow inside it, or follow anywhere"
  )
}, (options) =>
  // Loaded when it is needed: help and mistakes answer without the server's code.
  Effect.promise(() => import("../serve/serve.ts")).pipe(
    Effect.flatMap(({ serve }) =>
      serve({
        ...options,
        open: false,
        config: Option.getOrUndefined(options.config),
        rules: Option.getOrUndefined(options.rules),
        notify: Option.getOrUndefined(options.notify),
        notifySource: Option.getOrUndefined(options.notifySource),
        gc: Option.getOrUndefined(options.gc),
        graceMinutes: Option.getOrUndefined(options.graceMinutes),
        undoDays: Option.getOrUndefined(options.undoDays),
        workers: Option.getOrUndefined(options.workers),
        at: Option.getOrUndefined(options.at),
        endpoint: Option.getOrUndefined(options.endpoint),
        sse: Option.getOrUndefined(options.sse),
        publishEvery: Option.getOrUndefined(options.publishEvery),
        defaultRepository: Option.getOrUndefined(options.defaultRepository),
        htpasswd: Option.getOrUndefined(options.htpasswd),
        tlsCert: Option.getOrUndefined(options.tlsCert),
        tlsKey: Option.getOrUndefined(options.tlsKey),
        tokenFile: Option.getOrUndefined(options.tokenFile)
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
        ["serve ./images --listen 0.0.0.0:5000 --anonymous-pull --read-only", "All may read, none may write"],
        ["serve ./images --ui", "Also to be looked at in a browser, at localhost:5000/ui/"],
        ["serve ./cache --upstream docker://docker.io", "A mirror that keeps what was pulled through it"],
        ["serve ./images --at 2026-11-25", "As it was then"]
      ]
    )
  )
