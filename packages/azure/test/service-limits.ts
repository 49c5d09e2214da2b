/** Cases of the conformance suite that Azure, or its emulator, cannot pass, whoever speaks to it, each with the reason. */
export const SERVICE_LIMITS: Readonly<Record<string, string>> = {};
