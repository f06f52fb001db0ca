/** Images with files in them, for questions that look inside. */
import { layerTar as layerType } from "../../../src/oci/MediaType.ts"
import { layerTar, type Written } from "../../image/support/layers.ts"
import { sample, type SampleImage } from "../../support/images.ts"
import { image } from "./content.ts"

const layer = (...entries: ReadonlyArray<Written>) => sample(new Uint8Array(layerTar(entries)), layerType)

const packages = (versions: Readonly<Record<string, string>>): string =>
  Object.entries(versions)
    .map(([name, version]) => `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\n`)
    .join("\n")

/** The versions of libssl3 in the images of `store/db`, by tag. */
export const libssl = { "1": "3.0.11-1", "2": "3.0.15-1" } as const

const base = (version: string) =>
  layer(
    ["etc/os-release", "f", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian 12\"\n"],
    ["etc/passwd", "f", "root:x:0:0:root:/root:/bin/sh\n"],
    ["usr/bin/sh", "f", "sh".repeat(2000), 0o755],
    ["usr/bin/su", "f", "su".repeat(1000), 0o4755],
    ["var/lib/dpkg/status", "f", packages({ bash: "5.2-2", libssl3: version, zlib1g: "1.2.13" })]
  )

/** The instruction of the layer that takes most of `store/db:2`. */
export const largeStep = "COPY fixtures /srv/fixtures # buildkit"

/** Bytes of a secret that a later layer removes again. */
export const secretBytes = 1679

/** What `store/db` is configured by, and what has changed in it. */
export const changedFile = "/etc/db/db.conf"

const settings = (port: number) => layer(["etc/db/db.conf", "f", `port = ${port}\n`], ["etc/db/users", "f", "app\n"])

/** What the entrypoint runs. */
const server = (mode: number) => layer(["usr/sbin/dbd", "f", "db".repeat(5000), mode])

const entrypoint = { Entrypoint: ["/usr/sbin/dbd", "--foreground"], User: "db" }

export const db1: SampleImage = image({
  created: "2024-05-01T08:00:00Z",
  config: entrypoint,
  layers: [
    [base(libssl["1"]), "ADD debian-12.tar / # buildkit"],
    [server(0o755), "COPY dbd /usr/sbin/dbd # buildkit"],
    [settings(5432), "COPY etc /etc/db # buildkit"]
  ]
})

/** Its program may not be executed, by mistake. */
export const db2: SampleImage = image({
  created: "2024-05-08T08:00:00Z",
  config: entrypoint,
  layers: [
    [base(libssl["2"]), "ADD debian-12.tar / # buildkit"],
    [server(0o644), "COPY dbd /usr/sbin/dbd # buildkit"],
    [settings(5433), "COPY etc /etc/db # buildkit"],
    [layer(["home/.ssh/id_rsa", "f", "k".repeat(secretBytes), 0o600]), "COPY id_rsa /home/.ssh/ # buildkit"],
    [layer(["srv/fixtures/rows.csv", "f", "1,2,3\n".repeat(12_000)]), largeStep],
    [layer(["home/.ssh/.wh.id_rsa", "f", ""]), "RUN rm /home/.ssh/id_rsa # buildkit"]
  ]
})

/** The version of openssl in the images that have it, by their reference. */
export const openssl = { "store/web:1": "3.0.14-2" } as const

/** The instruction that brought the program with the rights of its owner. */
export const agentStep = "RUN /tmp/install-agent.sh # buildkit"

/** Bytes of a program that a later layer has once more, with another mode. */
export const repeatedBytes = 6700

/** Which version of express the images of `store/web` have, by tag. */
export const express = { "1": "4.18.2", "2": "4.19.2" } as const

/** The file whose mode alone differs between the images of `store/web`. */
export const looserFile = "/etc/web/session.key"

/** What a link leads to, which is not there. */
export const missingLibrary = "libweb.so.2"

/** The name under which `/srv/web/app.js` is there once more. */
export const copiedScript = "/usr/share/doc/web/example.txt"

export const workerConnections = 768

const app = "listen(8080)\n".repeat(150)

const debian = (installed: Readonly<Record<string, string>>) =>
  layer(
    ["etc/os-release", "f", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian 12\"\n"],
    ["usr/bin/sh", "f", "sh".repeat(2000), 0o755],
    ["var/lib/dpkg/status", "f", packages({ bash: "5.2-2", ...installed })]
  )

const webProgram = (mode: number) => layer(["usr/sbin/webd", "f", "w".repeat(repeatedBytes), mode])

const web = (tag: "1" | "2", keyMode: number, installed: Readonly<Record<string, string>>): SampleImage =>
  image({
    created: `2024-05-1${tag}T08:00:00Z`,
    config: { Entrypoint: ["/usr/sbin/webd"], User: "web" },
    layers: [
      [debian(installed), "ADD debian-12.tar / # buildkit"],
      [webProgram(0o644), "COPY webd /usr/sbin/webd # buildkit"],
      [webProgram(0o755), "RUN chmod 0755 /usr/sbin/webd # buildkit"],
      [
        layer(
          ["srv/web/app.js", "f", app],
          ["usr/share/doc/web/example.txt", "f", app],
          ["usr/lib/web/libweb.so.1", "f", "lib".repeat(300)],
          ["usr/lib/web/libweb.so", "s", missingLibrary],
          ["etc/web/conf.d/limits.conf", "f", `events {\n  worker_connections ${workerConnections};\n}\n`],
          ["etc/web/session.key", "f", "s".repeat(32), keyMode]
        ),
        "COPY . / # buildkit"
      ],
      [layer(["opt/agent/bin/agentd", "f", "a".repeat(900), 0o4755]), agentStep],
      [
        layer([
          "usr/lib/node_modules/express/package.json",
          "f",
          JSON.stringify({ name: "express", version: express[tag] })
        ]),
        "RUN npm install --global express # buildkit"
      ]
    ]
  })

export const web1: SampleImage = web("1", 0o600, { openssl: openssl["store/web:1"] })
export const web2: SampleImage = web("2", 0o644, {})
