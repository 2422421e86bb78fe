import { FoliotError } from '@foliot/jobs'

/** For who was being served when their key was revoked or expired. */
export const keyEnded = (): FoliotError =>
  new FoliotError('unauthorized', 'the key of this request was revoked or has expired', {
    hint: 'ask again with a key that counts',
  })
