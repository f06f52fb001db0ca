/**
 * By which names a server may be called that lets in everyone on its machine. A page in a browser is one of them: its
 * owner can point a name of their own at this machine (DNS rebinding), and then shows that name as the host.
 */
/** An address cannot be made to point elsewhere; names of the machine itself never leave it (RFC 6761, section 6.3). */
const isLocal = (name: string): boolean => /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\]|(?:.+\.)?localhost)$/u.test(name)

/** Whether a request that shows this `Host` was meant for the server; HTTP/1.0 shows none, and no browser speaks it. */
export const isMeant = (host: string | undefined, known: ReadonlyArray<string>): boolean => {
  if (host === undefined) return true
  const name = host.toLowerCase().replace(/:\d*$/u, "")
  return isLocal(name) || known.some((one) => one.toLowerCase() === name)
}
