import type { ErrorCode } from '@stowage/core';
import type { RequestContext } from './refusal.ts';
import { withoutSecrets } from './redaction.ts';

/**
 * What an error says where all stores mean the same by its code; undefined where the store has words of its own. `where` names the
 * object or bucket, `said` are the store's words, as {@link saidWords} gives them.
 */
export function commonWords(code: ErrorCode, where: string, said: string, status: number | undefined, { endpoint }: RequestContext): string | undefined {
  switch (code) {
    case 'AlreadyExists':
      return `${where} exists already`;
    case 'PreconditionFailed':
      return `${where} is not the revision that was expected: it has been written or deleted since`;
    case 'NotModified':
      return `${where} has not changed`;
    case 'InvalidRange':
      return `the range lies behind the end of ${where}`;
    case 'ChecksumMismatch':
      return `the store found other bytes than were announced for ${where}${said}`;
    case 'RateLimited':
      return `${endpoint} asks to slow down${said}`;
    case 'Unavailable':
      return `${endpoint} failed with status ${status}${said}`;
    default:
      return undefined;
  }
}

/** A store's own words for the end of a message, in brackets and without secrets; empty where it had none. */
export function saidWords(words: readonly string[], secrets: readonly string[]): string {
  const parts = words.map((each) => withoutSecrets(each, secrets)).filter((part) => part !== '');
  return parts.length === 0 ? '' : ` (${parts.join(': ')})`;
}

/** A method as a verb before its object; most are one already. */
export function doing(operation: string): string {
  return DOING[operation] ?? operation;
}

const DOING: Readonly<Record<string, string>> = {
  head: 'look at',
  get: 'read',
  put: 'write',
  startUpload: 'begin an upload of',
  resumeUpload: 'go on with the upload of',
  part: 'upload a part of',
  parts: 'list the parts of',
  complete: 'complete the upload of',
  abort: 'abort the upload of',
  copy: 'copy to',
  setHeaders: 'set the headers of',
  listUploads: 'list the unfinished uploads of',
  readTags: 'read the tags of',
  checkAccess: 'look at',
  createBucket: 'make',
  presign: 'sign for',
};
