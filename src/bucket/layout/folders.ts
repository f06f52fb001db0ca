/** What keys begin with, besides those of blobs and records. */

/** Upload sessions, each in a folder of its own. */
export const uploadsFolder = ".ocilayout/uploads/"
/** Content whose digest is not known yet. */
export const temporaryFolder = ".ocilayout/tmp/"
/** How far receivers have been told the history. */
export const bookmarksFolder = ".ocilayout/bookmarks/"
/** Plans of collections. */
export const plansFolder = ".ocilayout/plans/"
