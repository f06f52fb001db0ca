/** How much passes through a conversation at once; one place for all of it. */

/** Characters of one result, as text; hosts cut what is much longer. */
export const resultCharacters = 25_000

/** Characters of a result's largest part, so that the rest fits beside it. */
export const partCharacters = 22_000

/** Bytes of content that a call may carry itself. */
export const inlineBytes = 64 * 1024

/** Bytes of a blob that one call returns. */
export const readBytes = 32 * 1024

/** Bytes shown of what turned out to be no text. */
export const previewBytes = 256

/** Characters of one text that came from an image, in a summary. */
export const textCharacters = 512

/** Labels or annotations of one thing, in a summary. */
export const textEntries = 50

/** Characters of the annotations of one referrer in a list, so that every page holds several. */
export const referrerCharacters = 4000

/** Characters of what one change did, so that every page of a history holds several. */
export const commitCharacters = 4000

/** Characters of a client's own name. */
export const clientCharacters = 64

/** Tags set by one call. */
export const tagsPerCall = 100

/** Names offered in a hint. */
export const suggestions = 10

/** Names looked at to find those that are near. */
export const suggestionCandidates = 1000

/** Bytes of a JSON blob that is read whole to be explained. */
export const documentBytes = 4 * 1024 * 1024

/** Milliseconds between two progress notifications of one call. */
export const progressMillis = 100

/** Uploads that are under way and told beside the one that is started or continued. */
export const uploadsTold = 10

/** Milliseconds in which a person may answer a question. */
export const answerMillis = 10 * 60_000

/** Questions to clients that wait for an answer: of more, the oldest has to be asked again. */
export const questions = 1000

/** Characters that such questions and the calls they belong to take together. */
export const questionCharacters = 8 * 1024 * 1024

/** Milliseconds for which what was shown may still be done. */
export const previewMillis = 60 * 60_000

/** Previews that can still be carried out, and the characters that they take together: of more, the oldest go. */
export const previews = 1000
export const previewCharacters = 8 * 1024 * 1024

/** Roots of a client that are looked at; further ones allow nothing. */
export const roots = 100

/** Milliseconds in which a client may tell its roots. */
export const rootsMillis = 10_000

/** Bytes of a resource that is read whole. */
export const resourceBytes = 1024 * 1024

/** Characters of the URI of a resource; there are no longer ones. */
export const uriCharacters = 4096

/** Resources that one connection is told about. */
export const subscriptions = 500

/** Milliseconds between two rounds of telling which resources have changed. */
export const updateMillis = 100

/** Milliseconds before a watch that broke off begins again. */
export const watchAgainMillis = 10_000

/** Values that one completion answers (SPEC, "Completion"). */
export const completions = 100

/** Names looked at for one completion. */
export const completionCandidates = 10_000

/** Bytes of one message on stdio; a longer one ends the connection. */
export const lineBytes = 10 * 1024 * 1024

/** Requests of one client on stdio that are worked on at once, and that wait for it; further ones are not read. */
export const requests = 128
export const requestsWaiting = 1024

/** Characters of requests that wait. */
export const requestsWaitingCharacters = 4 * 1024 * 1024

/** Subscriptions of the newer era that one client on stdio has at once. */
export const listens = 64

/** Bytes that may wait for a slow reader on stdio before no further request is begun. */
export const unreadBytes = 1024 * 1024
