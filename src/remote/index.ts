/** Registries on the network. */
export type { AuthSurroundings } from "./auth/authFile.ts"
export type { Credential, Credentials } from "./auth/Credential.ts"
export { forgetLogin, keepLogin, type Kept, keptCredentials } from "./auth/keptCredentials.ts"
export { layerRemote, makeRemote, type RemoteOptions, type RemoteRegistry } from "./makeRemote.ts"
export { anywhere, isPrivate, onlyHosts, type Reach } from "./wire/reach.ts"
export type { RemoteTiming } from "./wire/RemoteTiming.ts"
