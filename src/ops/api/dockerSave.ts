/** The warning of a change in a layout of `docker save`: its own list of images stays as it is. */
export const besideDockerSave =
  "manifest.json, as docker save writes it, does not change with index.json: docker load reads it, and may " +
  "see other images than there are"
