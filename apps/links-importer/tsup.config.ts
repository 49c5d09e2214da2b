import { build } from '../../tsup.base.ts';

export default build(['src/main.ts'], { dts: false, splitting: true });
