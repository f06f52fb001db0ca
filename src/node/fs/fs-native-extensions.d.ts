/** What is used of it; the package ships no types. Offsets and lengths are in bytes, a length of 0 reaches the end. */
declare module "fs-native-extensions" {
  export function tryLock(fd: number, offset: number, length: number): boolean
  export function waitForLock(fd: number, offset: number, length: number): Promise<void>
  export function swapSync(from: string, to: string): void
}
