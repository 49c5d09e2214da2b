import { parseArn } from '../credentials/arn.ts';

export interface TrustPolicyOptions {
  readonly trustAnchorArn: string;
  /** The client's CN: no other certificate of the same authority may then use the role. Default: any may. */
  readonly commonName?: string;
}

/**
 * The trust policy of a role that IAM Roles Anywhere may hand out, for certificates of one trust anchor alone.
 * Source: IAM Roles Anywhere User Guide, "Trust policy" of the trust model.
 */
export function trustPolicy(options: TrustPolicyOptions): Record<string, unknown> {
  const anchor = parseArn('trust_anchor_arn', options.trustAnchorArn, 'rolesanywhere', 'trust-anchor/');
  const { commonName } = options;
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'rolesanywhere.amazonaws.com' },
        Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
        Condition: {
          ...(commonName === undefined ? {} : { StringEquals: { 'aws:PrincipalTag/x509Subject/CN': commonName } }),
          ArnEquals: { 'aws:SourceArn': anchor.text },
        },
      },
    ],
  };
}
