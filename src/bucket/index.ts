/** Registries in buckets of S3-compatible stores. */
export { type BucketPlace, layerBucket, makeBucket } from "./makeBucket.ts"
