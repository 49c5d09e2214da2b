import { build } from '../../tsup.base.ts';

export default build(['src/index.ts', 'src/guarded-fetch/index.ts']);
