/** Ten images of Debian packages, made with buildah, whose layers replace, delete and link what lower layers have. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import process from "node:process"

/** The packages that the images are made of: small ones, with links, configuration, setuid programs, many files. */
const packages = [
  "busybox",
  "passwd",
  "sudo",
  "cron",
  "base-files",
  "bash",
  "perl-base",
  "tzdata",
  "login",
  "libssl3"
] as const

export interface Recipe {
  readonly tag: string
  /** What the layers do to the folder `$R`, one after the other; `unpack NAME` puts a package there. */
  readonly layers: ReadonlyArray<string>
}

const opaque = "rm -rf $R/etc; mkdir -m 0711 $R/etc; echo new > $R/etc/only"

/** Bytes that are no UTF-8, and characters of several bytes. */
const oddNames =
  String.raw`mkdir $R/odd; cd $R/odd; printf a > "$(printf 'caf\351')"; printf b > "$(printf '\377\376')"; `
  + String
    .raw`printf c > 'ünïcode 字'; printf d > "$(printf 'line\nbreak')"; ln -s "$(printf 'to\351')" "$(printf 'link\200')"; `
  + String.raw`ln 'ünïcode 字' "$(printf 'hard\240')"`

export const recipes: ReadonlyArray<Recipe> = [
  { tag: "busybox", layers: ["unpack busybox", "cd $R/bin && for a in ls cat sh; do ln busybox $a; done"] },
  {
    tag: "setuid",
    layers: [
      "unpack passwd",
      "chmod u-s $R/usr/bin/chsh; chmod 2755 $R/usr/bin/gpasswd; touch -d 2001-02-03 $R/usr/bin/passwd"
    ]
  },
  {
    tag: "sudo",
    layers: ["unpack sudo", "chown 33:44 $R/etc/sudoers; rm -r $R/usr/share/doc", "echo x > $R/etc/sudoers"]
  },
  { tag: "opaque", layers: ["unpack base-files; unpack cron", opaque, "unpack passwd"] },
  {
    tag: "deleted",
    layers: ["unpack bash", "rm -r $R/usr/share", "mkdir -p $R/usr/share/doc; echo back > $R/usr/share/doc/again"]
  },
  {
    tag: "links",
    layers: [
      "unpack perl-base",
      "ln $R/usr/bin/perl $R/usr/bin/second; ln $R/usr/bin/perl $R/usr/third; ln -s /usr/bin $R/b; ln -s ../../.. $R/usr/up",
      "rm $R/usr/bin/perl; echo new > $R/usr/bin/perl"
    ]
  },
  {
    tag: "many",
    layers: [
      "unpack tzdata",
      "rm -r $R/usr/share/zoneinfo/Europe; rm $R/usr/share/zoneinfo/UTC; mkdir $R/usr/share/zoneinfo/UTC"
    ]
  },
  {
    tag: "types",
    layers: [
      "unpack login",
      "rm -r $R/etc; echo file > $R/etc; mkfifo $R/pipe; mknod $R/null c 1 3; mknod $R/disk b 7 0",
      "rm $R/etc $R/pipe; mkdir $R/etc; ln -s nowhere $R/pipe"
    ]
  },
  {
    tag: "names",
    layers: ["unpack libssl3", oddNames, String.raw`rm "$R/odd/$(printf 'caf\351')"; chmod 1777 $R/odd`]
  },
  {
    tag: "all",
    layers: [
      "for p in busybox sudo bash tzdata; do unpack $p; done",
      "unpack base-files; chown -R 1000:1000 $R/home; chmod 3770 $R/var",
      "rm -rf $R/usr/share/locale $R/usr/share/man; mv $R/usr/bin $R/usr/moved",
      opaque
    ]
  }
]

const run = (command: string, args: ReadonlyArray<string>, cwd: string, env: Readonly<Record<string, string>> = {}) => {
  const { status, stderr, stdout, error } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024
  })
  if (error !== undefined) throw error
  if (status !== 0) {
    throw new Error(`${command} ${args.join(" ")} ended with ${String(status)}: ${stderr.slice(0, 1000)}`)
  }
  return stdout.trim()
}

/** The packages, unpacked below a folder. */
export const fetchPackages = (folder: string): void => {
  fs.mkdirSync(folder)
  // What downloads gives up its rights, and needs a folder that it may write.
  fs.chmodSync(folder, 0o777)
  run("apt-get", ["download", "-q", ...packages], folder)
}

/** The same image with layers of zstd, which umoci 0.4.7 does not read. */
export const zstdTag = (tag: string): string => `${tag}-zstd`

/** Makes an image in a layout, with gzip and with zstd: each layer is a commit of the folder that buildah mounts. */
export const makeImage = (layout: string, debs: string, { layers, tag }: Recipe): void => {
  const made: Array<string> = []
  try {
    for (const [at, layer] of layers.entries()) {
      const from = at === 0 ? "scratch" : made[made.length - 1] ?? "scratch"
      const container = run("buildah", ["from", "--pull-never", from], debs)
      try {
        const root = run("buildah", ["mount", container], debs)
        run("bash", ["-euc", `unpack() { dpkg-deb -x "$D"/"$1"_*.deb "$R"; }; ${layer}`], debs, { D: debs, R: root })
        run("buildah", ["umount", container], debs)
        made.push(run("buildah", ["commit", "-q", container], debs))
      } finally {
        run("buildah", ["rm", container], debs)
      }
    }
    const image = made[made.length - 1] ?? ""
    run("buildah", ["push", "-q", image, `oci:${layout}:${tag}`], debs)
    run("buildah", ["push", "-q", "--compression-format", "zstd", image, `oci:${layout}:${zstdTag(tag)}`], debs)
  } finally {
    for (const image of made.toReversed()) spawnSync("buildah", ["rmi", image])
  }
}
