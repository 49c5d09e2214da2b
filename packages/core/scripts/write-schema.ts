// Writes schema/remote-links.schema.json from the schema in src/config/entry-schema.ts. Run: pnpm schema
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { remoteLinksJsonSchema } from '../src/config/entry-schema.ts';

const file = join(import.meta.dirname, '../schema/remote-links.schema.json');
writeFileSync(file, `${JSON.stringify(remoteLinksJsonSchema(), null, 2)}\n`);
