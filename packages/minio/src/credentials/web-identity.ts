import { quoted } from '@stowage/core';
import { fieldsOf, checkedDuration, checkedSessionName } from './assume-role.ts';
import { parseArn } from './arn.ts';
import { credentialsOf } from './credential-document.ts';
import type { CredentialSource } from './credentials.ts';
import { SIGN_IN_MS, withinDeadline } from './deadline.ts';
import { callSts, NO_CREDENTIALS, stsEndpoint, stsError, type StsPlace } from './security-token-service.ts';
import { readTokenFile } from './small-file.ts';

export interface WebIdentityOptions extends StsPlace {
  /** The ARN of the role to assume. */
  readonly roleArn: string;
  /** The file with the token; Kubernetes replaces it from time to time, so it is read anew at each call. */
  readonly tokenFile: string;
  /** Default `stowage`. See AssumeRole. */
  readonly sessionName?: string;
  /** 900 to 43,200 seconds. Default 3,600. */
  readonly durationSeconds?: number;
}

/** The credentials of a role, for a token of an OpenID Connect provider that the role trusts: EKS service accounts, CI systems. */
export function webIdentity(options: WebIdentityOptions): CredentialSource {
  const role = parseArn('iam_role', options.roleArn, 'iam', 'role/', options.endpoint === undefined ? 'aws' : 'other');
  const sessionName = checkedSessionName(options.sessionName);
  const durationSeconds = checkedDuration(options.durationSeconds);
  stsEndpoint(options);
  const what = `AssumeRoleWithWebIdentity of ${quoted(role.text)}`;
  return (call) =>
    withinDeadline(call, SIGN_IN_MS, what, async (signal) => {
      const token = await readTokenFile('web_identity_token_file', options.tokenFile, signal);
      try {
        return await callSts(options, NO_CREDENTIALS, signal, async (client, { AssumeRoleWithWebIdentityCommand }) => {
          const command = new AssumeRoleWithWebIdentityCommand({
            RoleArn: role.text,
            RoleSessionName: sessionName,
            WebIdentityToken: token,
            DurationSeconds: durationSeconds,
          });
          const answer = await client.send(command, { abortSignal: signal });
          return credentialsOf(what, fieldsOf(answer.Credentials));
        });
      } catch (error) {
        signal.throwIfAborted();
        throw stsError(what, options, error, [token], "the role's trust policy must name the token's provider and its subject");
      }
    });
}
