/** Checksums that at least one provider stores or compares. */
export type ChecksumAlgorithm = 'crc32' | 'crc32c' | 'crc64nvme' | 'md5' | 'sha256';

/** Base64, of the whole object only: a composite (checksum of the parts' checksums) is no checksum here. */
export type Checksums = Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
