import { quoted } from '@stowage/core';
import { parseArn } from './arn.ts';
import { credentialsOf } from './credential-document.ts';
import type { Credentials, CredentialSource } from './credentials.ts';
import { SIGN_IN_MS, withinDeadline } from './deadline.ts';
import { callSts, stsEndpoint, type StsAnswer, stsError, type StsPlace } from './security-token-service.ts';
import { configError } from './sign-in-error.ts';

export interface AssumeRoleOptions extends StsPlace {
  /** The ARN of the role to assume. */
  readonly roleArn: string;
  /** Who assumes it. */
  readonly from: CredentialSource;
  /** Shown in the logs of the role's account: 2 to 64 of `A-Za-z0-9_+=,.@-`. Default `stowage`. */
  readonly sessionName?: string;
  /** What the role's trust policy may ask for. No secret, but not shown either. */
  readonly externalId?: string;
  /** 900 to 43,200 seconds; a role assumed by another role gives 3,600 at most. Default 3,600. */
  readonly durationSeconds?: number;
}

/** The credentials of a role, assumed with those of `from`. */
export function assumeRole(options: AssumeRoleOptions): CredentialSource {
  const { from, externalId } = options;
  const role = parseArn('iam_role', options.roleArn, 'iam', 'role/', options.endpoint === undefined ? 'aws' : 'other');
  const sessionName = checkedSessionName(options.sessionName);
  const durationSeconds = checkedDuration(options.durationSeconds);
  stsEndpoint(options);
  const what = `AssumeRole of ${quoted(role.text)}`;
  return (call) =>
    withinDeadline(call, SIGN_IN_MS, what, async (signal) => {
      const base = await from({ signal });
      try {
        return await callSts(
          options,
          async () => base,
          signal,
          async (client, { AssumeRoleCommand }) => {
            const command = new AssumeRoleCommand({
              RoleArn: role.text,
              RoleSessionName: sessionName,
              DurationSeconds: durationSeconds,
              ...(externalId === undefined ? {} : { ExternalId: externalId }),
            });
            const answer = await client.send(command, { abortSignal: signal });
            return credentialsOf(what, fieldsOf(answer.Credentials));
          },
        );
      } catch (error) {
        signal.throwIfAborted();
        const advice =
          'the caller needs sts:AssumeRole on it, and its trust policy must name the caller (a role written by its bare name is used as it is, not assumed)';
        throw stsError(what, options, error, secretsOf(base, externalId), advice);
      }
    });
}

/** The service's fields by our names, to be checked. */
export function fieldsOf(answer: StsAnswer | undefined): { accessKeyId: unknown; secretAccessKey: unknown; sessionToken: unknown; expiration: unknown } {
  return { accessKeyId: answer?.AccessKeyId, secretAccessKey: answer?.SecretAccessKey, sessionToken: answer?.SessionToken, expiration: answer?.Expiration };
}

export function checkedSessionName(name = 'stowage'): string {
  if (!/^[\w+=,.@-]{2,64}$/.test(name)) throw configError(`role_session_name: expected 2 to 64 of A-Z a-z 0-9 _ + = , . @ -, got ${quoted(name)}`);
  return name;
}

export function checkedDuration(seconds = 3_600): number {
  if (!Number.isInteger(seconds) || seconds < 900 || seconds > 43_200)
    throw configError(`duration_seconds: expected a whole number from 900 to 43200, got ${seconds}`);
  return seconds;
}

function secretsOf(credentials: Credentials, externalId: string | undefined): string[] {
  return [credentials.secretAccessKey, credentials.sessionToken ?? '', externalId ?? ''];
}
