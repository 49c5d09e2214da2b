/** A refusal, in the words of Google's API: https://cloud.google.com/storage/docs/json_api/v1/status-codes */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }

  /** The body of the JSON API. */
  json(): unknown {
    const { status, message, reason } = this;
    return { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } };
  }

  /** The body of the XML API: https://cloud.google.com/storage/docs/xml-api/reference-status */
  xml(): string {
    const code = XML_CODES[this.reason] ?? (this.message.includes('bucket does not exist') ? 'NoSuchBucket' : (XML_STATUS[this.status] ?? 'InternalError'));
    const text = this.message.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
    return `<?xml version='1.0' encoding='UTF-8'?><Error><Code>${code}</Code><Message>${text}</Message></Error>`;
  }
}

const XML_CODES: Readonly<Record<string, string>> = {
  signatureDoesNotMatch: 'SignatureDoesNotMatch',
  expiredToken: 'ExpiredToken',
  authError: 'AuthenticationRequired',
  invalidDigest: 'BadDigest',
};
const XML_STATUS: Readonly<Record<number, string>> = {
  400: 'InvalidArgument',
  401: 'AuthenticationRequired',
  403: 'AccessDenied',
  404: 'NoSuchKey',
  412: 'PreconditionFailed',
  416: 'InvalidRange',
};

export const invalid = (message: string): ApiError => new ApiError(400, 'invalid', message);
export const conditionNotMet = (): ApiError => new ApiError(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.');
export const noSuchObject = (bucket: string, name: string): ApiError => new ApiError(404, 'notFound', `No such object: ${bucket}/${name}`);
export const noSuchBucket = (): ApiError => new ApiError(404, 'notFound', 'The specified bucket does not exist.');
