/** What whoever changes a layout of `docker save` is told: its own list of images stays as it is. */
export const besideDockerSave =
  "manifest.json, as docker save writes it, does not change with index.json: docker load reads it, and may " +
  "see other images than there are"
