/** Names as other tools write them, with a transport before them. */

/** What such a name is, and what to write instead. */
interface Told {
  readonly reason: string
  readonly advice: string
}

const form = /^([a-z]+(?:-[a-z]+)*):(?:\/\/)?(.*)$/su

const table: { readonly [transport: string]: (rest: string) => Told } = {
  docker: onNetwork("docker://"),
  http: onNetwork("docker://"),
  https: onNetwork("docker://"),
  oci: inDirectory,
  ocidir: inDirectory,
  "oci-archive": archive("oci-archive"),
  "docker-archive": archive("docker-archive"),
  dir: (rest) => ({
    reason: "is a name of skopeo's dir: transport, whose directories are no layouts",
    advice: `make a layout of it: skopeo copy dir:${rest} oci:LAYOUT:TAG`
  }),
  "docker-daemon": stored("docker-daemon"),
  "containers-storage": stored("containers-storage")
}

/** What a path is that begins with a transport; nothing for other paths. */
export const transportOf = (path: string): Told | undefined => {
  const [, transport = "", rest = ""] = form.exec(path) ?? []
  return Object.hasOwn(table, transport) ? table[transport]?.(rest) : undefined
}

function onNetwork(prefix: string): (rest: string) => Told {
  return (rest) => ({
    reason: "names a registry on the network, and this works on directories alone",
    advice: `fetch it first: ocilayout copy ${prefix}${rest} LAYOUT/REPOSITORY:TAG`
  })
}

function inDirectory(rest: string): Told {
  return { reason: "is how other tools name a layout", advice: `write the path alone: ${rest}` }
}

function archive(transport: string): (rest: string) => Told {
  return (rest) => ({
    reason: "names an archive, and this works on directories",
    advice: `make a layout of it: skopeo copy ${transport}:${rest} oci:LAYOUT:TAG`
  })
}

function stored(transport: string): (rest: string) => Told {
  return (rest) => ({
    reason: "names an image in the store of a container engine",
    advice: `export it first: skopeo copy ${transport}:${rest} oci:LAYOUT:TAG`
  })
}
