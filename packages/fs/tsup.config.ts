import { build } from '../../tsup.base.ts';

// The threads run files of their own, beside the one that starts them.
export default build(['src/index.ts', 'src/walk-worker.ts', 'src/copy-worker.ts']);
