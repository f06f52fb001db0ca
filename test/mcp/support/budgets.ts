/** How many tokens the tools may cost a model, in every conversation: what they cost, and a little room. */

/** Without the argument `layout`, which costs each tool some thirty more where there are several layouts. */
export const tools: Readonly<Record<string, number>> = {
  oci_list_layouts: 90,
  oci_list_repositories: 160,
  oci_list_tags: 330,
  oci_resolve: 260,
  oci_get_manifest: 250,
  oci_read_blob: 240,
  oci_export_blob: 160,
  oci_inspect_image: 240,
  oci_list_files: 250,
  oci_find_files: 330,
  oci_read_file: 270,
  oci_diff: 220,
  oci_packages: 310,
  oci_list_referrers: 250,
  oci_history: 220,
  oci_usage: 260,
  oci_verify: 250,
  oci_push_blob: 300,
  oci_mount_blob: 180,
  oci_push_manifest: 350,
  oci_tag: 270,
  oci_upload_start: 190,
  oci_upload_append: 270,
  oci_upload_commit: 180,
  oci_upload_cancel: 90,
  oci_delete: 350,
  oci_restore: 330,
  oci_repair: 300,
  oci_pin: 150,
  oci_copy: 360,
  oci_attach: 305,
  oci_build_image: 345,
  oci_edit_image: 395,
  oci_make_index: 315,
  oci_gc: 400,
  oci_import: 160,
  oci_export_archive: 200,
  oci_pull: 250,
  oci_push: 250
}

/** For a tool that has not been given its own. */
export const otherwise = 350

/** For whole lists; a tool more may make these too small, and its author has to say that it is worth it. */
export const lists = { read: 4_100, byDefault: 8_350, longest: 10_400 }
