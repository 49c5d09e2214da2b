import { checkPair, type PairOptions } from './check-pair.ts';
import { settingOf } from './pem.ts';

/** What goes into the configuration for a client's pair. Secret: for the settings file alone. */
export interface CertificateSettings {
  readonly iam_role_cert: string;
  readonly iam_role_key: string;
}

/** A checked pair as the configuration takes it: each one line of base64. */
export async function certificateSettings(pair: PairOptions): Promise<CertificateSettings> {
  await checkPair(pair);
  return { iam_role_cert: settingOf(pair.certificate), iam_role_key: settingOf(pair.privateKey) };
}
