/** Registries in buckets of S3-compatible stores. */
export {
  bucketBookmarks,
  type BucketPlace,
  type BucketTreePlace,
  createBucketLayout,
  hasBucketLayout,
  layerBucket,
  makeBucket,
  makeBucketTree
} from "./makeBucket.ts"
export { type Encryption, parseEncryption } from "./store/encryption.ts"
