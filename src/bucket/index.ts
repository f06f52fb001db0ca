/** Registries in buckets of S3-compatible stores. */
export { type BucketPlace, createBucketLayout, hasBucketLayout, layerBucket, makeBucket } from "./makeBucket.ts"
export { type Encryption, parseEncryption } from "./store/encryption.ts"
